//! The editor extension in a real VS Code: what its own benchmark says, which drives the editor as a person would.

use std::path::Path;
use std::process::Command;

use gangplank_tests::error::HarnessError;
use gangplank_tests::{Engine, EngineKind, Image, place, program, sandbox};

/// How the benchmark's table begins; lines about what was set up come before it.
const TABLE: &str = "| work |";

/// Measures, and gives the table.
pub(crate) fn measure(binary: &Path) -> Result<String, HarnessError> {
    let engine = Engine::shared(EngineKind::Docker)?;
    let mut bench = Command::new("npm");
    bench
        .args(["run", "--silent", "bench", "--prefix", "tests/editor"])
        .current_dir(place::repository())
        .env("DOCKER_HOST", engine.host())
        .env("GANGPLANK_TEST_IMAGE", Image::Python.on(&engine)?)
        .env(sandbox::BINARY_VARIABLE, binary)
        .env("CARGO_TARGET_DIR", place::target());
    let said = String::from_utf8_lossy(&program::run(&mut bench)?).into_owned();
    said.find(TABLE).map(|at| said[at..].to_owned()).ok_or_else(|| HarnessError::Program {
        program: program::line(&bench),
        status: "no table in its output".into(),
        tail: program::tail(&said, 20),
    })
}
