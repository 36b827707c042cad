//! `process/*`.

use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::ErrorData;
use gangplank_protocol::catalogue::{ProcessAttach, ProcessClose, ProcessList, ProcessSignal, ProcessStart};
use gangplank_protocol::daemon::Empty;
use gangplank_protocol::engine::EngineId;
use gangplank_protocol::process::{ProcessAttachResult, ProcessListResult, ProcessStarted};
use jsonrpsee::core::RegisterMethodError;

use super::{Call, Router};
use crate::process::{Host, Launch, ProcessHandle};
use crate::workspaces::is_dev_container;

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<ProcessStart, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (daemon, asked, pid) = (call.daemon.clone(), params.clone(), call.connection.pid());
        call.once::<ProcessStart>(params.request_key.clone(), &params, async move {
            let (container, spec) = Box::pin(daemon.workspaces.process(&engine, &asked)).await?;
            let host = host_for(&container, asked.tty);
            let launch = Launch {
                engine: &engine,
                container: &container,
                spec,
                host,
                purpose: if asked.tty { "terminal" } else { "exec" },
                name: asked.name.clone(),
                attach: !asked.detach,
                announce: None,
                idle_seconds: asked.idle_timeout_seconds,
            };
            let (process, client) = daemon.processes.start(launch).await?;
            process.taken_by(pid);
            let stream = client.map(|client| daemon.tickets.give(client));
            Ok(ProcessStarted { process_id: process.id(), container_id: container.id, stream })
        })
        .await
    })?;
    router.method::<ProcessAttach, _, _>(|call, params| async move {
        let process = find(&call, &params.process_id).await?;
        process.taken_by(call.connection.pid());
        let client = process.attach(params.offset).await?;
        let (process, input_bytes) = (process.describe().await, client.input());
        Ok(ProcessAttachResult { process, stream: call.daemon.tickets.give(client), input_bytes })
    })?;
    router.method::<ProcessSignal, _, _>(|call, params| async move {
        let process = find(&call, &params.process_id).await?;
        let signal = params.signal.clone();
        call.once::<ProcessSignal>(params.request_key.clone(), &params, async move {
            process.signal(&signal).await.map(|()| Empty {})
        })
        .await
    })?;
    router.method::<ProcessList, _, _>(|call, params| async move {
        // What outlived an earlier daemon on the client's engine is listed too. Without an engine there is nothing of it.
        if let Ok(engine) = call.daemon.engines.find(&call.connection, None).await {
            call.daemon.processes.agents().recover(&engine).await;
        }
        Ok(ProcessListResult { processes: call.daemon.processes.list(params.container_id.as_deref()).await })
    })?;
    router.method::<ProcessClose, _, _>(|call, params| async move {
        find(&call, &params.process_id).await?;
        let (processes, id) = (call.daemon.processes.clone(), params.process_id.clone());
        call.once::<ProcessClose>(
            params.request_key.clone(),
            &params,
            async move { processes.close(&id).await },
        )
        .await
    })
}

/// Terminals are worth waiting for an agent, and so outlive everything; in containers of other tools a command that is
/// only run once is not worth bringing one.
fn host_for(container: &ContainerDetails, tty: bool) -> Host {
    match (tty, is_dev_container(container)) {
        (true, _) => Host::Agent,
        (false, true) => Host::Soonest,
        (false, false) => Host::Engine,
    }
}

/// The process of this id, also one that outlived an earlier daemon.
async fn find(call: &Call, process_id: &str) -> Result<ProcessHandle, ErrorData> {
    if let Some(id) = call.daemon.processes.engine_to_recover(process_id) {
        let engine = call.daemon.engines.find(&call.connection, Some(&EngineId(id))).await?;
        call.daemon.processes.agents().recover(&engine).await;
    }
    call.daemon.processes.get(process_id).await
}
