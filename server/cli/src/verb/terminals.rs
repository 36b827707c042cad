//! `terminals`: those that run, from whatever client, and closing them.

mod choice;

use gangplank_client::Client;
use gangplank_protocol::ErrorData;
use gangplank_protocol::catalogue::{ProcessClose, ProcessList, WorkspaceList};
use gangplank_protocol::process::{Process, ProcessCloseParams, ProcessCloseResult, ProcessListParams};
use gangplank_protocol::workspace::{Workspace, WorkspaceListParams};
use serde::Serialize;

use super::{DONE, Outcome};
use crate::args::process::{Terminals, TerminalsVerb};
use crate::context::{Context, request_key};
use crate::exit;
use crate::failure::Failure;
use crate::render::table::{Table, short_id, truncated};
use crate::render::{escape, failure, human};
pub(super) use choice::{choose, running_named};

/// The longest title, command or folder in the table.
const WIDTH: usize = 32;

/// A terminal with the folder whose container it is in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(flatten)]
    process: Process,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_folder: Option<String>,
}

/// What happened to one of several terminals that were to be closed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Each {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    process_id: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    closed: Option<ProcessCloseResult>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorData>,
}

pub(super) async fn run(context: &Context, verb: &Terminals) -> Outcome {
    match &verb.verb {
        None => list(context, verb.all).await,
        Some(TerminalsVerb::Close { terminals }) => close(context, terminals).await,
    }
}

/// Every process that the daemon knows.
///
/// # Errors
/// The daemon's.
pub(super) async fn processes(client: &Client) -> Result<Vec<Process>, Failure> {
    Ok(client.call::<ProcessList>(&ProcessListParams::default()).await?.processes)
}

async fn list(context: &Context, all: bool) -> Outcome {
    let client = context.client().await?;
    let mut processes = processes(&client).await?;
    processes.retain(|process| process.tty && (all || process.exit.is_none()));
    // an engine that does not list containers has terminals all the same
    let workspaces = client.call::<WorkspaceList>(&WorkspaceListParams::default()).await;
    let workspaces = workspaces.map(|listed| listed.workspaces).unwrap_or_default();
    let listed: Vec<Listed> = processes.into_iter().map(|process| of(process, &workspaces)).collect();
    let now = human::now();
    context.screen.list(context.format(), &listed, |listed| table(listed, all, now))?;
    DONE
}

fn of(process: Process, workspaces: &[Workspace]) -> Listed {
    let own = workspaces.iter().find(|workspace| workspace.container.container_id == process.container_id);
    let folder = own.map(|workspace| workspace.workspace_folder.clone());
    Listed { process, workspace_folder: folder.filter(|folder| !folder.is_empty()) }
}

fn table(listed: &[Listed], all: bool, now: u64) -> String {
    let mut heads = vec!["NAME", "PROCESS", "CONTAINER", "TITLE", "RUNS", "CWD", "STARTED", "CLIENTS"];
    if all {
        heads.push("STATUS");
    }
    let mut table = Table::new(&heads);
    for Listed { process, workspace_folder } in listed {
        let container = short_id(&process.container_id).to_owned();
        let mut row = vec![
            process.name.clone().unwrap_or_default(),
            process.process_id.clone(),
            workspace_folder.clone().unwrap_or(container),
            truncated(process.title.as_deref().unwrap_or_default(), WIDTH),
            truncated(&runs(process), WIDTH),
            process.cwd.clone().unwrap_or_default(),
            human::ago(process.started_at, now),
            process.clients.to_string(),
        ];
        if all {
            row.push(status(process));
        }
        table.row(row);
    }
    table.print()
}

/// What runs in it: the command line, else what is in its foreground, else what it was started with.
fn runs(process: &Process) -> String {
    let running = process.commands.last().filter(|command| command.duration_ms.is_none());
    let line = running.filter(|_| process.exit.is_none()).and_then(|command| command.line.clone());
    line.or_else(|| process.foreground.clone()).unwrap_or_else(|| match process.argv.as_slice() {
        [] => "login shell".to_owned(),
        argv => argv.join(" "),
    })
}

fn status(process: &Process) -> String {
    match &process.exit {
        None => "running".to_owned(),
        Some(exit) => match (&exit.reason, exit.code) {
            (Some(reason), _) => reason.clone(),
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => "ended".to_owned(),
        },
    }
}

/// Closes each, in their order, and goes on after a failure. The exit code is the first failure's.
async fn close(context: &Context, terminals: &[String]) -> Outcome {
    let client = context.client().await?;
    let processes = processes(&client).await?;
    let mut code = exit::OK;
    let mut all = Vec::new();
    for text in terminals {
        let name = text.clone();
        match close_one(&client, &processes, text).await {
            Ok((process_id, closed)) => {
                if !closed.remaining.is_empty() {
                    let remaining = closed.remaining.join(", ");
                    context.screen.note(&format!("{text}: going on in sessions of their own: {remaining}"));
                }
                let (process_id, closed) = (Some(process_id), Some(closed));
                all.push(Each { name, process_id, closed, error: None });
            }
            Err(failed) => {
                if let Some(data) = failed.data() {
                    context.screen.tell(&failure::text(&data));
                }
                code = if code == exit::OK { failed.exit_code() } else { code };
                all.push(Each { name, process_id: None, closed: None, error: failed.data() });
            }
        }
    }
    context.screen.list(context.format(), &all, |all| {
        let closed = all.iter().filter(|one| one.closed.is_some());
        closed.map(|one| format!("{}\n", escape::line(&one.name))).collect()
    })?;
    Ok(code)
}

async fn close_one(
    client: &Client,
    processes: &[Process],
    text: &str,
) -> Result<(String, ProcessCloseResult), Failure> {
    let process_id = choose(processes, text)?.process_id.clone();
    let params = ProcessCloseParams { process_id: process_id.clone(), request_key: request_key() };
    Ok((process_id, client.call::<ProcessClose>(&params).await?))
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::process::{ProcessCommand, ProcessExit};

    use super::*;

    fn terminal() -> Process {
        choice::tests::process("p-0123abcd-0000000000000001", Some("web"))
    }

    #[test]
    fn titles_names_and_folders_of_a_container_cannot_move_the_cursor() {
        let mut process = terminal();
        process.name = Some("a\x1b[2J".into());
        process.title = Some("\x1b]0;x\x07\u{202e}".into());
        process.cwd = Some("/w\n/x\u{9b}31m".into());
        process.foreground = Some("vim\r".into());
        let text = table(&[of(process, &[])], true, 0);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn a_terminal_tells_what_runs_in_it() {
        let mut process = terminal();
        process.argv = vec!["bash".into(), "-l".into()];
        assert_eq!(runs(&process), "bash -l");
        process.foreground = Some("node".into());
        assert_eq!(runs(&process), "node");
        let command = |duration_ms| ProcessCommand {
            line: Some("npm run dev".into()),
            started_at: 0,
            duration_ms,
            exit_code: None,
            output_offset: 0,
        };
        process.commands = vec![command(None)];
        assert_eq!(runs(&process), "npm run dev");
        process.commands = vec![command(Some(3))];
        assert_eq!(runs(&process), "node");
        process.argv.clear();
        process.foreground = None;
        assert_eq!(runs(&process), "login shell");
    }

    #[test]
    fn an_ended_one_says_how() {
        let mut process = terminal();
        assert_eq!(status(&process), "running");
        process.exit = Some(ProcessExit { code: Some(3), ..ProcessExit::default() });
        assert_eq!(status(&process), "exit code 3");
        process.exit = Some(ProcessExit { reason: Some("idle".into()), ..ProcessExit::default() });
        assert_eq!(status(&process), "idle");
    }
}
