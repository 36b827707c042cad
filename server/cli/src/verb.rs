//! The verbs, one file each or one for a few that belong together, and how each ends.

mod attach;
mod completion;
mod connect;
mod containers;
mod daemon;
mod doctor;
mod exec;
mod images;
mod logs;
mod named;
mod plan;
mod run;
mod serve;
mod shared;
mod shell;
mod status;
mod terminals;
mod up;
mod watch;

use std::future::Future;

use serde::Serialize;

use crate::args::{Format, Verb};
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::render;

/// How a verb ends: an exit code of its own, or why it failed.
pub(crate) type Outcome = Result<u8, Failure>;

/// A failure as an answer for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureAnswer {
    outcome: &'static str,
    error: gangplank_protocol::ErrorData,
}

/// Does what the command line asks for and gives the exit code.
pub(crate) fn run(context: &Context, verb: Verb) -> u8 {
    let outcome = match verb {
        Verb::Completion(verb) => completion::run(&verb),
        Verb::Serve(verb) => serve::run(context, verb),
        Verb::Up(verb) => return up::run(context, &verb),
        Verb::Rebuild(verb) => return up::rebuild(context, &verb),
        Verb::Exec(verb) => return exec::exit_code(context, on_one_thread(exec::run(context, &verb))),
        Verb::Shell(verb) => on_one_thread(shell::run(context, &verb)),
        Verb::Terminals(verb) => on_one_thread(terminals::run(context, &verb)),
        Verb::Attach(verb) => on_one_thread(attach::run(context, &verb)),
        Verb::Run(verb) => on_one_thread(run::run(context, &verb)),
        Verb::Ps(verb) => on_one_thread(containers::ps(context, &verb)),
        Verb::Start(verb) => on_one_thread(containers::start(context, &verb)),
        Verb::Stop(verb) => on_one_thread(containers::stop(context, &verb)),
        Verb::Rm(verb) => on_one_thread(containers::rm(context, &verb)),
        Verb::Logs(verb) => on_one_thread(logs::run(context, &verb)),
        Verb::Images(verb) => on_one_thread(images::list(context, &verb)),
        Verb::Pull(verb) => on_one_thread(images::pull(context, &verb)),
        Verb::Rmi(verb) => on_one_thread(images::remove(context, &verb)),
        Verb::Status(verb) => on_one_thread(status::run(context, &verb)),
        Verb::Plan(verb) => on_one_thread(plan::run(context, &verb)),
        Verb::Down(verb) => on_one_thread(containers::down(context, &verb)),
        Verb::Watch(verb) => on_one_thread(watch::run(context, &verb)),
        Verb::Daemon(verb) => on_one_thread(daemon::run(context, &verb.verb)),
        Verb::Doctor(_) => on_one_thread(doctor::run(context)),
        Verb::Connect(_) => on_one_thread(connect::run(context)),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            report(context, &failure);
            failure.exit_code()
        }
    }
}

/// Tells a failure: to people on standard error, and to programs also as the answer.
fn report(context: &Context, failure: &Failure) {
    let Some(error) = failure.data() else { return };
    context.screen.tell(&render::failure::text(&error));
    if context.format() != Format::Text {
        // a closed standard output does not want to know
        let _ = context.screen.json(&FailureAnswer { outcome: "error", error });
    }
}

/// Runs a verb to its end. One thread: it starts at once, and a client has nothing to do in parallel. Tasks and blocked
/// threads that are left when the verb is over end with the program.
fn on_one_thread(verb: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::io("start the program's event loop"))?;
    let outcome = runtime.block_on(verb);
    runtime.shutdown_background();
    outcome
}

/// The exit code of a verb that has nothing to say.
pub(crate) const DONE: Outcome = Ok(exit::OK);
