//! `workspace/*`.

use gangplank_protocol::ErrorData;
use gangplank_protocol::Method;
use gangplank_protocol::catalogue::{
    WorkspaceConfigure, WorkspaceInspect, WorkspaceList, WorkspacePlan, WorkspaceRebuild, WorkspaceRemove,
    WorkspaceStop, WorkspaceUp,
};
use gangplank_protocol::operation::{OperationKind, OperationStarted};
use gangplank_protocol::workspace::{WorkspaceChanged, WorkspaceListResult, WorkspaceUpParams};
use jsonrpsee::core::RegisterMethodError;

use super::{Call, Router};
use crate::engines::wire_id;
use crate::{failure, workspace};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<WorkspacePlan, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await.ok();
        workspace::plan(&params, &call.daemon.trust, engine).await
    })?;
    router.method::<WorkspaceConfigure, _, _>(|call, params| async move {
        let asked = params.clone();
        call.once::<WorkspaceConfigure>(params.request_key.clone(), &params, async move {
            workspace::configure(&asked)
        })
        .await
    })?;
    router.method::<WorkspaceUp, _, _>(|call, params| async move {
        begin::<WorkspaceUp>(call, params, OperationKind::WorkspaceUp).await
    })?;
    router.method::<WorkspaceRebuild, _, _>(|call, params| async move {
        begin::<WorkspaceRebuild>(call, params, OperationKind::WorkspaceRebuild).await
    })?;
    router.method::<WorkspaceList, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let workspaces = call.daemon.workspaces.list(&engine).await?;
        Ok(WorkspaceListResult { engine: wire_id(&engine), workspaces })
    })?;
    router.method::<WorkspaceInspect, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        call.daemon.workspaces.inspect(&engine, &params.workspace).await
    })?;
    router.method::<WorkspaceStop, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (daemon, selector) = (call.daemon.clone(), params.workspace.clone());
        call.once::<WorkspaceStop>(params.request_key.clone(), &params, async move {
            daemon.workspaces.cancel_operation(&engine, &selector).await?;
            let found = workspace::containers_of(&engine, &selector).await?;
            let changed = found.iter().any(|container| container.state == "running");
            for container in &found {
                engine.stop_container(&container.id, None).await.map_err(failure::from_engine)?;
            }
            Ok(WorkspaceChanged {
                container_ids: found.into_iter().map(|container| container.id).collect(),
                changed,
            })
        })
        .await
    })?;
    router.method::<WorkspaceRemove, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (daemon, selector) = (call.daemon.clone(), params.workspace.clone());
        call.once::<WorkspaceRemove>(params.request_key.clone(), &params, async move {
            daemon.workspaces.cancel_operation(&engine, &selector).await?;
            let found = workspace::containers_of(&engine, &selector).await?;
            for container in &found {
                daemon.workspaces.remove_container(&engine, &container.id).await?;
            }
            Ok(WorkspaceChanged {
                container_ids: found.into_iter().map(|container| container.id).collect(),
                changed: true,
            })
        })
        .await
    })
}

async fn begin<M>(
    call: Call,
    params: WorkspaceUpParams,
    kind: OperationKind,
) -> Result<OperationStarted, ErrorData>
where
    M: Method<Params = WorkspaceUpParams, Result = OperationStarted>,
{
    let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
    let (daemon, environment, asked) = (call.daemon.clone(), call.connection.environment(), params.clone());
    call.once::<M>(params.request_key.clone(), &params, async move {
        let handle = daemon.workspaces.handle(&engine, &asked.workspace);
        handle.begin(kind, engine, asked, environment).await
    })
    .await
}
