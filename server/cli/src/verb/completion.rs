//! `completion`: a script for a shell, from the grammar itself.

use super::{DONE, Outcome};
use crate::args::{self, daemon::Completion};
use crate::failure::Failure;

pub(super) fn run(verb: &Completion) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(verb.shell, &mut args::command(), "gangplank", &mut script);
    std::io::Write::write_all(&mut std::io::stdout(), &script).map_err(Failure::output)?;
    DONE
}
