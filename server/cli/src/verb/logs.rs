//! `logs`: what a container's main process wrote, to the outputs it wrote it to.

use gangplank_protocol::catalogue::ContainerLogs;
use gangplank_protocol::container::ContainerLogsParams;

use super::{DONE, Outcome, exec, named};
use crate::args::container::Logs;
use crate::context::Context;
use crate::terminal::session::{self, Hangup, Session, SessionEnd};

pub(super) async fn run(context: &Context, verb: &Logs) -> Outcome {
    let client = context.client().await?;
    let container = match &verb.container {
        Some(container) => container.clone(),
        None => named::container_of(&client, context, &verb.workspace).await?,
    };
    let params = ContainerLogsParams {
        engine: None,
        container,
        follow: verb.follow,
        tail: verb.tail.0,
        timestamps: verb.timestamps,
    };
    let ticket = client.call::<ContainerLogs>(&params).await?.stream;
    let session = Session {
        process_id: None,
        ticket,
        input_before: None,
        resumable: Some(false),
        tty: false,
        interactive: false,
        keys: exec::detach_keys("")?,
        hangup: Hangup::Detach,
        size: None,
        paths: None,
    };
    match session::run(&client, &context.screen, session).await? {
        // how the container ended is not how its logs were read
        SessionEnd::Exited(_) | SessionEnd::Detached => DONE,
        SessionEnd::Left(code) => Ok(code),
    }
}
