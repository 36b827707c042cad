//! `process/*`.

use gangplank_protocol::catalogue::{ProcessAttach, ProcessClose, ProcessList, ProcessSignal, ProcessStart};
use gangplank_protocol::daemon::Empty;
use gangplank_protocol::process::{ProcessAttachResult, ProcessListResult, ProcessStarted};
use jsonrpsee::core::RegisterMethodError;

use super::Router;
use crate::failure;
use crate::process::{Control, Identity};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<ProcessStart, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (daemon, asked, pid) = (call.daemon.clone(), params.clone(), call.connection.pid());
        call.once::<ProcessStart>(params.request_key.clone(), &params, async move {
            let (container, spec) = Box::pin(daemon.workspaces.process(&engine, &asked)).await?;
            let session = engine.exec(&container.id, &spec).await.map_err(failure::from_engine)?;
            if asked.detach {
                // Nobody will read what the runtime says of a command that cannot be run.
                engine.exec_started(&container.id, &session.id).await.map_err(failure::from_engine)?;
            }
            let control = Control::Exec {
                engine: engine.clone(),
                container_id: container.id.clone(),
                exec_id: session.id.clone(),
            };
            let identity = Identity { container_id: container.id.clone(), argv: spec.argv, tty: asked.tty };
            let process = daemon.processes.adopt(&engine, identity, session, control);
            process.taken_by(pid);
            let stream = (!asked.detach).then(|| daemon.tickets.give(process.attach(Some(0))));
            Ok(ProcessStarted { process_id: process.id().to_owned(), container_id: container.id, stream })
        })
        .await
    })?;
    router.method::<ProcessAttach, _, _>(|call, params| async move {
        let process = call.daemon.processes.get(&params.process_id)?;
        process.taken_by(call.connection.pid());
        let client = process.attach(params.offset);
        Ok(ProcessAttachResult { process: process.describe(), stream: call.daemon.tickets.give(client) })
    })?;
    router.method::<ProcessSignal, _, _>(|call, params| async move {
        let process = call.daemon.processes.get(&params.process_id)?;
        let signal = params.signal.clone();
        call.once::<ProcessSignal>(params.request_key.clone(), &params, async move {
            process.signal(&signal).await.map(|()| Empty {})
        })
        .await
    })?;
    router.method::<ProcessList, _, _>(|call, params| async move {
        Ok(ProcessListResult { processes: call.daemon.processes.list(params.container_id.as_deref()) })
    })?;
    router.method::<ProcessClose, _, _>(|call, params| async move {
        let (processes, id) = (call.daemon.processes.clone(), params.process_id.clone());
        call.once::<ProcessClose>(
            params.request_key.clone(),
            &params,
            async move { processes.close(&id).await },
        )
        .await
    })
}
