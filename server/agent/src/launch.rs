//! `start`: starts the core, hands it its seed, and is a bridge to it from then on.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::bridge::{connect, protect, relay, standard_input};
use crate::{FAILED, Failure};

/// What the core says when it listens.
pub(crate) const READY: &[u8] = b"ready\n";
/// Longest seed.
const LONGEST_SEED: usize = 64 * 1024;

/// Starts the core of this name.
pub(crate) fn start(name: &str) -> Result<(), Failure> {
    protect()?;
    let mut seed = read_seed()?;
    let mut core = spawn(name)?;
    let handed = hand_over(&mut core, &seed);
    seed.fill(0);
    drop(seed);
    handed?;
    relay(&connect(name)?)
}

/// The seed with its length before it, and not one byte of what follows.
fn read_seed() -> Result<Vec<u8>, Failure> {
    let unreadable = "the seed cannot be read from standard input";
    let mut input = standard_input()?;
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(Failure::of(unreadable))?;
    let longest = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if longest > LONGEST_SEED {
        return Err(Failure { code: FAILED, message: format!("{unreadable}: it is longer than a seed") });
    }
    let mut seed = length.to_vec();
    seed.resize(4 + longest, 0);
    input.read_exact(&mut seed[4..]).map_err(Failure::of(unreadable))?;
    Ok(seed)
}

/// This program once more. By the path that the caller gave: `/proc`, which knows it for sure, may not be there.
fn spawn(name: &str) -> Result<Child, Failure> {
    let program = std::env::args_os().next().unwrap_or_default();
    Command::new(&program)
        .args(["core", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::of(&format!("{} cannot be started", program.display())))
}

fn hand_over(core: &mut Child, seed: &[u8]) -> Result<(), Failure> {
    let failed = "the agent's core did not start";
    if let Some(mut input) = core.stdin.take() {
        input.write_all(seed).map_err(Failure::of(failed))?;
    }
    let mut said = Vec::new();
    if let Some(mut output) = core.stdout.take() {
        output.read_to_end(&mut said).map_err(Failure::of(failed))?;
    }
    if said == READY {
        return Ok(());
    }
    // What it had to say is on standard error, which it has in common with this process until it is ready.
    let status = core.wait().map_err(Failure::of(failed))?;
    Err(Failure { code: FAILED, message: format!("{failed}: {status}") })
}
