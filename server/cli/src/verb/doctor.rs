//! `doctor`: what Gangplank needs on this machine, checked one by one, each with what to do.

use gangplank_client::{Client, Place};
use gangplank_protocol::catalogue::{DaemonStatusMethod, EngineInfoMethod, WorkspaceInspect};
use gangplank_protocol::daemon::Empty;
use gangplank_protocol::engine::{EngineInfo, EngineInfoParams};
use serde::Serialize;

use super::{Outcome, named};
use crate::args::workspace::Named;
use crate::context::Context;
use crate::exit;
use crate::failure::Failure;
use crate::render::escape;

/// Fewer watches than this are soon used up: an editor and a watched tree of some size share them.
const ENOUGH_WATCHES: u64 = 65_536;

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// A check and its result.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    check: &'static str,
    verdict: Verdict,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn ok(check: &'static str, message: impl Into<String>) -> Check {
        Check { check, verdict: Verdict::Ok, message: message.into(), hint: None }
    }

    fn warn(check: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Check {
        Check { check, verdict: Verdict::Warn, message: message.into(), hint: Some(hint.into()) }
    }

    fn failed(check: &'static str, failure: &Failure) -> Check {
        let data = failure.data();
        let message = data.as_ref().map_or_else(
            || failure.to_string(),
            |data| std::iter::once(&data.message).chain(&data.causes).cloned().collect::<Vec<_>>().join("; "),
        );
        Check { check, verdict: Verdict::Fail, message, hint: data.and_then(|data| data.hint) }
    }
}

pub(super) async fn run(context: &Context) -> Outcome {
    let mut checks = vec![Check::ok("client", format!("gangplank {}", env!("CARGO_PKG_VERSION")))];
    match context.place() {
        Ok(place) => checks.push(state(&place)),
        Err(failure) => checks.push(Check::failed("state", &failure)),
    }
    match context.client().await {
        Ok(client) => {
            checks.push(daemon(&client).await);
            checks.extend(engine(&client).await);
            checks.extend(terminals(context, &client).await);
        }
        Err(failure) => checks.push(Check::failed("daemon", &failure)),
    }
    checks.push(watches(std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").ok().as_deref()));
    context.screen.list(context.format(), &checks, |checks| checks.iter().map(line).collect())?;
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    Ok(if failed { exit::FAILED } else { exit::OK })
}

fn line(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Ok => "ok  ",
        Verdict::Warn => "warn",
        Verdict::Fail => "FAIL",
    };
    let hint =
        check.hint.as_ref().map(|hint| format!("\n{:17}{}", "", escape::line(hint))).unwrap_or_default();
    format!("{verdict} {:11} {}{hint}\n", check.check, escape::line(&check.message))
}

fn state(place: &Place) -> Check {
    use std::os::unix::fs::MetadataExt;
    let path = place.state().display();
    match std::fs::metadata(place.state()) {
        Ok(metadata) if metadata.mode() & 0o077 != 0 => Check::warn(
            "state",
            format!("{path} has mode {:04o}", metadata.mode() & 0o7777),
            format!("chmod 700 {path}"),
        ),
        Ok(_) => Check::ok("state", path.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::ok("state", format!("{path}, made when it is needed"))
        }
        Err(source) => Check::failed("state", &Failure::Io { what: format!("look at {path}"), source }),
    }
}

async fn daemon(client: &Client) -> Check {
    match client.call::<DaemonStatusMethod>(&Empty {}).await {
        Ok(status) if status.daemon.version != env!("CARGO_PKG_VERSION") => Check::warn(
            "daemon",
            format!("version {} runs, process {}", status.daemon.version, status.pid),
            "it is replaced when nothing runs, or by `gangplank daemon stop`",
        ),
        Ok(status) => Check::ok(
            "daemon",
            format!("{}, process {}, {}", status.daemon.version, status.pid, status.socket),
        ),
        Err(error) => Check::failed("daemon", &error.into()),
    }
}

async fn engine(client: &Client) -> Vec<Check> {
    match client.call::<EngineInfoMethod>(&EngineInfoParams::default()).await {
        Ok(info) => vec![
            Check::ok(
                "engine",
                format!(
                    "{} {} (API {}, {}, {}) at {}",
                    info.product,
                    info.version,
                    info.api_version,
                    info.platform,
                    info.storage_driver,
                    info.engine
                ),
            ),
            bind_mounts(&info),
        ],
        Err(error) => vec![Check::failed("engine", &error.into())],
    }
}

/// Who hosts the processes of the folder's workspace; nothing where it has none.
async fn terminals(context: &Context, client: &Client) -> Option<Check> {
    let params = named::workspace(context, &Named::default()).ok()?;
    let details = client.call::<WorkspaceInspect>(&params).await.ok()?;
    Some(Check::ok("terminals", named::process_host(&details)))
}

fn bind_mounts(info: &EngineInfo) -> Check {
    match (info.capabilities.bind_local, info.local) {
        (true, true) => Check::ok("bind mounts", "folders of this machine can be mounted"),
        (true, false) => Check::warn(
            "bind mounts",
            "the engine is on another machine; each folder is checked before it is mounted",
            "use an engine on this machine for folders of this machine",
        ),
        (false, _) => Check::warn(
            "bind mounts",
            "folders of this machine cannot be mounted",
            "`gangplank up` needs an engine that can",
        ),
    }
}

fn watches(limit: Option<&str>) -> Check {
    match limit.and_then(|limit| limit.trim().parse::<u64>().ok()) {
        Some(limit) if limit < ENOUGH_WATCHES => Check::warn(
            "watches",
            format!("the kernel allows {limit} watched folders"),
            "sysctl fs.inotify.max_user_watches=524288",
        ),
        Some(limit) => Check::ok("watches", format!("the kernel allows {limit} watched folders")),
        None => Check::warn(
            "watches",
            "the kernel's limit of watched folders is unknown",
            "large folders may be watched in part",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_watches_are_a_warning_with_the_command_that_helps() {
        assert_eq!(watches(Some("524288\n")).verdict, Verdict::Ok);
        let few = watches(Some("8192\n"));
        assert_eq!(few.verdict, Verdict::Warn);
        assert!(line(&few).contains("sysctl"), "{}", line(&few));
        assert_eq!(watches(None).verdict, Verdict::Warn);
    }
}
