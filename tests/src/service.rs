//! A background process that several processes share and that ends with the last of them.
//!
//! A service has a folder. Whoever uses it holds a *lease*: a shared lock on `DIR/lease`, which the kernel takes back
//! when its holder ends, even by SIGKILL. A small *keeper* (`service/keeper.sh`) waits for the exclusive lock, then ends the
//! service. So a crashed test run leaves nothing behind, and several test binaries use one engine.
//! `DIR/process` holds process id and start time: together they name one process for ever, so that a service whose
//! keeper was killed is recognised by the next user and ended, and nobody else's process ever is.
//!
//! Rejected: an `atexit` handler (not run on SIGKILL), a reference count in a file (wrong after SIGKILL), starting the
//! engine once per test binary (seconds each, and test threads of other binaries would fight for names).

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::error::HarnessError;
use crate::process::Process;
use crate::program;

const KEEPER: &str = include_str!("service/keeper.sh");
/// Liveness only: nothing is measured against these.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// What is to happen with a service's folder when the service has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// Its data stay for the next run.
    Keep,
    /// The folder is removed.
    Discard,
}

/// How a service is started and known to be up.
pub trait Launch {
    /// The program to run; its output goes to `DIR/log`. Called when no process of the service is there.
    ///
    /// # Errors
    /// When something that it needs cannot be made.
    fn command(&self, dir: &Path) -> Result<Command, HarnessError>;

    /// Whether the service answers by now.
    fn answers(&self, dir: &Path) -> bool;
}

/// A service in use. It stays up as long as this lives.
#[derive(Debug)]
pub struct Service {
    name: String,
    dir: PathBuf,
    afterwards: Afterwards,
    lease: File,
    has_just_started: bool,
}

impl Service {
    /// Joins the service in `dir`, or starts it where it does not run.
    ///
    /// # Errors
    /// When it cannot be started or does not answer.
    pub fn join(
        name: &str,
        dir: &Path,
        afterwards: Afterwards,
        launch: &impl Launch,
    ) -> Result<Service, HarnessError> {
        std::fs::create_dir_all(dir).map_err(HarnessError::io("make the folder", dir))?;
        let turn = lock_file(dir, "turn")?;
        turn.lock().map_err(HarnessError::io("lock", dir.join("turn")))?;
        let lease = lock_file(dir, "lease")?;
        lease.lock_shared().map_err(HarnessError::io("lock", dir.join("lease")))?;
        let mut service = Service {
            name: name.to_owned(),
            dir: dir.to_owned(),
            afterwards,
            lease,
            has_just_started: false,
        };
        if service.process().is_some_and(|process| process.is_alive()) && launch.answers(dir) {
            return Ok(service);
        }
        if dir.join("process").exists() {
            crate::say(format_args!("ending a stale {name}"));
            service.end_stale()?;
        }
        spawn_keeper(&service.dir, service.afterwards)?;
        service.start(launch)?;
        service.has_just_started = true;
        Ok(service)
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether joining it was what started it, so that it had no other user before.
    #[must_use]
    pub fn has_just_started(&self) -> bool {
        self.has_just_started
    }

    /// The process that stands for the service, if one was started.
    #[must_use]
    pub fn process(&self) -> Option<Process> {
        Process::read(&self.dir.join("process"))
    }

    /// Ends the service's process (SIGTERM, as an administrator would) and starts it again on the same data. For
    /// services that nobody else shares.
    ///
    /// # Errors
    /// When it does not end or does not come back.
    pub fn restart(&mut self, launch: &impl Launch) -> Result<(), HarnessError> {
        self.end_process()?;
        self.start(launch)
    }

    /// Ends the service's process and leaves it ended.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end_process(&mut self) -> Result<(), HarnessError> {
        let Some(process) = self.process() else { return Ok(()) };
        process.terminate();
        self.wait_gone(process)
    }

    /// Starts the service's process after [`Service::end_process`].
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(&mut self, launch: &impl Launch) -> Result<(), HarnessError> {
        let begun = Instant::now();
        let log = self.dir.join("log");
        let output = File::create(&log).map_err(HarnessError::io("make", &log))?;
        let errors = output.try_clone().map_err(HarnessError::io("open", &log))?;
        let command = launch.command(&self.dir)?;
        // a session of its own: an interrupt at the terminal is for the test run, which then lets go of the lease
        let mut outer = Command::new("setsid");
        outer.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        let mut child = outer
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(HarnessError::io("start", "setsid"))?;
        let record = self.dir.join("process");
        if let Some(process) = Process::of(child.id()) {
            let text = format!("{} {}\n", process.id, process.started);
            std::fs::write(&record, text).map_err(HarnessError::io("write", &record))?;
        }
        while !launch.answers(&self.dir) {
            let ended = child.try_wait().ok().flatten().is_some();
            if ended || begun.elapsed() > ANSWER_WITHIN {
                return Err(HarnessError::NoAnswer {
                    service: self.name.clone(),
                    tail: program::tail_of_file(&log, 15),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        crate::say(format_args!("{} is up after {:.1} s", self.name, begun.elapsed().as_secs_f32()));
        Ok(())
    }

    /// Lets go of the service and waits until it has ended. Another user of it makes this fail.
    ///
    /// # Errors
    /// When it is still there after a minute.
    pub fn end(self) -> Result<(), HarnessError> {
        let Service { name, dir, lease, .. } = self;
        let process = Process::read(&dir.join("process"));
        drop(lease);
        let begun = Instant::now();
        while dir.join("process").exists() {
            if begun.elapsed() > GONE_WITHIN {
                let process = process.map_or(0, |process| process.id);
                return Err(HarnessError::StillRunning { service: name, process });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Does the keeper's work at once: a process whose keeper is gone, or a record whose process is.
    fn end_stale(&mut self) -> Result<(), HarnessError> {
        self.lease.unlock().map_err(HarnessError::io("unlock", self.dir.join("lease")))?;
        let ended = program::run(&mut keeper(&self.dir, Afterwards::Keep));
        self.lease.lock_shared().map_err(HarnessError::io("lock", self.dir.join("lease")))?;
        ended.map(drop)
    }

    fn wait_gone(&self, process: Process) -> Result<(), HarnessError> {
        let begun = Instant::now();
        while process.is_alive() {
            if begun.elapsed() > GONE_WITHIN {
                return Err(HarnessError::StillRunning { service: self.name.clone(), process: process.id });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

fn lock_file(dir: &Path, name: &str) -> Result<File, HarnessError> {
    let path = dir.join(name);
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .map_err(HarnessError::io("open", path))
}

fn keeper(dir: &Path, afterwards: Afterwards) -> Command {
    let word = if afterwards == Afterwards::Keep { "keep" } else { "discard" };
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", KEEPER, "keeper"]).arg(dir).arg(word).env("PATH", HOST_PATH);
    command
}

/// Where the keeper and the services find the host's programs, whatever the test's own `PATH` is.
pub(crate) const HOST_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

fn spawn_keeper(dir: &Path, afterwards: Afterwards) -> Result<(), HarnessError> {
    keeper(dir, afterwards)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .map_err(HarnessError::io("start", "setsid"))
}

#[cfg(test)]
mod tests;
