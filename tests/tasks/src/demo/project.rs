//! The example project of the demonstration: a copy of `tests/examples/hello-python`, whose configuration names the
//! image that there is.

use std::path::{Path, PathBuf};
use std::process::Command;

use gangplank_tests::{HarnessError, place};
use serde_json::Value;

use super::engine::DemoEngine;
use crate::error::TaskError;

const FILES: [&str; 2] = ["main.py", "README.md"];
const CONFIGURATION: &str = ".devcontainer/devcontainer.json";

/// The copy.
pub(super) struct Project {
    folder: PathBuf,
}

impl Project {
    /// Makes the copy, in which `image` is the configuration's image.
    pub(super) fn lay_out(image: &str) -> Result<Project, TaskError> {
        let example = place::repository().join("tests/examples/hello-python");
        let folder = place::beneath_target("demo")?.join("hello-python");
        let settings = folder.join(CONFIGURATION);
        if let Some(parent) = settings.parent() {
            std::fs::create_dir_all(parent).map_err(TaskError::file("make the folder", parent))?;
        }
        for file in FILES {
            std::fs::copy(example.join(file), folder.join(file))
                .map_err(TaskError::file("copy", example.join(file)))?;
        }
        let original = example.join(CONFIGURATION);
        let text = std::fs::read(&original).map_err(TaskError::file("read", original))?;
        let mut configuration: Value = serde_json::from_slice(&text)
            .map_err(|source| TaskError::Answer { program: "the example's devcontainer.json", source })?;
        configuration["image"] = Value::from(image);
        std::fs::write(&settings, format!("{configuration:#}\n"))
            .map_err(TaskError::file("write", settings))?;
        Ok(Project { folder })
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `gangplank up`.
    pub(super) fn open(&self, engine: &DemoEngine) -> Result<(), TaskError> {
        self.step(
            engine,
            &["up", "--mount-workspace-git-root=false"],
            "opening the project",
            "the lines above name the step that failed",
        )
    }

    /// `gangplank exec python3 main.py`.
    pub(super) fn run_main(&self, engine: &DemoEngine) -> Result<(), TaskError> {
        self.step(engine, &["exec", "python3", "main.py"], "running main.py", "its own output is above")
    }

    /// `gangplank down`.
    pub(super) fn close(&self, engine: &DemoEngine) -> Result<(), TaskError> {
        self.step(engine, &["down"], "removing the container", "`gangplank ps -a` shows what is left")
    }

    fn step(
        &self,
        engine: &DemoEngine,
        arguments: &[&str],
        step: &'static str,
        hint: &'static str,
    ) -> Result<(), TaskError> {
        tell!("$ gangplank {}", arguments.join(" "));
        let mut command: Command = engine.gangplank();
        let status = command
            .args(arguments)
            .current_dir(&self.folder)
            .status()
            .map_err(HarnessError::io("start", command.get_program()))?;
        if status.success() { Ok(()) } else { Err(TaskError::Step { step, hint }) }
    }
}
