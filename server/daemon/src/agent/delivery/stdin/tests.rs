//! The script on this machine, and what is made of its words.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// The script on this machine; the places that do not depend on the environment are passed over with the rest.
fn lay(environment: &[(&str, &Path)], name: &str, input: &[u8], length: usize) -> (i32, String) {
    let mut shell = Command::new("/bin/sh")
        .args(["-c", SCRIPT, "sh", name, &length.to_string(), "0"])
        .env_clear()
        .envs(environment.iter().copied().collect::<BTreeMap<_, _>>())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It may have ended before it has read all.
    let _ = shell.stdin.take().unwrap().write_all(input);
    let output = shell.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_program_is_laid_whole_or_not_at_all() {
    let place = tempfile::tempdir().unwrap();
    let environment = [("XDG_RUNTIME_DIR", place.path())];
    let program = b"#!/bin/sh\nexit 0\n";
    let laid = place.path().join("new/agent");
    assert_eq!(lay(&environment, "new", program, program.len()), (0, format!("{}\n", laid.display())));
    assert_eq!(std::fs::read(&laid).unwrap(), program);
    let mode = |path: &Path| std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o7777;
    assert_eq!((mode(&laid), mode(laid.parent().unwrap())), (0o500, 0o700));
    // Cut off, or one that does not run.
    assert_eq!(lay(&environment, "cut", &program[..9], program.len()), (4, "1\n".into()));
    let failing = b"#!/bin/sh\nexit 7\n";
    assert_eq!(lay(&environment, "failing", failing, failing.len()), (4, "1\n".into()));
    let left: Vec<_> =
        std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["new"]);
}

#[test]
fn only_what_the_script_says_is_believed() {
    let said = |exit_code: i64, stdout: &str| {
        let (stdout, stderr) = (stdout.as_bytes().to_vec(), b"a\x1b[2J\nlast\x07 words\n\n".to_vec());
        answer(&ExecOutput { stdout, stderr, truncated: false, exit_code }, ".gangplank-1")
    };
    assert_eq!(said(0, "/tmp/.gangplank-1/agent\n").unwrap(), Answer::Laid("/tmp/.gangplank-1/agent".into()));
    for lie in ["", "agent", "/bin/agent", "x/.gangplank-1/agent", "/a\n/.gangplank-1/agent"] {
        assert!(matches!(said(0, lie), Err(NoAgent::Failed { code: 0, .. })), "{lie}");
    }
    assert_eq!(said(3, "").unwrap(), Answer::NoPlace);
    assert_eq!(said(4, "2\n").unwrap(), Answer::NotTaken { place: 2 });
    assert_eq!(said(4, "-1").unwrap(), Answer::NoPlace);
    assert!(matches!(said(127, ""), Err(NoAgent::NoShell)));
    assert!(matches!(said(1, ""), Err(NoAgent::Failed { words, .. }) if words == "last  words"));
}
