//! `run`: a container of its own, as `docker run`.

use std::collections::BTreeMap;

use gangplank_protocol::catalogue::ContainerRun;
use gangplank_protocol::container::{ContainerRunParams, ContainerRunResult};

use super::{DONE, Outcome, exec};
use crate::args::Format;
use crate::args::process::Run;
use crate::args::value;
use crate::context::{Context, request_key};
use crate::failure::Failure;
use crate::operation;
use crate::render::escape;
use crate::render::progress::{Progress, Wanted};
use crate::terminal;
use crate::terminal::session::{self, Hangup, Session};

pub(super) async fn run(context: &Context, verb: &Run) -> Outcome {
    let keys = exec::detach_keys(&verb.detach_keys)?;
    let params = params(context, verb)?;
    let client = context.client().await?;
    let started = client.call::<ContainerRun>(&params).await?;
    let wanted =
        if verb.detach && context.format() == Format::Ndjson { Wanted::Answer } else { Wanted::Image };
    let progress = Progress::new(context.screen, context.called_as, wanted);
    let made: ContainerRunResult = operation::finish(&client, &context.screen, progress, &started).await?;
    if context.screen.style.warnings {
        for warning in &made.warnings {
            context.screen.note(&format!("warning: {warning}"));
        }
    }
    let Some(process) = made.process.as_ref() else {
        context
            .screen
            .value(context.format(), &made, |made| format!("{}\n", escape::line(&made.container_id)))?;
        return DONE;
    };
    let Some(ticket) = process.stream.clone() else { return DONE };
    let session = Session {
        process_id: Some(process.process_id.clone()),
        ticket,
        input_before: Some(0),
        resumable: None,
        tty: verb.tty,
        interactive: verb.interactive,
        keys,
        hangup: Hangup::Detach,
        size: params.size,
        paths: None,
    };
    let end = session::run(&client, &context.screen, session).await?;
    Ok(exec::code_of(context, end, &process.process_id))
}

fn params(context: &Context, verb: &Run) -> Result<ContainerRunParams, Failure> {
    let cwd = context.cwd()?;
    let (image, command) = verb
        .image_and_command
        .split_first()
        .ok_or_else(|| Failure::Usage("an image is needed".to_owned()))?;
    let volumes = verb.volume.iter().map(|volume| value::volume(volume, &cwd)).collect::<Result<_, _>>()?;
    Ok(ContainerRunParams {
        engine: None,
        image: image.clone(),
        command: command.to_vec(),
        name: verb.name.clone(),
        interactive: verb.interactive,
        tty: verb.tty,
        detach: verb.detach,
        remove: verb.remove,
        volumes,
        environment: environment(verb)?.into_iter().map(|(name, value)| format!("{name}={value}")).collect(),
        working_directory: verb.workdir.clone(),
        user: verb.user.clone(),
        publish: verb.publish.clone(),
        labels: labels(&verb.label),
        entrypoint: verb.entrypoint.clone(),
        hostname: verb.hostname.clone(),
        network: verb.network.clone(),
        init: verb.init,
        size: terminal::size().filter(|_| verb.tty),
        request_key: request_key(),
    })
}

/// The files' variables, then those of the flags.
fn environment(verb: &Run) -> Result<BTreeMap<String, String>, Failure> {
    let own = |name: &str| std::env::var_os(name);
    let mut environment = BTreeMap::new();
    for file in &verb.env_file {
        let content = std::fs::read_to_string(file)
            .map_err(Failure::io(format!("read the variables in {}", file.display())))?;
        let lines: Vec<String> = value::variable_lines(&content).map(str::to_owned).collect();
        environment.extend(value::variables(&lines, own)?);
    }
    environment.extend(value::variables(&verb.env, own)?);
    Ok(environment)
}

fn labels(labels: &[String]) -> BTreeMap<String, String> {
    let split = |label: &String| {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        (name.to_owned(), value.to_owned())
    };
    labels.iter().map(split).collect()
}
