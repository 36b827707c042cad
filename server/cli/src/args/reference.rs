//! The reference CLI's flags on the verbs that stand in for its own: camelCase spellings, `--flag=true`, and those
//! that belong to what is not applied yet, which are refused by name, because a container without them would look
//! right and be used for ever.

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// A flag of the reference that nothing here follows.
struct Later {
    name: &'static str,
    /// Values that ask for what happens anyway.
    harmless: Harmless,
}

enum Harmless {
    None,
    Any,
    Only(&'static [&'static str]),
}

const fn later(name: &'static str) -> Later {
    Later { name, harmless: Harmless::None }
}

const fn unless(name: &'static str, harmless: &'static [&'static str]) -> Later {
    Later { name, harmless: Harmless::Only(harmless) }
}

/// It has no effect on what happens, only on how the reference draws its log.
const fn anyway(name: &'static str) -> Later {
    Later { name, harmless: Harmless::Any }
}

const EVERYWHERE: &[Later] = &[
    unless("docker-path", &["docker"]),
    unless("docker-compose-path", &["docker-compose", "docker"]),
    later("user-data-folder"),
    later("container-data-folder"),
    later("container-system-data-folder"),
    unless("skip-feature-auto-mapping", &["false"]),
    unless("mount-git-worktree-common-dir", &["false"]),
    anyway("terminal-columns"),
    anyway("terminal-rows"),
];

const UP: &[Later] = &[
    unless("build-no-cache", &["false"]),
    unless("prebuild", &["false"]),
    later("cache-from"),
    later("cache-to"),
    unless("buildkit", &["auto"]),
    later("additional-features"),
    later("dotfiles-repository"),
    later("dotfiles-install-command"),
    later("dotfiles-target-path"),
    later("secrets-file"),
    unless("gpu-availability", &["none"]),
    unless("update-remote-user-uid-default", &["never", "off"]),
    later("container-session-data-folder"),
    unless("workspace-mount-consistency", &["consistent"]),
    unless("no-lockfile", &["false"]),
    unless("frozen-lockfile", &["false"]),
    unless("omit-config-remote-env-from-metadata", &["false"]),
    unless("omit-syntax-directive", &["false"]),
    unless("include-merged-configuration", &["false"]),
];

const EXEC: &[Later] = &[
    unless("default-user-env-probe", &["loginInteractiveShell"]),
    unless("mount-workspace-git-root", &["true"]),
];

/// The verbs and the flags that each refuses.
const VERBS: &[(&str, &[&[Later]])] =
    &[("up", &[EVERYWHERE, UP]), ("rebuild", &[EVERYWHERE, UP]), ("exec", &[EVERYWHERE, EXEC])];

/// Lets the verbs that the reference has take its spellings and its flags.
pub(super) fn accept(mut command: Command) -> Command {
    for (verb, lists) in VERBS {
        command = command.mut_subcommand(verb, |verb| {
            let verb = lists.iter().copied().flatten().fold(verb, |verb, later| {
                verb.arg(
                    Arg::new(later.name)
                        .long(later.name)
                        .hide(true)
                        .action(ArgAction::Append)
                        .num_args(0..=1)
                        .require_equals(is_switch(later))
                        .default_missing_value("true"),
                )
            });
            verb.mut_args(other_spellings)
        });
    }
    command
}

/// True for flags that stand alone; a value comes after `=` only, lest it swallow what follows.
fn is_switch(later: &Later) -> bool {
    matches!(later.harmless, Harmless::Only(&["false"]))
}

fn other_spellings(arg: Arg) -> Arg {
    let camel = arg.get_long().filter(|long| long.contains('-')).map(camel_case);
    let arg = match camel {
        Some(camel) => arg.alias(camel),
        None => arg,
    };
    if !matches!(arg.get_action(), ArgAction::SetTrue) || arg.get_long().is_none() {
        return arg;
    }
    // yargs, which the reference uses, takes `--flag`, `--flag=true` and `--flag=false`
    arg.action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .default_value("false")
        .value_parser(BoolishValueParser::new())
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL")
}

fn camel_case(long: &str) -> String {
    let mut camel = String::with_capacity(long.len());
    let mut upper = false;
    for character in long.chars() {
        match character {
            '-' => upper = true,
            character if upper => {
                camel.push(character.to_ascii_uppercase());
                upper = false;
            }
            character => camel.push(character),
        }
    }
    camel
}

/// Fails when a flag was given that asks for what is not applied yet.
///
/// # Errors
/// A usage error that names the flag.
pub(super) fn refuse_what_is_not_applied(
    command: &mut Command,
    matches: &ArgMatches,
) -> Result<(), clap::Error> {
    let Some((verb, matches)) = matches.subcommand() else { return Ok(()) };
    let lists = VERBS.iter().find(|(name, _)| *name == verb).map_or(&[][..], |(_, lists)| lists);
    for later in lists.iter().copied().flatten() {
        if matches.value_source(later.name) != Some(ValueSource::CommandLine) {
            continue;
        }
        let values: Vec<&String> = matches.get_many::<String>(later.name).into_iter().flatten().collect();
        let harmless = match later.harmless {
            Harmless::None => false,
            Harmless::Any => true,
            Harmless::Only(only) => values.iter().all(|value| only.contains(&value.as_str())),
        };
        if !harmless {
            let hint = match later.name {
                "docker-path" => ": no Docker program is used; DOCKER_HOST or --context choose the engine",
                _ => "",
            };
            let message = format!("--{} is not applied yet{hint}", later.name);
            return Err(match command.find_subcommand_mut(verb) {
                Some(verb) => verb.error(ErrorKind::UnknownArgument, message),
                None => command.error(ErrorKind::UnknownArgument, message),
            });
        }
    }
    Ok(())
}
