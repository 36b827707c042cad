//! The way into a container that does not mount the agent's volume: a shell in it reads the program from its standard
//! input and lays it, as the user who is to run it, where files can be written and run.

use std::time::Duration;

use gangplank_engine::exec::{ExecOutput, ExecSpec};
use gangplank_engine::{Engine, EngineError};

use super::NoAgent;
use crate::agent::binary;
use crate::identifier;

const SCRIPT: &str = include_str!("lay.sh");

/// Exit codes of the script.
const NO_PLACE: i64 = 3;
const NOT_TAKEN: i64 = 4;

/// How many places the script looks at.
const PLACES: u32 = 6;

/// Most bytes read of what the script says.
const ANSWER_LIMIT: usize = 4096;

/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lays the program into the container as `user`, and gives its path.
///
/// # Errors
/// [`NoAgent`].
pub(super) async fn deliver(engine: &Engine, container_id: &str, user: &str) -> Result<String, NoAgent> {
    let name = identifier::random(".gangplank-");
    let mut passed_over = 0;
    let mut last_words = String::new();
    while passed_over < PLACES {
        let spec = spec(&name, passed_over, user);
        let laying = engine.exec_output(container_id, &spec, binary::PROGRAM, ANSWER_LIMIT);
        let output = match tokio::time::timeout(PATIENCE, laying).await {
            Ok(Ok(output)) => output,
            Ok(Err(EngineError::CommandNotRunnable { .. })) => return Err(NoAgent::NoShell),
            Ok(Err(error)) => return Err(NoAgent::Engine(error)),
            Err(_) => return Err(NoAgent::Silent { within: PATIENCE }),
        };
        match answer(&output, &name)? {
            Answer::Laid(path) => return Ok(path),
            Answer::NoPlace => break,
            // What it has read is gone, so the next place is for another attempt.
            Answer::NotTaken { place } if place > passed_over => {
                passed_over = place;
                last_words = words(&output.stderr);
            }
            Answer::NotTaken { .. } => break,
        }
    }
    Err(NoAgent::NoPlace { last_words })
}

fn spec(name: &str, passed_over: u32, user: &str) -> ExecSpec {
    let length = binary::PROGRAM.len().to_string();
    let argv = ["/bin/sh", "-c", SCRIPT, "sh", name, &length, &passed_over.to_string()];
    ExecSpec {
        argv: argv.map(str::to_owned).to_vec(),
        user: Some(user.to_owned()),
        // The container's own may be one that this user cannot enter.
        working_dir: Some("/".to_owned()),
        ..ExecSpec::default()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Laid(String),
    NoPlace,
    NotTaken { place: u32 },
}

/// What the script says. The container may put anything in its place: only a path of the form asked for is one.
fn answer(output: &ExecOutput, name: &str) -> Result<Answer, NoAgent> {
    let said = std::str::from_utf8(&output.stdout).unwrap_or_default().trim_end_matches('\n');
    match output.exit_code {
        0 if said.starts_with('/')
            && said.ends_with(&format!("/{name}/agent"))
            && !said.contains(char::is_control) =>
        {
            Ok(Answer::Laid(said.to_owned()))
        }
        NO_PLACE => Ok(Answer::NoPlace),
        NOT_TAKEN => {
            // The places before were passed over in silence.
            said.parse().map_or(Ok(Answer::NoPlace), |place| Ok(Answer::NotTaken { place }))
        }
        126 | 127 => Err(NoAgent::NoShell),
        code => Err(NoAgent::Failed { code, words: words(&output.stderr) }),
    }
}

/// The last line of an error output, safe to show.
fn words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    last.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests;
