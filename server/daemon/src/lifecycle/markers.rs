//! The files by which hooks are known to have run, compatible with the reference's: `~/.devcontainer/.<hook>Marker`
//! holds the engine's own text of the container's `Created` or `StartedAt`; an empty file means "do not run".

use gangplank_devcontainer::hooks::{LifecycleHook, Recurrence};
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::exec::ExecSpec;
use gangplank_protocol::ErrorData;

use crate::failure::from_exec_as;

/// Prints `run` or `skip` for each pair of arguments: a marker's file name and what it would hold.
const CHECK: &str = r#"
for pair in "$@"; do
  file=$HOME/.devcontainer/${pair%%=*}; want=${pair#*=}
  if [ ! -e "$file" ]; then echo run; continue; fi
  have=$(cat "$file")
  if [ -z "$have" ] || [ "$have" = "$want" ]; then echo skip; else echo run; fi
done
"#;

/// Writes the marker, then becomes the command.
const WRITE_AND_RUN: &str =
    r#"mkdir -p "$HOME/.devcontainer" && printf '%s\n' "$2" > "$HOME/.devcontainer/$1"; shift 2; exec "$@""#;

/// A hook's marker in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    name: String,
    content: String,
}

impl Marker {
    /// The marker of `hook` in this container as it was last started; `None` for hooks that run every time.
    pub fn of(hook: LifecycleHook, container: &ContainerDetails) -> Option<Self> {
        let content = match hook.recurrence() {
            Recurrence::Always => return None,
            Recurrence::PerContainer => container.created.clone(),
            Recurrence::PerStart => container.state.started_at.clone(),
        };
        Some(Self { name: hook.marker()?, content })
    }

    /// What it holds once the hook has run.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The command that writes the marker and then becomes `argv`.
    pub fn written_before(&self, argv: Vec<String>) -> Vec<String> {
        let mut whole = vec![
            "/bin/sh".to_owned(),
            "-c".into(),
            WRITE_AND_RUN.into(),
            "sh".into(),
            self.name.clone(),
            self.content.clone(),
        ];
        whole.extend(argv);
        whole
    }
}

/// For each marker whether its hook is to run, by one exec as `user`. Without an answer (no shell, no home) all run.
///
/// # Errors
/// The engine's.
pub async fn to_run(
    engine: &Engine,
    container_id: &str,
    user: &str,
    markers: &[Marker],
) -> Result<Vec<bool>, ErrorData> {
    if markers.is_empty() {
        return Ok(Vec::new());
    }
    let mut argv = vec!["/bin/sh".to_owned(), "-c".into(), CHECK.into(), "sh".into()];
    argv.extend(markers.iter().map(|marker| format!("{}={}", marker.name, marker.content)));
    let spec = ExecSpec { argv, user: Some(user.to_owned()), ..ExecSpec::default() };
    let output = engine
        .exec_output(container_id, &spec, b"", 4096)
        .await
        .map_err(|error| from_exec_as(user, error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers: Vec<&str> = text.lines().collect();
    Ok((0..markers.len()).map(|index| answers.get(index) != Some(&"skip")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn check(home: &std::path::Path, pairs: &[&str]) -> String {
        let output =
            Command::new("/bin/sh").args(["-c", CHECK, "sh"]).args(pairs).env("HOME", home).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_marker_skips_when_it_is_equal_or_empty() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".devcontainer");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join(".equal"), "2026-01-01T00:00:00.1Z\n").unwrap();
        std::fs::write(folder.join(".other"), "2025\n").unwrap();
        std::fs::write(folder.join(".empty"), "").unwrap();
        let want = "2026-01-01T00:00:00.1Z";
        let pairs = [".equal", ".other", ".empty", ".missing"].map(|name| format!("{name}={want}"));
        assert_eq!(check(home.path(), &pairs.each_ref().map(String::as_str)), "skip\nrun\nskip\nrun\n");
    }

    #[test]
    fn writing_leaves_the_engines_text_and_passes_arguments_on_unchanged() {
        let home = tempfile::tempdir().unwrap();
        let marker = Marker { name: ".m".into(), content: "2026-01-01T00:00:00.123456789Z".into() };
        let argv =
            marker.written_before(vec!["printf".into(), "[%s]".into(), "a b".into(), "$(x)'\"\n".into()]);
        let output = Command::new(&argv[0]).args(&argv[1..]).env("HOME", home.path()).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "[a b][$(x)'\"\n]");
        let written = std::fs::read_to_string(home.path().join(".devcontainer/.m")).unwrap();
        assert_eq!(written, "2026-01-01T00:00:00.123456789Z\n");
        assert_eq!(check(home.path(), &[".m=2026-01-01T00:00:00.123456789Z"]), "skip\n");
    }
}
