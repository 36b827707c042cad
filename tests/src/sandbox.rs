//! The program under test, alone: a home, a runtime directory, state, settings and cache of its own, so that each
//! test has its own daemon.
//!
//! Dropping a sandbox asks its daemon to stop, ends what still runs in its environment, and removes the containers,
//! volumes and networks that carry its name, label or folder, whether the test passed or not.

mod cleanup;
mod invocation;
mod output;
mod rpc;
mod terminal;

use std::path::{Path, PathBuf};

use crate::engine::{Api, Engine};
use crate::error::{HarnessError, chain, fail};
use crate::place;
pub use invocation::Invocation;
pub use output::Output;
pub use rpc::Rpc;
pub use terminal::Terminal;

/// The label by which a test marks containers that it makes behind the product's back; its value is
/// [`Sandbox::unique`].
pub const LABEL: &str = "dev.gangplank.test";

/// The environment variable with the `gangplank` to test; without it the harness builds the current one.
pub const BINARY_VARIABLE: &str = "GANGPLANK_TEST_BINARY";

/// A user of `gangplank` who shares nothing with any other.
#[derive(Debug)]
pub struct Sandbox {
    place: tempfile::TempDir,
    unique: String,
    binary: PathBuf,
    host: String,
    engines: Vec<Api>,
}

impl Sandbox {
    /// A sandbox whose environment names `engine`.
    ///
    /// # Panics
    /// When its folders cannot be made or `gangplank` cannot be built: its test fails.
    #[must_use]
    pub fn on(engine: &Engine) -> Sandbox {
        Sandbox::make(engine.host(), vec![engine.api()]).unwrap_or_else(|error| fail(chain(&error)))
    }

    /// A sandbox for an engine at this address (as `DOCKER_HOST` has it) that the harness did not start.
    ///
    /// # Panics
    /// As [`Sandbox::on`].
    #[must_use]
    pub fn at(host: &str) -> Sandbox {
        let engines = host.strip_prefix("unix://").map(Api::on).into_iter().collect();
        Sandbox::make(host.to_owned(), engines).unwrap_or_else(|error| fail(chain(&error)))
    }

    /// Has this sandbox clean up on a second engine too.
    pub fn also_uses(&mut self, engine: &Engine) {
        self.engines.push(engine.api());
    }

    fn make(host: String, engines: Vec<Api>) -> Result<Sandbox, HarnessError> {
        // short: a Unix socket's path ends at 107 bytes
        let place = tempfile::Builder::new()
            .prefix("gp-")
            .tempdir()
            .map_err(HarnessError::io("make", "a temporary folder"))?;
        let name = place.path().file_name().unwrap_or_default().to_string_lossy();
        // lower case: engines refuse anything else in the names of images
        let unique = format!("{}-{}", name.to_lowercase(), std::process::id());
        let sandbox = Sandbox { unique, binary: binary()?.to_owned(), host, engines, place };
        for dir in ["home", "run", "state", "config", "cache", "data", "work"] {
            let dir = sandbox.path(dir);
            std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
                .create(&dir)
                .map_err(HarnessError::io("make the folder", dir))?;
        }
        Ok(sandbox)
    }

    /// A name that nothing else has: the beginning of the names of all that a test makes on the engine.
    #[must_use]
    pub fn unique(&self) -> &str {
        &self.unique
    }

    /// `<unique>-<name>`.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.unique)
    }

    /// A path in the sandbox. `home`, `run`, `state`, `config`, `cache`, `data` are what the environment names;
    /// `work` is where commands run.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.place.path().join(name)
    }

    /// Writes a file beneath `work`, with the folders above it, and gives its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.path("work").join(path);
        let written = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = written.and_then(|()| std::fs::write(&file, content));
        assert!(written.is_ok(), "cannot write {}: {written:?}", file.display());
        file
    }

    /// A workspace folder beneath `work` with this `devcontainer.json`.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn workspace(&self, folder: &str, devcontainer_json: &str) -> PathBuf {
        self.write(Path::new(folder).join(".devcontainer/devcontainer.json"), devcontainer_json);
        self.path("work").join(folder)
    }

    /// `gangplank` with these arguments, in the folder `work`, not run yet.
    #[must_use]
    pub fn gangplank<I>(&self, arguments: I) -> Invocation
    where
        I: IntoIterator,
        I::Item: AsRef<std::ffi::OsStr>,
    {
        Invocation::new(self, arguments)
    }

    /// The variables that make the sandbox, the whole environment of its commands.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let at = |name: &str| self.path(name).display().to_string();
        vec![
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("HOME", at("home")),
            ("XDG_RUNTIME_DIR", at("run")),
            ("XDG_STATE_HOME", at("state")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_CACHE_HOME", at("cache")),
            ("XDG_DATA_HOME", at("data")),
            ("DOCKER_HOST", self.host.clone()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
        ]
    }

    /// A connection to the daemon, which is started where it does not run.
    ///
    /// # Panics
    /// When it cannot be had.
    #[must_use]
    pub fn rpc(&self) -> Rpc {
        Rpc::open(self)
    }

    /// What the daemon says of itself where clients find it; `None` when none runs.
    #[must_use]
    pub fn daemon(&self) -> Option<serde_json::Value> {
        let text = std::fs::read_to_string(self.path("state").join("gangplank/daemon.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// The same, waited for.
    ///
    /// # Panics
    /// When none comes within a minute.
    #[must_use]
    pub fn await_daemon(&self) -> serde_json::Value {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            if let Some(daemon) = self.daemon() {
                return daemon;
            }
            assert!(std::time::Instant::now() < end, "no daemon came");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// By what the volumes of this sandbox's daemons are told from others'; `None` before there was any.
    #[must_use]
    pub fn installation(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.path("state").join("gangplank/agent.json")).ok()?;
        let kept: serde_json::Value = serde_json::from_str(&text).ok()?;
        kept["content"]["installation"].as_str().map(str::to_owned)
    }

    /// The ids of the processes that run in this sandbox's environment: its daemon, and commands not ended.
    #[must_use]
    pub fn processes(&self) -> Vec<crate::process::Process> {
        cleanup::processes_with(&format!("XDG_RUNTIME_DIR={}", self.path("run").display()))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        cleanup::clean_up(self);
    }
}

/// The `gangplank` to test, built once per test process where no variable names it.
///
/// # Errors
/// When it does not build.
pub fn binary() -> Result<&'static Path, HarnessError> {
    static BINARY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    if let Some(binary) = BINARY.get() {
        return Ok(binary);
    }
    let found = match std::env::var_os(BINARY_VARIABLE) {
        Some(named) => PathBuf::from(named),
        None => {
            let mut build = std::process::Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--package", "gangplank-cli"]).current_dir(place::repository());
            crate::program::run(&mut build)?;
            place::target().join("debug/gangplank")
        }
    };
    Ok(BINARY.get_or_init(|| found))
}
