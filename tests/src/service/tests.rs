//! Services end when they should and only then, whatever happened to their users and keepers.

use std::os::unix::process::CommandExt;

use super::*;

/// A service that is up once its shell has said so.
struct Shell;

impl Launch for Shell {
    fn command(&self, dir: &Path) -> Result<Command, HarnessError> {
        // what an earlier process said does not count
        let _ = std::fs::remove_file(dir.join("up"));
        let mut command = Command::new("sh");
        command.args(["-c", "echo up >\"$0/up\"; exec sleep 1000000"]).arg(dir);
        Ok(command)
    }

    fn answers(&self, dir: &Path) -> bool {
        dir.join("up").exists()
    }
}

fn join(dir: &Path) -> Service {
    Service::join("shell", dir, Afterwards::Keep, &Shell).unwrap()
}

/// Waits for a state; a state that never comes is for the test runner's patience.
fn wait_until(holds: impl Fn() -> bool) {
    while !holds() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The keepers that wait in `dir`: their command line names it.
fn keepers(dir: &Path) -> Vec<Process> {
    let names_it = |id: &u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        words.clone().any(|word| word == KEEPER.as_bytes())
            && words.any(|word| word == dir.as_os_str().as_encoded_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(names_it).filter_map(Process::of).filter(|process| process.is_alive()).collect()
}

#[test]
fn it_is_shared_and_ends_with_its_last_user() {
    let dir = tempfile::tempdir().unwrap();
    let first = join(dir.path());
    let process = first.process().unwrap();
    let second = join(dir.path());
    assert_eq!(second.process(), Some(process), "the second user joins the first one's");
    drop(first);
    assert!(process.is_alive(), "it stays up for the second user");
    second.end().unwrap();
    assert!(!process.is_alive(), "it is gone with the last user");
}

#[test]
fn it_ends_when_its_user_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let service = join(dir.path());
    let process = service.process().unwrap();
    let lease = dir.path().join("lease");
    let mut user = Command::new("flock");
    user.arg("--shared").arg(&lease).args(["sh", "-c", "echo held; exec sleep 1000000"]).process_group(0);
    let mut user = user.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = [0; 5];
    std::io::Read::read_exact(user.stdout.as_mut().unwrap(), &mut said).unwrap();
    drop(service);
    assert!(process.is_alive(), "the other user holds it");
    let group = rustix::process::Pid::from_child(&user);
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    user.wait().unwrap();
    wait_until(|| !process.is_alive());
}

#[test]
fn one_whose_keeper_was_killed_is_ended_by_the_next_user() {
    let dir = tempfile::tempdir().unwrap();
    let service = join(dir.path());
    let stale = service.process().unwrap();
    keepers(dir.path()).into_iter().for_each(Process::kill);
    wait_until(|| keepers(dir.path()).is_empty());
    drop(service);
    assert!(stale.is_alive(), "nobody was left to end it");
    std::fs::remove_file(dir.path().join("up")).unwrap();
    let next = join(dir.path());
    assert!(!stale.is_alive(), "the next user ended it");
    assert_ne!(next.process(), Some(stale));
    next.end().unwrap();
}

#[test]
fn a_later_process_of_a_recorded_id_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut other = Command::new("sleep").arg("1000000").spawn().unwrap();
    let living = Process::of(other.id()).unwrap();
    std::fs::write(dir.path().join("process"), format!("{} {}\n", living.id, living.started - 1)).unwrap();
    join(dir.path()).end().unwrap();
    assert!(living.is_alive(), "it has the id, but another start time");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn what_never_answers_is_an_error_with_its_log() {
    struct Broken;
    impl Launch for Broken {
        fn command(&self, _: &Path) -> Result<Command, HarnessError> {
            let mut command = Command::new("sh");
            command.args(["-c", "echo it does not work; exit 1"]);
            Ok(command)
        }
        fn answers(&self, _: &Path) -> bool {
            false
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let error = Service::join("broken", dir.path(), Afterwards::Keep, &Broken).unwrap_err();
    assert!(error.to_string().contains("it does not work"), "{error}");
}
