//! `cargo demo`: the main job in one go, on the engine that is there or else on a private one.
//!
//! The private engine is the harness's: it is unpacked beneath `target/` and runs beside everything else, so the
//! demonstration installs no service on a machine whose owner only wanted to look. It ends with the demonstration
//! unless `--keep` is given.

mod engine;
mod project;

use std::time::Instant;

use clap::Args;
use gangplank_tests::sandbox;

use crate::error::TaskError;
use engine::DemoEngine;
use project::Project;

/// The command's flags.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leaves the container, the daemon and a private engine running until Enter is pressed
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(options: &Options) -> Result<bool, TaskError> {
    heading("Building gangplank");
    let binary = sandbox::binary()?;
    let begun = Instant::now();
    heading("Looking for a container engine");
    let engine = DemoEngine::find(binary)?;
    heading("Getting an image with Python");
    let image = engine.python_image()?;
    tell!("{image}");
    let project = Project::lay_out(&image)?;
    heading(&format!("Opening {} in its container", project.folder().display()));
    let ran = project.open(&engine).and_then(|()| {
        heading("Running its main.py in the container");
        project.run_main(&engine)
    });
    if ran.is_ok() {
        tell!("\ndone in {:.0} s after the build", begun.elapsed().as_secs_f32());
        where_to_go_next(&engine, &project, binary);
    }
    if options.keep && ran.is_ok() {
        tell!("\nEverything stays up until you press Enter.");
        // an input that cannot be read is as good as Enter
        let _ = std::io::stdin().read_line(&mut String::new());
    }
    heading("Tidying up");
    let closed = project.close(&engine);
    engine.end()?;
    ran.and(closed).map(|()| true)
}

fn heading(text: &str) {
    tell!("\n== {text}");
}

fn where_to_go_next(engine: &DemoEngine, project: &Project, binary: &std::path::Path) {
    let gangplank = binary.display();
    tell!("\nWhere to go next:");
    if let Some(host) = engine.private_host() {
        tell!("  (in another terminal, while `cargo demo --keep` waits)");
        tell!("  export DOCKER_HOST={host}");
    }
    tell!("  cd {}", project.folder().display());
    tell!("  {gangplank} up                    open it again");
    tell!("  {gangplank} exec python3 main.py  run something in it");
    tell!("  {gangplank} shell                 a terminal in it");
    tell!("  {gangplank} --help                everything else");
}
