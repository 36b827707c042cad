//! The grammar, by examples.

use clap::error::ErrorKind;

use super::*;

fn verb(line: &str) -> Verb {
    match parse(words(line)) {
        Ok(cli) => cli.verb,
        Err(error) => panic!("{line}: {error}"),
    }
}

fn error(line: &str) -> clap::Error {
    match parse(words(line)) {
        Ok(cli) => panic!("{line}: {:?}", cli.verb),
        Err(error) => error,
    }
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

#[test]
fn the_grammar_is_sound() {
    command().debug_assert();
}

#[test]
fn a_wrong_line_is_still_known_to_be_for_the_references_verb() {
    for (line, expected) in [
        ("gangplank up --nope", true),
        ("gangplank --context x exec", true),
        ("gangplank ps --nope", false),
        ("gangplank exe", false),
        ("gangplank run --name up --nope", false),
    ] {
        assert_eq!(is_for_the_references(words(line)), expected, "{line}");
    }
}

#[test]
fn every_verb_has_an_example() {
    for verb in command().get_subcommands() {
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        assert!(help.contains("Example"), "{}", verb.get_name());
    }
}

#[test]
fn run_takes_combined_flags_and_leaves_the_rest_to_the_command() {
    let Verb::Run(run) = verb("gangplank run -itd -v a:/b --name box -p 80 python:3 python -i -t --name x")
    else {
        panic!()
    };
    assert!(run.interactive && run.tty && run.detach);
    assert_eq!(run.name.as_deref(), Some("box"));
    assert_eq!(run.image_and_command, ["python:3", "python", "-i", "-t", "--name", "x"]);
}

#[test]
fn a_flag_after_the_image_is_the_commands() {
    let Verb::Run(run) = verb("gangplank run python:3 --version") else { panic!() };
    assert_eq!(run.image_and_command, ["python:3", "--version"]);
}

#[test]
fn execs_first_word_is_the_command() {
    let Verb::Exec(exec) =
        verb("gangplank exec --workspace-folder /p -e A=1 -w /tmp ls -la --format json -- x")
    else {
        panic!()
    };
    assert_eq!(exec.command, ["ls", "-la", "--format", "json", "--", "x"]);
    assert_eq!(exec.env, ["A=1"]);
    assert_eq!(exec.workdir.as_deref(), Some("/tmp"));
    let Verb::Exec(exec) = verb("gangplank exec --container-id box -- -odd") else { panic!() };
    assert_eq!(exec.command, ["-odd"]);
    assert_eq!(exec.workspace.container_id.as_deref(), Some("box"));
}

#[test]
fn an_unknown_flag_of_exec_is_not_taken_for_the_command() {
    let error = error("gangplank exec --workdri /tmp ls");
    assert_eq!(error.kind(), ErrorKind::UnknownArgument);
    assert!(error.to_string().contains("--workdir"), "{error}");
}

#[test]
fn global_flags_go_before_and_after_the_verb() {
    for line in ["gangplank --format json ps -a", "gangplank ps -a --format json"] {
        assert_eq!(parse(words(line)).unwrap().global.format, Some(Format::Json));
    }
}

#[test]
fn the_references_spellings_are_taken() {
    let Verb::Up(up) = verb(
        "devcontainer up --workspaceFolder /p --removeExistingContainer --skipPostCreate=true \
         --remoteEnv A=1 --idLabel a=b --idLabel c=d --mountWorkspaceGitRoot false --defaultUserEnvProbe loginShell",
    ) else {
        panic!()
    };
    assert!(up.remove_existing_container && up.making.skip_post_create && !up.making.skip_post_attach);
    assert!(!up.making.mount_workspace_git_root);
    assert_eq!(up.making.workspace.id_label, ["a=b", "c=d"]);
    assert_eq!(up.making.default_user_env_probe, Some(workspace::Probe::LoginShell));
    let Verb::Up(up) = verb("devcontainer up --mount-workspace-git-root") else { panic!() };
    assert!(up.making.mount_workspace_git_root);
}

#[test]
fn what_is_not_applied_yet_is_refused_by_name() {
    for (line, flag) in [
        ("devcontainer up --dotfiles-repository https://example.org/d", "--dotfiles-repository"),
        ("devcontainer up --additionalFeatures {}", "--additional-features"),
        ("devcontainer up --build-no-cache", "--build-no-cache"),
        ("devcontainer up --gpu-availability all", "--gpu-availability"),
        ("devcontainer exec --docker-path podman ls", "--docker-path"),
        ("gangplank rebuild --secrets-file s.json", "--secrets-file"),
    ] {
        let message = error(line).to_string();
        assert!(message.contains(flag) && message.contains("not applied yet"), "{line}: {message}");
    }
    for line in [
        "devcontainer up --docker-path docker --build-no-cache=false --terminal-columns 80",
        "devcontainer exec --terminal-rows 24 ls",
    ] {
        verb(line);
    }
}

#[test]
fn typing_errors_get_a_suggestion() {
    assert!(error("gangplank staus").to_string().contains("status"));
    assert!(error("gangplank up --workspace-foldr x").to_string().contains("--workspace-folder"));
}

#[test]
fn a_shells_flags_are_the_shells() {
    let Verb::Shell(shell) = verb("gangplank shell -lc ls a -b") else { panic!() };
    assert_eq!(shell.command.as_deref(), Some("ls"));
    assert!(shell.login && !shell.interactive);
    assert_eq!(shell.arguments, ["a", "-b"]);
}

#[test]
fn terminals_are_listed_and_closed() {
    let Verb::Terminals(terminals) = verb("gangplank terminals -a --format json") else { panic!() };
    assert!(terminals.all && terminals.verb.is_none());
    let Verb::Terminals(terminals) = verb("gangplank terminals close server p-1") else { panic!() };
    let Some(process::TerminalsVerb::Close { terminals }) = terminals.verb else { panic!() };
    assert_eq!(terminals, ["server", "p-1"]);
    assert_eq!(error("gangplank terminals close").kind(), ErrorKind::MissingRequiredArgument);
}

#[test]
fn a_shell_takes_a_name_and_how_long_it_may_idle() {
    let Verb::Shell(shell) = verb("gangplank shell --name web --new --idle-timeout 1h30m -c ls") else {
        panic!()
    };
    assert_eq!((shell.name.as_deref(), shell.new, shell.idle_timeout), (Some("web"), true, Some(5400)));
    assert_eq!(error("gangplank shell --new").kind(), ErrorKind::MissingRequiredArgument);
    for wrong in ["gangplank shell --idle-timeout soon", "gangplank shell --name \u{1b}"] {
        assert_eq!(error(wrong).kind(), ErrorKind::ValueValidation, "{wrong}");
    }
}

#[test]
fn dockers_everyday_flags_are_taken() {
    verb("gangplank ps -aq --no-trunc --filter label=a=b");
    verb("gangplank rm -fv one two");
    verb("gangplank stop -t 1 one");
    verb("gangplank logs -f --tail 10 -t one");
    verb("gangplank logs -n all one");
    verb("gangplank images -q");
    verb("gangplank run --rm -e A -u 1000:1000 --entrypoint  -l a=b alpine");
    assert_eq!(error("gangplank ps --filter name=x").kind(), ErrorKind::ValueValidation);
}
