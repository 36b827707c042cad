//! `cargo verify`: sets up all that the tests need and runs every check and test. Nothing is skipped silently: a part
//! that could not run has failed.

mod counts;
mod editor;
mod tools;

use std::process::Command;

use gangplank_tests::{Engine, EngineKind, Image, Registry, place, sandbox};

use crate::error::TaskError;
use crate::step::{Log, Outcome, Steps};
use crate::{generate, laws, links};
pub(crate) use editor::{Editor, NEWEST, OLDEST};
pub(crate) use tools::deny;

pub(crate) fn run() -> Result<bool, TaskError> {
    let mut steps = Steps::new("verify")?;
    steps.run("toolchain", tools::toolchain);
    steps.run("formatting", |log| log.check(cargo().args(["fmt", "--all", "--check"])));
    steps.run("house laws", |_| house_laws());
    steps.run("generated files", |_| Ok(Outcome::unless(&generate::drift()?)));
    steps.run("links in the documentation", |_| links());
    steps.run("lints", |log| {
        log.check(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--keep-going",
            "--",
            "--deny",
            "warnings",
        ]))
    });
    steps.run("source documentation", |log| {
        let mut command = cargo();
        command.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--keep-going"]);
        log.check(command.env("RUSTDOCFLAGS", "--deny warnings"))
    });
    steps.run("dependencies' licences", |log| deny(log, &["bans", "licenses", "sources"]));
    steps.run("unit tests", |log| unit_tests(log, &[("PROPTEST_RNG_SEED", "1")]));
    steps.run("documented examples", |log| {
        log.check(cargo().args(["test", "--workspace", "--no-fail-fast", "--doc"]))
    });
    editor::checks(&mut steps);
    on_engines(&mut steps, &[], &[OLDEST]);
    let (_, failed) = steps.finish();
    Ok(failed == 0)
}

/// The end-to-end tests, in an environment with these variables, then the stories in each of these editors, alone since
/// they need both cores; with what they need brought up before and ended after them.
pub(crate) fn on_engines(steps: &mut Steps, variables: &[(&str, &str)], editors: &[Editor]) {
    let built = steps.run("gangplank built", |log| {
        log.check(cargo().args(["build", "--workspace", "--bin", "gangplank"]))
    });
    let binary = place::target().join("debug/gangplank");
    let mut engines = Vec::new();
    let mut registry = None;
    steps.run("engines, images, registry", |_| {
        registry = Some(Registry::shared()?);
        for kind in EngineKind::ALL {
            let engine = Engine::shared(kind)?;
            Image::ALL.iter().try_for_each(|image| image.on(&engine).map(drop))?;
            engines.push(engine);
        }
        Ok(Outcome { passed: engines.len() + 1, ..Outcome::default() })
    });
    steps.run("end-to-end tests", |log| {
        if !built {
            return Ok(Outcome::failed("gangplank does not build"));
        }
        // each test waits for an engine most of its time
        let command = &mut cargo();
        command.args(["test", "--workspace", "--no-fail-fast", "--test", "*", "--", "--test-threads", "6"]);
        command.envs(variables.iter().copied()).env(sandbox::BINARY_VARIABLE, &binary);
        tests(log, command)
    });
    for one in editors {
        steps.run(one.step(), |log| {
            match engines.iter().find(|engine| engine.kind() == EngineKind::Docker) {
                Some(engine) if built => editor::stories(log, *one, engine, &binary),
                _ => Ok(Outcome::failed("there is no engine, or gangplank does not build")),
            }
        });
    }
    steps.run("engines and registry ended", |_| {
        let count = engines.len() + usize::from(registry.is_some());
        engines.into_iter().try_for_each(Engine::end)?;
        registry.map_or(Ok(()), Registry::end)?;
        Ok(Outcome { passed: count, ..Outcome::default() })
    });
}

fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.env("CARGO_TERM_COLOR", "never");
    command
}

/// The unit tests, in an environment with these variables. With a seed, properties are tried on the same values each time.
pub(crate) fn unit_tests(log: &Log, variables: &[(&str, &str)]) -> Result<Outcome, TaskError> {
    let command = &mut cargo();
    command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
    tests(log, command.envs(variables.iter().copied()))
}

/// Runs test binaries and counts what they say; binaries that do not build, or die, are a failure of their own.
fn tests(log: &Log, command: &mut Command) -> Result<Outcome, TaskError> {
    let (held, text) = log.run(command)?;
    let mut outcome = counts::of(&text);
    if !held && outcome.failed == 0 {
        outcome.failed = 1;
    }
    if outcome.passed + outcome.failed == 0 {
        outcome.failed = 1;
    }
    if outcome.failed > 0 {
        outcome.complaint = log.complaint(&gangplank_tests::program::line(command), &counts::failures(&text));
    }
    Ok(outcome)
}

fn house_laws() -> Result<Outcome, TaskError> {
    let mut outcome = Outcome::default();
    for law in laws::check()? {
        if law.broken.is_empty() {
            outcome.passed += 1;
        } else {
            outcome.failed += 1;
            outcome.complaint += &format!("broken: {}\n    {}\n", law.name, law.broken.join("\n    "));
        }
    }
    Ok(outcome)
}

fn links() -> Result<Outcome, TaskError> {
    let (broken, seen) = links::broken()?;
    Ok(Outcome {
        passed: seen - broken.len(),
        failed: broken.len(),
        complaint: broken.join("\n"),
        ..Outcome::default()
    })
}
