//! What the remote user's own shell sets up: its path, the home folder, and the environment that its start-up files
//! leave (`userEnvProbe`). One exec; a shell that hangs costs 10 s, not the workspace.

use std::collections::BTreeMap;
use std::time::Duration;

use gangplank_devcontainer::model::UserEnvProbe;
use gangplank_engine::exec::ExecSpec;
use gangplank_engine::{Engine, EngineError};
use gangplank_protocol::ErrorData;

use crate::failure::from_exec_as;

/// How long the user's start-up files may take, as in the reference.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest output looked at, in bytes.
const LONGEST: usize = 1024 * 1024;

/// Finds the user's shell, says who they are, then becomes that shell with the flags asked for.
const SCRIPT: &str = r#"
flags=$1 mark=$2 uid=$(id -u 2>/dev/null) home= shell=
while IFS=: read -r _ _ its _ _ dir program; do
  if [ "$its" = "$uid" ]; then home=$dir shell=$program; break; fi
done < /etc/passwd
[ -x "$shell" ] || shell=/bin/sh
printf '%s\n%s\n%s\n' "$uid" "${HOME:-$home}" "$shell"
[ -n "$flags" ] || exit 0
print="printf %s $mark; cat /proc/self/environ; printf %s $mark"
case $shell in
  */pwsh) exec "$shell" -Login -Command "$print" ;;
  *) exec "$shell" "$flags" "$print" ;;
esac
"#;

/// A user's shell in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shell {
    /// The program; absent in an image without a shell.
    pub path: Option<String>,
    /// The user's number, as far as the container knows it.
    pub uid: Option<u32>,
    /// The environment it leaves; empty when nothing was asked for or it did not answer.
    pub environment: BTreeMap<String, String>,
    /// Why there is no environment though one was asked for.
    pub problem: Option<String>,
}

/// Asks the shell of `user`.
///
/// # Errors
/// `configurationInvalid` for a user that the container does not have, the engine's. A shell that fails or hangs is no error: see [`Shell::problem`].
pub(super) async fn probe(
    engine: &Engine,
    container_id: &str,
    user: &str,
    mode: UserEnvProbe,
) -> Result<Shell, ErrorData> {
    let mark = crate::identifier::random("");
    let flags = mode.shell_flags().unwrap_or_default();
    let argv = ["/bin/sh", "-c", SCRIPT, "sh", flags, &mark].map(str::to_owned).to_vec();
    match tokio::time::timeout(PATIENCE, output_of(engine, container_id, user, argv)).await {
        Ok(output) => Ok(understand(&output?, &mark, !flags.is_empty())),
        Err(_) => {
            // Asked again without its start-up files: the shell itself is still wanted.
            let argv = ["/bin/sh", "-c", SCRIPT, "sh", "", ""].map(str::to_owned).to_vec();
            let output = output_of(engine, container_id, user, argv).await?;
            let problem =
                format!("the start-up files of {user}'s shell did not end within {} s", PATIENCE.as_secs());
            Ok(Shell { problem: Some(problem), ..understand(&output, "", false) })
        }
    }
}

async fn output_of(
    engine: &Engine,
    container_id: &str,
    user: &str,
    argv: Vec<String>,
) -> Result<Vec<u8>, ErrorData> {
    let spec = ExecSpec { argv, user: Some(user.to_owned()), ..ExecSpec::default() };
    match engine.exec_output(container_id, &spec, b"", LONGEST).await {
        Ok(output) => Ok(output.stdout),
        // As with engines that tell it by the exit code: an image without a shell says nothing.
        Err(EngineError::CommandNotRunnable { .. }) => Ok(Vec::new()),
        Err(error) => Err(from_exec_as(user, error)),
    }
}

fn understand(stdout: &[u8], mark: &str, environment_asked: bool) -> Shell {
    let mut head = stdout.splitn(4, |byte| *byte == b'\n').map(String::from_utf8_lossy);
    let (uid, _home, path) = (head.next(), head.next(), head.next());
    let Some(path) = path.filter(|path| path.starts_with('/')) else {
        let problem = environment_asked.then(|| "the image has no /bin/sh".to_owned());
        return Shell { problem, ..Shell::default() };
    };
    let environment = environment_asked.then(|| between(stdout, mark.as_bytes())).flatten();
    Shell {
        path: Some(path.into_owned()),
        uid: uid.and_then(|uid| uid.parse().ok()),
        problem: (environment_asked && environment.is_none())
            .then(|| "the user's shell did not show its environment".into()),
        environment: environment.map(variables).unwrap_or_default(),
    }
}

/// What stands between the first two marks.
fn between<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let find = |text: &[u8]| text.windows(mark.len()).position(|window| window == mark);
    let rest = &text[find(text)? + mark.len()..];
    Some(&rest[..find(rest)?])
}

/// `NAME=value` separated by NUL. `PWD` is where the probe stood, not where processes start.
fn variables(environ: &[u8]) -> BTreeMap<String, String> {
    environ
        .split(|byte| *byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok()?.split_once('='))
        .filter(|(name, _)| !name.is_empty() && *name != "PWD" && *name != "_" && *name != "SHLVL")
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn asked(flags: &str) -> Shell {
        let output = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "sh", flags, "MARK"])
            .env("GP_PROBE", "a b\nc=d")
            .output()
            .unwrap();
        understand(&output.stdout, "MARK", !flags.is_empty())
    }

    #[test]
    fn the_shell_and_its_environment_are_found() {
        let shell = asked("-lc");
        assert!(shell.path.unwrap().starts_with('/'));
        assert_eq!(shell.uid, Some(crate::place::own_uid()));
        assert_eq!(shell.environment.get("GP_PROBE").map(String::as_str), Some("a b\nc=d"));
        assert!(!shell.environment.contains_key("PWD"));
        assert_eq!(shell.problem, None);
        assert!(asked("").environment.is_empty());
    }

    #[test]
    fn noise_of_startup_files_and_missing_answers_are_no_environment() {
        let noisy = b"1000\n/home/a\n/bin/bash\nwelcome!\nMARKA=1\0B=2\0MARK";
        assert_eq!(understand(noisy, "MARK", true).environment.len(), 2);
        assert!(understand(b"1000\n/home/a\n/bin/bash\n", "MARK", true).problem.is_some());
        assert_eq!(understand(b"exec failed", "MARK", true).path, None);
    }
}
