//! `attach`: a process that the daemon runs already, on this terminal again; or which ones there are.

use gangplank_client::Client;
use gangplank_protocol::catalogue::{ProcessAttach, ProcessList};
use gangplank_protocol::process::{Process, ProcessAttachParams, ProcessListParams};

use super::{DONE, Outcome, exec};
use crate::args::process::Attach;
use crate::context::Context;
use crate::render::human;
use crate::render::table::{Table, short_id, truncated};
use crate::terminal;
use crate::terminal::session::{self, Hangup, Session};

pub(super) async fn run(context: &Context, verb: &Attach) -> Outcome {
    let keys = exec::detach_keys(&verb.detach_keys)?;
    let client = context.client().await?;
    let Some(process) = verb.process.clone() else { return list(context, &client).await };
    let params = ProcessAttachParams { process_id: process.clone(), offset: None };
    let attached = client.call::<ProcessAttach>(&params).await?;
    let tty = attached.process.tty;
    let session = Session {
        process_id: Some(process.clone()),
        ticket: attached.stream,
        tty,
        interactive: !tty || terminal::is_terminal(),
        keys,
        hangup: Hangup::Detach,
        fit: true,
    };
    let end = session::run(&client, &context.screen, session).await?;
    Ok(exec::code_of(context, end, &process))
}

async fn list(context: &Context, client: &Client) -> Outcome {
    let all = client.call::<ProcessList>(&ProcessListParams::default()).await?.processes;
    let running: Vec<Process> = all.into_iter().filter(|process| process.exit.is_none()).collect();
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
