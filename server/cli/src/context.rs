//! What a verb needs of its surroundings: how it was called, where it is, what it may print, and the daemon.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use gangplank_client::environment::{engine_environment, whole_environment};
use gangplank_client::{Client, ConnectOptions, Place};
use gangplank_protocol::daemon::Program;
use gangplank_protocol::workspace::Trust;

use crate::args::{Format, Global, LogLevel};
use crate::failure::Failure;
use crate::render::{Screen, Style};

/// The name the program was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CalledAs {
    /// By its own.
    Gangplank,
    /// By the reference CLI's name: exit codes and trust are then the reference's.
    Devcontainer,
}

impl CalledAs {
    /// By the program's first argument.
    pub(crate) fn of(argv0: Option<&OsStr>) -> CalledAs {
        match argv0.map(Path::new).and_then(Path::file_name) {
            Some(name) if name == "devcontainer" => CalledAs::Devcontainer,
            _ => CalledAs::Gangplank,
        }
    }
}

/// A verb's surroundings.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) called_as: CalledAs,
    pub(crate) screen: Screen,
}

impl Context {
    pub(crate) fn new(global: Global, called_as: CalledAs) -> Context {
        let terminal = std::io::stderr().is_terminal();
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let dumb = named("TERM").is_none_or(|term| term == "dumb");
        let style = Style {
            colours: terminal && !dumb && named("NO_COLOR").is_none(),
            bars: terminal && !dumb && named("CI").is_none(),
            progress: !global.no_progress && global.log_level >= LogLevel::Info,
            warnings: global.log_level >= LogLevel::Warn,
            details: global.log_level >= LogLevel::Debug,
        };
        Context { screen: Screen { style }, global, called_as }
    }

    /// The daemon, started where none answers.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        self.connect(true).await
    }

    /// The daemon that runs, or [`gangplank_client::ClientError::NotRunning`].
    pub(crate) async fn running_client(&self) -> Result<Client, Failure> {
        self.connect(false).await
    }

    async fn connect(&self, start: bool) -> Result<Client, Failure> {
        let options = ConnectOptions {
            place: None,
            program: Program { name: "gangplank".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            environment: engine_environment(),
            context: self.global.context.clone(),
            start,
        };
        let client = Client::connect(options).await?;
        if self.screen.style.details {
            let hello = client.hello().await?;
            let engine = hello.engine.map_or_else(|| "no engine".to_owned(), |engine| engine.0);
            self.screen.note(&format!(
                "daemon {} ({}), {engine}",
                hello.daemon.version,
                client.place().state().display()
            ));
        }
        Ok(client)
    }

    /// Where this user's daemon is.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        Place::of_this_user().ok_or(Failure::Client(gangplank_client::ClientError::NoPlace))
    }

    /// The folder the program runs in.
    pub(crate) fn cwd(&self) -> Result<PathBuf, Failure> {
        std::env::current_dir().map_err(Failure::io("tell the current folder"))
    }

    /// How the answer is written: as asked, else for people.
    pub(crate) fn format(&self) -> Format {
        self.global.format.unwrap_or(Format::Text)
    }

    /// How `up` and `rebuild` write theirs: for programs wherever standard output is no terminal.
    pub(crate) fn result_format(&self) -> Format {
        let by_place = if std::io::stdout().is_terminal() { Format::Text } else { Format::Json };
        self.global.format.unwrap_or(by_place)
    }

    /// True when a person can be asked.
    pub(crate) fn interactive(&self) -> bool {
        std::io::stdin().is_terminal()
            && std::io::stderr().is_terminal()
            && std::env::var_os("CI").is_none_or(|value| value.is_empty())
    }

    /// Who decides about what a configuration does to the host.
    pub(crate) fn trust(&self, granted: bool) -> Trust {
        let everything = std::env::var_os("GANGPLANK_TRUST").is_some_and(|value| value == "all");
        if granted || everything || self.called_as == CalledAs::Devcontainer {
            Trust::Grant
        } else if self.interactive() {
            Trust::Ask
        } else {
            Trust::Refuse
        }
    }

    /// The environment for `${localEnv:…}`.
    pub(crate) fn environment(&self) -> std::collections::BTreeMap<String, String> {
        whole_environment()
    }
}

/// A key under which the daemon does the same call once only.
pub(crate) fn request_key() -> Option<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_references_own_name_makes_it_the_reference() {
        for (argv0, called_as) in [
            ("/usr/local/bin/devcontainer", CalledAs::Devcontainer),
            ("devcontainer", CalledAs::Devcontainer),
            ("/opt/devcontainer/gangplank", CalledAs::Gangplank),
            ("devcontainers", CalledAs::Gangplank),
        ] {
            assert_eq!(CalledAs::of(Some(OsStr::new(argv0))), called_as, "{argv0}");
        }
    }
}
