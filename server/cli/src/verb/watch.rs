//! `watch`: the workspace's changes as they happen, over lost connections without a gap unseen.

use std::time::Duration;

use gangplank_client::Client;
use gangplank_protocol::catalogue::WatchSubscribe;
use gangplank_protocol::feed::{Cursor, Sequenced};
use gangplank_protocol::watch::{FileChange, FileChangeKind, WatchEvent, WatchSubscribeParams};

use super::Outcome;
use crate::args::Format;
use crate::args::value;
use crate::args::workspace::{Folder, Named, Watch};
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::render::escape;

/// Connections lost in a row, without an item between them, before watching is given up.
const ATTEMPTS: u32 = 5;

pub(super) async fn run(context: &Context, verb: &Watch) -> Outcome {
    let cwd = context.cwd()?;
    let folder = match &verb.workspace_folder {
        Some(folder) => value::absolute(folder, &cwd)?,
        None => Named::default().selector(&cwd, Folder::Nearest)?.workspace_folder.unwrap_or_default(),
    };
    let client = context.client().await?;
    tokio::select! {
        watched = watch(context, &client, &folder, verb.all) => watched,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.map_err(Failure::io("listen for signals"))?;
            Ok(exit::INTERRUPTED)
        }
    }
}

async fn watch(context: &Context, client: &Client, folder: &str, all: bool) -> Outcome {
    let mut since: Option<Cursor> = None;
    let mut lost = 0;
    loop {
        let params = WatchSubscribeParams { workspace_folder: folder.to_owned(), all, since: since.clone() };
        let error = match client.subscribe::<WatchSubscribe>(&params).await {
            Ok(mut feed) => loop {
                match feed.next().await {
                    Ok(item) => {
                        lost = 0;
                        since = Some(item.cursor());
                        show(context, &item)?;
                    }
                    Err(error) => break error,
                }
            },
            Err(error) => error,
        };
        lost += 1;
        if !error.is_lost_connection() || lost > ATTEMPTS {
            return Err(error.into());
        }
        context.screen.note("the connection to the daemon was lost; watching again");
        tokio::time::sleep(Duration::from_millis(20) * 2_u32.pow(lost)).await;
    }
}

fn show(context: &Context, item: &Sequenced<WatchEvent>) -> Result<(), Failure> {
    if context.format() != Format::Text {
        return context.screen.json(item);
    }
    if item.resync {
        context.screen.note("changes were missed: read the folder again");
    }
    match &item.event {
        WatchEvent::Ready { directories } => {
            context.screen.note(&format!("watching {directories} folders"));
            Ok(())
        }
        WatchEvent::Changes { changes } => {
            context.screen.answer(&changes.iter().map(change).collect::<String>())
        }
        WatchEvent::ConfigurationChanged { paths } => {
            let lines: String =
                paths.iter().map(|path| format!("configuration {}\n", escape::line(path))).collect();
            context.screen.answer(&lines)
        }
        WatchEvent::Rescanned { reason } => {
            context.screen.note(&format!("the folder was read again: {reason}"));
            Ok(())
        }
        WatchEvent::Degraded { reason } => {
            context.screen.note(&format!("not everything can be watched: {reason}"));
            Ok(())
        }
        WatchEvent::FolderGone => {
            context.screen.note("the folder is gone");
            Ok(())
        }
    }
}

fn change(change: &FileChange) -> String {
    let kind = match change.kind {
        FileChangeKind::Created => "created",
        FileChangeKind::Modified => "modified",
        FileChangeKind::Deleted => "deleted",
        FileChangeKind::Renamed => "renamed",
    };
    match &change.from {
        Some(from) => format!("{kind} {} -> {}\n", escape::line(from), escape::line(&change.path)),
        None => format!("{kind} {}\n", escape::line(&change.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_one_line_whatever_the_file_is_called() {
        let renamed =
            FileChange { kind: FileChangeKind::Renamed, path: "b\nc".into(), from: Some("a".into()) };
        assert_eq!(change(&renamed), "renamed a -> b\\nc\n");
    }
}
