//! The engine of the demonstration, and `gangplank` talking to it.

use std::path::{Path, PathBuf};
use std::process::Command;

use gangplank_tests::engine::Api;
use gangplank_tests::{Engine, EngineKind, Image, program};

use crate::error::TaskError;

/// The exit code by which `gangplank` says that no engine answers.
const ENGINE_UNAVAILABLE: i32 = 5;
/// The image to pull where none can be made.
const PUBLIC_IMAGE: &str = "python:3-slim";

/// The engine that the demonstration uses.
pub(super) struct DemoEngine {
    binary: PathBuf,
    private: Option<Engine>,
    /// Whether the daemon was there before us and stays after us.
    daemon_ran: bool,
}

impl DemoEngine {
    /// The engine that `gangplank` finds, as Docker's own tools would; a private one where none answers.
    pub(super) fn find(binary: &Path) -> Result<DemoEngine, TaskError> {
        let mut found = DemoEngine { binary: binary.to_owned(), private: None, daemon_ran: false };
        found.daemon_ran = program::run(found.gangplank().args(["daemon", "status"])).is_ok();
        let mut ask = found.gangplank();
        let answer = ask
            .args(["ps", "--quiet"])
            .output()
            .map_err(gangplank_tests::HarnessError::io("start", binary))?;
        if answer.status.success() {
            tell!("one answers; it is used, and nothing is installed");
            return Ok(found);
        }
        if answer.status.code() != Some(ENGINE_UNAVAILABLE) {
            tell!("{}", String::from_utf8_lossy(&answer.stderr).trim_end());
            return Err(TaskError::Step {
                step: "asking for the engine",
                hint: "`gangplank doctor` may say more",
            });
        }
        tell!("none answers: bringing up a private Docker Engine (nothing is installed)");
        found.private = Some(Engine::shared(EngineKind::Docker)?);
        Ok(found)
    }

    /// `gangplank`, in the user's own environment but for a private engine's address.
    pub(super) fn gangplank(&self) -> Command {
        let mut command = Command::new(&self.binary);
        if let Some(engine) = &self.private {
            command.env("DOCKER_HOST", engine.host()).env_remove("DOCKER_CONTEXT");
        }
        command
    }

    /// The address of the private engine, if it is one.
    pub(super) fn private_host(&self) -> Option<String> {
        self.private.as_ref().map(Engine::host)
    }

    /// An image with Python on the engine: made here for a private engine, pulled for another, and made where it
    /// cannot be pulled and the engine's socket is known.
    pub(super) fn python_image(&self) -> Result<String, TaskError> {
        if let Some(engine) = &self.private {
            return Ok(Image::Python.on(engine)?.to_owned());
        }
        if let Ok(status) = self.gangplank().args(["pull", PUBLIC_IMAGE]).status()
            && status.success()
        {
            return Ok(PUBLIC_IMAGE.to_owned());
        }
        tell!("{PUBLIC_IMAGE} cannot be pulled; making an image here");
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let Some(socket) = host.strip_prefix("unix://") else {
            return Err(TaskError::Step {
                step: "pulling a Python image",
                hint: "the engine is not on this machine: pull python:3-slim there first",
            });
        };
        Ok(Image::Python.on_api(&Api::on(socket), &host)?.to_owned())
    }

    /// Ends what the demonstration started: the daemon where it did not run before, and the private engine.
    pub(super) fn end(self) -> Result<(), TaskError> {
        if !self.daemon_ran {
            // one that has ended by itself is as good
            let _ = self.gangplank().args(["daemon", "stop"]).status();
        }
        if let Some(engine) = self.private {
            engine.end()?;
        }
        Ok(())
    }
}
