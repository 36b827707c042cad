//! `serve`: hands over to the daemon. The only place that knows its crate.

use std::time::Duration;

use clap::ValueEnum;
use gangplank_daemon::{ServeOptions, Served};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::{DONE, Outcome};
use crate::args::daemon::Serve;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;

pub(super) fn run(context: &Context, verb: Serve) -> Outcome {
    if verb.detached {
        // one that leads a group already cannot, and then has what it needs
        let _ = rustix::process::setsid();
    }
    let (foreground, defaults) = (verb.foreground, ServeOptions::default());
    let level = context.global.log_level.to_possible_value();
    let options = ServeOptions {
        tcp: verb.tcp,
        allowed_origins: verb.allow_origin,
        idle_timeout: match verb.idle_timeout {
            Some(0) => None,
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => defaults.idle_timeout,
        },
        foreground,
        log_level: level.map_or(defaults.log_level, |level| level.get_name().to_owned()),
        environment: defaults.environment,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::io("start the program's event loop"))?;
    let served = runtime.block_on(gangplank_daemon::serve(options));
    runtime.shutdown_background();
    let served = served.map_err(|error| {
        let mut data = ErrorData::new(ErrorKind::Io, error.to_string());
        if let Some(source) = std::error::Error::source(&error) {
            data = data.caused_by(source);
        }
        Failure::Operation(Box::new(data))
    })?;
    match served {
        // whoever starts a daemon by hand wants to know; clients that start one at the same time do not
        Served::AnotherRuns if !verb.detached => {
            context.screen.note("a daemon runs already; `gangplank daemon stop` ends it");
            Ok(exit::FAILED)
        }
        Served::Ended | Served::AnotherRuns => DONE,
    }
}
