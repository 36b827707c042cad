//! `container/*`.

use std::time::Duration;

use gangplank_engine::container::{ContainerFilter, LogOptions, PublishedPort};
use gangplank_protocol::catalogue::{
    ContainerInspect, ContainerList, ContainerLogs, ContainerRemove, ContainerRun, ContainerStart,
    ContainerStop,
};
use gangplank_protocol::container::{
    ContainerChanged, ContainerDetails, ContainerListResult, ContainerLogsResult, ContainerSummary,
    MountPoint, PortMapping,
};
use gangplank_protocol::operation::OperationKind;
use jsonrpsee::core::RegisterMethodError;

use super::Router;
use crate::engines::wire_id;
use crate::process::{Client, Control, Identity, RunningProcess};
use crate::{container, failure, workspace};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<ContainerRun, _, _>(|call, params| async move {
        container::run_spec(&params)?;
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (daemon, asked, environment) =
            (call.daemon.clone(), params.clone(), call.connection.environment());
        call.once::<ContainerRun>(params.request_key.clone(), &params, async move {
            let (processes, tickets) = (daemon.processes.clone(), daemon.tickets.clone());
            Ok(daemon.operations.begin(
                OperationKind::ContainerRun,
                asked.image.clone(),
                move |reporter| async move {
                    reporter.engine(&wire_id(&engine));
                    container::run(&engine, &reporter, &processes, &tickets, asked, environment).await
                },
            ))
        })
        .await
    })?;
    router.method::<ContainerList, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let filter = ContainerFilter { all: params.all, labels: params.labels };
        let list = engine.list_containers(&filter).await.map_err(failure::from_engine)?;
        Ok(ContainerListResult {
            engine: wire_id(&engine),
            containers: list.into_iter().map(summary).collect(),
        })
    })?;
    router.method::<ContainerInspect, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let found = engine.inspect_container(&params.container).await.map_err(failure::from_engine)?;
        let exited = !found.state.running && found.state.status != "created";
        Ok(ContainerDetails {
            engine: wire_id(&engine),
            id: found.id,
            name: found.name,
            image: found.image,
            image_id: found.image_id,
            created: found.created,
            state: found.state.status,
            started_at: found.state.started_at,
            exit_code: exited.then(|| i32::try_from(found.state.exit_code).ok()).flatten(),
            oom_killed: found.state.oom_killed,
            error: (!found.state.error.is_empty()).then_some(found.state.error),
            environment: found.env,
            user: found.user,
            working_directory: found.working_dir,
            tty: found.tty,
            mounts: found
                .mounts
                .into_iter()
                .map(|mount| MountPoint {
                    source: if mount.name.is_empty() { mount.source } else { mount.name },
                    kind: mount.kind,
                    target: mount.target,
                    read_only: !mount.writable,
                })
                .collect(),
            ports: found.ports.into_iter().map(port).collect(),
            labels: found.labels,
        })
    })?;
    router.method::<ContainerStart, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let name = params.container.clone();
        call.once::<ContainerStart>(params.request_key.clone(), &params, async move {
            let found = engine.inspect_container(&name).await.map_err(failure::from_engine)?;
            workspace::start_container(&engine, &found).await?;
            Ok(ContainerChanged { container_id: found.id, changed: !found.state.running })
        })
        .await
    })?;
    router.method::<ContainerStop, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let name = params.container.clone();
        let grace = params.timeout_seconds.map(|seconds| Duration::from_secs(seconds.into()));
        call.once::<ContainerStop>(params.request_key.clone(), &params, async move {
            let found = engine.inspect_container(&name).await.map_err(failure::from_engine)?;
            engine.stop_container(&found.id, grace).await.map_err(failure::from_engine)?;
            Ok(ContainerChanged { container_id: found.id, changed: found.state.running })
        })
        .await
    })?;
    router.method::<ContainerRemove, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (name, force, volumes) = (params.container.clone(), params.force, params.volumes);
        let workspaces = call.daemon.workspaces.clone();
        call.once::<ContainerRemove>(params.request_key.clone(), &params, async move {
            let found = engine.inspect_container(&name).await.map_err(failure::from_engine)?;
            engine.remove_container(&found.id, force, volumes).await.map_err(failure::from_engine)?;
            workspaces.forget_container(&found.id);
            Ok(ContainerChanged { container_id: found.id, changed: true })
        })
        .await
    })?;
    router.method::<ContainerLogs, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let found = engine.inspect_container(&params.container).await.map_err(failure::from_engine)?;
        let options = LogOptions {
            tty: found.tty,
            follow: params.follow,
            stdout: true,
            stderr: true,
            tail: params.tail.map(u64::from),
            since: None,
            until: None,
            timestamps: params.timestamps,
        };
        let reader = engine.container_logs(&found.id, &options).await.map_err(failure::from_engine)?;
        // Without a terminal's rule: no line of a log may be skipped for a slow reader.
        let identity = Identity { container_id: found.id, argv: Vec::new(), tty: false, name: None };
        let log = RunningProcess::begin(&engine, identity, reader, None, Control::Logs);
        Ok(ContainerLogsResult { stream: call.daemon.tickets.give(Client::Engine(log.attach(Some(0)))) })
    })
}

fn summary(found: gangplank_engine::container::ContainerSummary) -> ContainerSummary {
    ContainerSummary {
        id: found.id,
        name: found.names.into_iter().next().unwrap_or_default(),
        image: found.image,
        command: found.command,
        created_at: u64::try_from(found.created).unwrap_or(0).saturating_mul(1000),
        state: found.state,
        status: found.status,
        ports: found.ports.into_iter().map(port).collect(),
        labels: found.labels,
    }
}

fn port(port: PublishedPort) -> PortMapping {
    PortMapping {
        container_port: port.container_port,
        protocol: port.protocol,
        host_address: (!port.host_ip.is_empty()).then_some(port.host_ip),
        host_port: port.host_port,
    }
}
