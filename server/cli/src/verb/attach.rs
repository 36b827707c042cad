//! `attach`: a process that the daemon runs already, on this terminal again; or which ones there are.

use gangplank_client::{Client, ClientError};
use gangplank_protocol::ErrorKind;
use gangplank_protocol::catalogue::ProcessAttach;
use gangplank_protocol::process::{Process, ProcessAttachParams, ProcessAttachResult};

use super::{DONE, Outcome, exec, terminals};
use crate::args::process::Attach;
use crate::context::Context;
use crate::failure::Failure;
use crate::render::human;
use crate::render::table::{Table, short_id, truncated};
use crate::terminal;
use crate::terminal::detach::DetachKeys;
use crate::terminal::session::{self, Hangup, Session};

pub(super) async fn run(context: &Context, verb: &Attach) -> Outcome {
    let keys = exec::detach_keys(&verb.detach_keys)?;
    let client = context.client().await?;
    match &verb.process {
        None => list(context, &client).await,
        Some(text) => stay(context, &client, named(&client, text).await?, keys).await,
    }
}

/// Attaches to the process that `text` means. Most texts are ids, which need not be looked for.
async fn named(client: &Client, text: &str) -> Result<ProcessAttachResult, Failure> {
    let unknown = if text.starts_with("p-") {
        match by_id(client, text).await {
            Err(Failure::Client(ClientError::Rpc(data))) if data.kind == ErrorKind::NotResumable => {
                Some(data)
            }
            outcome => return outcome,
        }
    } else {
        None
    };
    let processes = terminals::processes(client).await?;
    match (terminals::choose(&processes, text), unknown) {
        (Ok(process), _) => by_id(client, &process.process_id).await,
        // why it is not known any more says more than that it is not
        (Err(Failure::Operation(missing)), Some(unknown)) if missing.kind == ErrorKind::NotFound => {
            Err(ClientError::Rpc(unknown).into())
        }
        (Err(failure), _) => Err(failure),
    }
}

async fn by_id(client: &Client, process_id: &str) -> Result<ProcessAttachResult, Failure> {
    let params = ProcessAttachParams { process_id: process_id.to_owned(), offset: None };
    Ok(client.call::<ProcessAttach>(&params).await?)
}

/// Attaches to a process, and stays with it.
///
/// # Errors
/// When it cannot be attached to, or its session fails.
pub(super) async fn to(context: &Context, client: &Client, process_id: &str, keys: DetachKeys) -> Outcome {
    stay(context, client, by_id(client, process_id).await?, keys).await
}

async fn stay(
    context: &Context,
    client: &Client,
    attached: ProcessAttachResult,
    keys: DetachKeys,
) -> Outcome {
    let process = attached.process.process_id.clone();
    let tty = attached.process.tty;
    let session = Session {
        process_id: Some(process.clone()),
        ticket: attached.stream,
        input_before: attached.input_bytes,
        resumable: Some(attached.process.resumable),
        tty,
        interactive: !tty || terminal::is_terminal(),
        keys,
        hangup: Hangup::Detach,
        size: None,
        paths: None,
    };
    let end = session::run(client, &context.screen, session).await?;
    Ok(exec::code_of(context, end, &process))
}

async fn list(context: &Context, client: &Client) -> Outcome {
    let running: Vec<Process> =
        terminals::processes(client).await?.into_iter().filter(|process| process.exit.is_none()).collect();
    let now = human::now();
    context.screen.list(context.format(), &running, |running| table(running, now))?;
    DONE
}

fn table(processes: &[Process], now: u64) -> String {
    let mut table = Table::new(&["PROCESS", "CONTAINER ID", "COMMAND", "STARTED", "CLIENTS"]);
    for process in processes {
        table.row([
            process.process_id.clone(),
            short_id(&process.container_id).to_owned(),
            truncated(&process.argv.join(" "), 40),
            human::ago(process.started_at, now),
            process.clients.to_string(),
        ]);
    }
    table.print()
}
