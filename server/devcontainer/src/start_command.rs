//! What the container itself runs: a shell that says it has started, keeps the container up and ends on SIGTERM.
//!
//! The image's own command is replaced, or kept beside it, as the reference does it: the script runs what it is given
//! (`exec "$@"`, which does nothing without arguments) and then sleeps for ever, in short pieces, so that the signal is
//! noticed at once.

/// What the script prints first: whoever reads the container's output knows from it that the container runs.
pub const STARTED_LINE: &str = "Container started";

/// The program of the container, and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCommand {
    /// `Entrypoint` of the container.
    pub entrypoint: Vec<String>,
    /// `Cmd` of the container.
    pub command: Vec<String>,
}

/// The command for a container.
///
/// `entrypoints` are shell texts that run first (Features bring them). `image_command` is the image's `Entrypoint`
/// followed by its `Cmd`, when the configuration keeps it (`overrideCommand: false`).
pub fn start_command(entrypoints: &[String], image_command: Option<&[String]>) -> StartCommand {
    let mut script = vec![format!("echo {STARTED_LINE}"), "trap \"exit 0\" 15".to_owned()];
    script.extend(entrypoints.iter().cloned());
    script.push("exec \"$@\"".to_owned());
    script.push("while sleep 1 & wait $!; do :; done".to_owned());
    // `-` becomes the script's `$0`.
    let mut command = vec!["-c".to_owned(), script.join("\n"), "-".to_owned()];
    command.extend(image_command.unwrap_or_default().iter().cloned());
    StartCommand { entrypoint: vec!["/bin/sh".to_owned()], command }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_script_is_the_reference_s() {
        let start = start_command(&["/a.sh".to_owned()], None);
        assert_eq!(start.entrypoint, ["/bin/sh"]);
        assert_eq!(
            start.command,
            [
                "-c",
                "echo Container started\ntrap \"exit 0\" 15\n/a.sh\nexec \"$@\"\nwhile sleep 1 & wait $!; do :; done",
                "-",
            ]
        );
    }

    proptest! {
        #[test]
        fn the_image_s_command_follows_untouched(command in prop::collection::vec("[^\0]*", 0..4)) {
            let start = start_command(&[], Some(&command));
            prop_assert_eq!(&start.command[3..], &command[..]);
        }
    }
}
