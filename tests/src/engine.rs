//! Real engines for tests: each private, on a data root, a socket and a bridge of its own, beside whatever the host
//! runs. Nothing is installed: see [`kind`] for where they come from and `launch` for how they run.

pub mod api;
mod bridge;
pub mod kind;
mod launch;
mod sweep;
mod tree;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{HarnessError, chain, fail};
use crate::service::{Afterwards, Service};
use crate::{debian, place};
pub use api::{Api, Body};
pub use kind::EngineKind;
use launch::EngineLaunch;

/// An engine in use; it stays up as long as this lives, and ends soon after its last user.
#[derive(Debug)]
pub struct Engine {
    service: Service,
    launch: EngineLaunch,
}

impl Engine {
    /// The engine of `kind` that all tests of this checkout share: joined where it runs, else started. Its images
    /// stay for the next run.
    ///
    /// # Errors
    /// When this machine cannot run it, which says what is missing, or it does not come up.
    pub fn shared(kind: EngineKind) -> Result<Engine, HarnessError> {
        let dir = place::beneath_target("engines/shared")?.join(kind.name());
        Engine::join(kind, kind.name(), &dir, Afterwards::Keep)
    }

    /// An engine of `kind` that only the caller has, for tests that stop or restart it. Its data go with it.
    ///
    /// # Errors
    /// As [`Engine::shared`].
    pub fn private(kind: EngineKind) -> Result<Engine, HarnessError> {
        let engines = place::beneath_target("engines/private")?;
        let place = tempfile::Builder::new()
            .prefix(kind.name())
            .tempdir_in(&engines)
            .map_err(HarnessError::io("make a folder in", engines))?;
        // its keeper removes it, even where this process is killed
        Engine::join(kind, &format!("a private {kind}"), &place.keep(), Afterwards::Discard)
    }

    fn join(
        kind: EngineKind,
        name: &str,
        dir: &Path,
        afterwards: Afterwards,
    ) -> Result<Engine, HarnessError> {
        debian::require_root_on_debian("a private engine")?;
        debian::require(&[debian::IP])?;
        let tree = tree::unpacked(kind)?;
        // a private engine comes up while others are in use
        let filters_packets = afterwards == Afterwards::Keep;
        let launch = EngineLaunch { kind, tree, filters_packets };
        let _turn = turn()?;
        let service = Service::join(name, dir, afterwards, &launch)?;
        let engine = Engine { service, launch };
        if engine.service.has_just_started() {
            sweep::sweep(&engine.api());
        }
        Ok(engine)
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        self.launch.kind
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        launch::socket(self.service.dir())
    }

    /// Its address as `DOCKER_HOST` has it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Its API, for what a test wants to see or do behind the product's back.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::on(self.socket())
    }

    /// A program of the engine's packages, such as `usr/bin/docker`, as a file on the host.
    #[must_use]
    pub fn program(&self, path: &str) -> PathBuf {
        self.launch.tree.join(path)
    }

    /// The folder of Docker's command-line plug-ins (`docker-buildx`, `docker-compose`) of this engine's packages.
    #[must_use]
    pub fn plugins(&self) -> PathBuf {
        self.launch.tree.join("usr/libexec/docker/cli-plugins")
    }

    /// The file with what the engine printed since its start.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.service.dir().join("log")
    }

    /// Stops the engine and starts it again, as an administrator would. Only for [`Engine::private`] ones.
    ///
    /// # Errors
    /// When it does not end or does not come back.
    pub fn restart(&mut self) -> Result<(), HarnessError> {
        let _turn = turn()?;
        self.service.restart(&self.launch)
    }

    /// Stops the engine; [`Engine::start`] brings it back. Only for [`Engine::private`] ones.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<(), HarnessError> {
        self.service.end_process()
    }

    /// Starts the engine after [`Engine::stop`].
    ///
    /// # Errors
    /// When it does not come back.
    pub fn start(&mut self) -> Result<(), HarnessError> {
        let _turn = turn()?;
        self.service.start(&self.launch)
    }

    /// Lets go of the engine and waits until it has ended.
    ///
    /// # Errors
    /// When somebody else uses it, or it does not end.
    pub fn end(self) -> Result<(), HarnessError> {
        self.service.end()
    }
}

/// One engine at a time comes up: all of them find, then make, the same chains of the machine's packet filter.
fn turn() -> Result<File, HarnessError> {
    let path = std::env::temp_dir().join("gangplank-test-engines.lock");
    let turn = File::create(&path).map_err(HarnessError::io("make", &path))?;
    turn.lock().map_err(HarnessError::io("lock", path))?;
    Ok(turn)
}

/// The shared engine of `kind` for as long as this test process lives; brought up by whichever test asks first.
///
/// # Panics
/// When it cannot be brought up: a test without its engine fails, it is never skipped.
#[must_use]
pub fn for_tests(kind: EngineKind) -> &'static Engine {
    static ENGINES: [OnceLock<Engine>; EngineKind::ALL.len()] = [const { OnceLock::new() }; 4];
    let Some(place) = EngineKind::ALL.iter().position(|each| *each == kind).and_then(|at| ENGINES.get(at))
    else {
        unreachable!("every kind is one of all kinds")
    };
    place.get_or_init(|| match Engine::shared(kind) {
        Ok(engine) => engine,
        Err(error) => fail(format_args!("no {kind} to test on: {}", chain(&error))),
    })
}
