//! `shell`: a shell in the workspace's container, that can stand where an editor or `$SHELL` expects one.

use gangplank_client::{Client, ClientError};
use gangplank_protocol::catalogue::{ContainerInspect, WorkspaceInspect};
use gangplank_protocol::container::ContainerParams;
use gangplank_protocol::process::{ProcessStartParams, ProcessTarget};
use gangplank_protocol::workspace::WorkspaceParams;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::{Outcome, attach, exec, terminals};
use crate::args::process::Shell;
use crate::args::value;
use crate::args::workspace::Folder;
use crate::context::{Context, request_key};
use crate::failure::Failure;
use crate::terminal;
use crate::terminal::session::Hangup;

/// Runs the user's own shell with the flags given to us; which it is only the container knows.
const USERS_SHELL: &str = "exec \"${SHELL:-/bin/sh}\" \"$@\"";

pub(super) async fn run(context: &Context, verb: &Shell) -> Outcome {
    let keys = exec::detach_keys(&verb.detach_keys)?;
    let tty = terminal::is_terminal();
    let cwd = context.cwd()?;
    let params = ProcessStartParams {
        engine: None,
        target: exec::target(context, &verb.workspace, Folder::Nearest)?,
        argv: argv(verb),
        tty,
        interactive: true,
        detach: false,
        cwd: None,
        // a folder whose path is not UTF-8 cannot be named, and counts as one that is not mounted
        host_directory: cwd.to_str().map(str::to_owned),
        environment: value::variables(&verb.env, |name| std::env::var_os(name))?,
        user: verb.user.clone(),
        name: verb.name.clone(),
        idle_timeout_seconds: verb.idle_timeout,
        size: terminal::size().filter(|_| tty),
        client_environment: context.environment(),
        trust: context.trust(false),
        request_key: request_key(),
    };
    let client = context.client().await?;
    if let Some(name) = &verb.name {
        let running = running(&client, &params.target, name).await.map_err(say_what_opens_it)?;
        match running {
            Some(process_id) if verb.new => return Err(runs_already(name, &process_id)),
            Some(process_id) => return attach::to(context, &client, &process_id, keys).await,
            None => {}
        }
    }
    exec::start(context, &client, params, keys, Hangup::Detach, None).await.map_err(say_what_opens_it)
}

/// The running process of this name in the target's container.
async fn running(client: &Client, target: &ProcessTarget, name: &str) -> Result<Option<String>, Failure> {
    let container_id = match target.clone() {
        ProcessTarget::Workspace { workspace } => {
            let params = WorkspaceParams { engine: None, workspace, request_key: None };
            client.call::<WorkspaceInspect>(&params).await?.workspace.container.container_id
        }
        ProcessTarget::Container { container } => {
            let params = ContainerParams { engine: None, container, request_key: None };
            client.call::<ContainerInspect>(&params).await?.id
        }
    };
    let processes = terminals::processes(client).await?;
    let running = terminals::running_named(&processes, &container_id, name);
    Ok(running.map(|process| process.process_id.clone()))
}

fn runs_already(name: &str, process_id: &str) -> Failure {
    let data =
        ErrorData::new(ErrorKind::Conflict, format!("a terminal called {name} runs already ({process_id})"))
            .hint("without --new it is attached to; `gangplank terminals close` closes it");
    Failure::Operation(Box::new(data))
}

/// A workspace that is not up is the commonest reason why there is no shell.
fn say_what_opens_it(failure: Failure) -> Failure {
    match failure {
        Failure::Client(ClientError::Rpc(mut data))
            if matches!(data.kind, ErrorKind::NotFound | ErrorKind::ContainerState)
                && data.hint.is_none() =>
        {
            data.hint = Some("`gangplank up` opens the folder in its container".to_owned());
            ClientError::Rpc(data).into()
        }
        other => other,
    }
}

/// Nothing for a plain shell, which the daemon makes the user's login shell; else the user's shell with these flags.
fn argv(verb: &Shell) -> Vec<String> {
    if verb.command.is_none() && verb.arguments.is_empty() {
        return Vec::new();
    }
    let mut argv: Vec<String> = ["/bin/sh", "-c", USERS_SHELL, "sh"].map(str::to_owned).to_vec();
    for (flag, given) in [("-l", verb.login), ("-i", verb.interactive)] {
        if given {
            argv.push(flag.to_owned());
        }
    }
    if let Some(command) = &verb.command {
        argv.extend(["-c".to_owned(), command.clone()]);
    }
    argv.extend(verb.arguments.iter().cloned());
    argv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{self, Verb};

    fn argv_of(line: &str) -> Vec<String> {
        match args::parse(line.split(' ').map(Into::into)).unwrap().verb {
            Verb::Shell(shell) => argv(&shell),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_plain_shell_is_the_users_login_shell() {
        for line in ["gangplank shell", "gangplank shell -l", "gangplank shell -li"] {
            assert!(argv_of(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_command_line_goes_to_the_users_shell() {
        assert_eq!(argv_of("gangplank shell -lc ls a b")[4..], ["-l", "-c", "ls", "a", "b"]);
        assert_eq!(argv_of("gangplank shell script.sh -x")[4..], ["script.sh", "-x"]);
    }
}
