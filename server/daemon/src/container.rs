//! Containers: what a request or a configuration asks for, as the engine's specification of a container; and running
//! one with its first process attached.

mod options;

use std::collections::BTreeMap;
use std::time::Duration;

use gangplank_devcontainer::run_args;
use gangplank_engine::container::{ContainerSpec, WaitCondition};
use gangplank_engine::exec::AttachSpec;
use gangplank_engine::{Engine, EngineError};
use gangplank_protocol::container::{ContainerRunParams, ContainerRunResult};
use gangplank_protocol::process::ProcessStarted;
use gangplank_protocol::{ErrorData, ErrorKind};
use tokio::sync::watch;

pub use options::{OptionsError, apply, engine_mount};

use crate::agent::delivery::refuse_own_volumes;
use crate::operation::Reporter;
use crate::process::{Client, Control, Identity, Processes, Tickets};
use crate::{failure, image};

/// How long a container that cannot be started may take to be removed again.
const REMOVAL: Duration = Duration::from_secs(10);

/// The container that `container/run` asks for.
///
/// # Errors
/// `invalidParams` for a value that Docker would refuse too.
pub fn run_spec(params: &ContainerRunParams) -> Result<ContainerSpec, ErrorData> {
    let attached = !params.detach;
    let mut spec = ContainerSpec {
        image: params.image.clone(),
        name: params.name.clone(),
        hostname: params.hostname.clone(),
        user: params.user.clone(),
        working_dir: params.working_directory.clone(),
        labels: params.labels.clone(),
        entrypoint: params.entrypoint.as_ref().map(|entrypoint| match entrypoint.as_str() {
            "" => Vec::new(),
            program => vec![program.to_owned()],
        }),
        cmd: (!params.command.is_empty()).then(|| params.command.clone()),
        tty: params.tty,
        open_stdin: params.interactive,
        stdin_once: params.interactive && attached,
        attach_stdin: params.interactive && attached,
        attach_stdout: attached,
        attach_stderr: attached,
        network_mode: params.network.clone(),
        init: params.init.then_some(true),
        auto_remove: params.remove,
        ..ContainerSpec::default()
    };
    let flag = |name: &'static str, values: &[String]| -> Vec<String> {
        values.iter().flat_map(|value| [name.to_owned(), value.clone()]).collect()
    };
    let args = [
        flag("--volume", &params.volumes),
        flag("--env", &params.environment),
        flag("--publish", &params.publish),
    ]
    .concat();
    let options = run_args::parse(&args).map_err(|errors| {
        let first = errors.first().map(|error| error.problem.to_string()).unwrap_or_default();
        ErrorData::new(ErrorKind::InvalidParams, first)
    })?;
    let sources = options.volumes.iter().filter_map(|volume| volume.source.as_deref());
    refuse_own_volumes("--volume", sources)?;
    apply(&mut spec, options, &BTreeMap::new(), &BTreeMap::new())
        .map_err(|error| ErrorData::new(ErrorKind::InvalidParams, error.to_string()))?;
    Ok(spec)
}

/// Makes and starts the container; unless it is detached, its first process is attached since before the start.
///
/// # Errors
/// Those of getting the image, creating and starting. A container that cannot be started is removed again.
pub async fn run(
    engine: &Engine,
    reporter: &Reporter,
    processes: &Processes,
    tickets: &Tickets,
    params: ContainerRunParams,
    environment: BTreeMap<String, String>,
) -> Result<ContainerRunResult, ErrorData> {
    let spec = run_spec(&params)?;
    image::ensure(engine, reporter, &spec.image, None, environment).await?;
    let step = reporter.begin("create", format!("Create a container from {}", spec.image));
    let created = step.end(engine.create_container(&spec).await.map_err(failure::from_engine))?;
    let step = reporter.begin("start", "Start the container");
    let started = start(engine, processes, tickets, &params, &created.id).await;
    if started.is_err() {
        // Docker leaves it behind; nobody could use it, and its name would be taken.
        let _ = tokio::time::timeout(REMOVAL, engine.remove_container(&created.id, true, true)).await;
    }
    let process = step.end(started)?;
    Ok(ContainerRunResult { container_id: created.id, process, warnings: created.warnings })
}

async fn start(
    engine: &Engine,
    processes: &Processes,
    tickets: &Tickets,
    params: &ContainerRunParams,
    container_id: &str,
) -> Result<Option<ProcessStarted>, ErrorData> {
    if params.detach {
        return engine.start_container(container_id).await.map(|()| None).map_err(failure::from_engine);
    }
    let attach = AttachSpec { tty: params.tty, stdin: params.interactive, stdout: true, stderr: true };
    let session = engine.attach(container_id, attach).await.map_err(failure::from_engine)?;
    let waited = wait_for_exit(engine.clone(), container_id.to_owned(), params.remove);
    engine.start_container(container_id).await.map_err(failure::from_engine)?;
    let control = Control::Main { engine: engine.clone(), container_id: container_id.to_owned(), waited };
    let identity = Identity {
        container_id: container_id.to_owned(),
        argv: params.command.clone(),
        tty: params.tty,
        name: None,
    };
    let process = processes.adopt(engine, identity, session, control);
    if let Some(size) = params.size {
        process.resize(size).await;
    }
    let stream = Some(tickets.give(Client::Engine(process.attach(None))));
    Ok(Some(ProcessStarted {
        process_id: process.id().to_owned(),
        container_id: container_id.to_owned(),
        stream,
    }))
}

/// Waits for the container's end since before its start, so that it is seen even when the container goes with it.
fn wait_for_exit(
    engine: Engine,
    container_id: String,
    removed: bool,
) -> watch::Receiver<Option<Result<i64, EngineError>>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let condition = if removed { WaitCondition::Removed } else { WaitCondition::NextExit };
        let exited = engine.wait_container(&container_id, condition).await;
        if !removed {
            // Docker tells of the exit while it still notes it: until it answers about the container, which waits for
            // that, its list may show the container running.
            let _ = engine.inspect_container(&container_id).await;
        }
        // Nobody may be interested any more.
        let _ = sender.send(Some(exited));
    });
    receiver
}
