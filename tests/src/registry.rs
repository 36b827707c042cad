//! An image registry on loopback, shared like the engines and ended with its last user.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::engine::{Body, Engine};
use crate::error::{HarnessError, chain, fail};
use crate::image::{Image, query};
use crate::service::{Afterwards, HOST_PATH, Launch, Service};
use crate::{debian, place};

/// A registry in use.
#[derive(Debug)]
pub struct Registry {
    address: String,
    service: Service,
}

impl Registry {
    /// The registry that all tests of this checkout share: joined where it runs, else started.
    ///
    /// # Errors
    /// When Debian's package is missing and cannot be installed, or it does not come up.
    pub fn shared() -> Result<Registry, HarnessError> {
        debian::require(&[debian::REGISTRY])?;
        let dir = place::beneath_target("engines/shared")?.join("registry");
        let service = Service::join("registry", &dir, Afterwards::Keep, &RegistryLaunch)?;
        let address = address(&dir).ok_or_else(|| HarnessError::NoAnswer {
            service: "registry".to_owned(),
            tail: crate::program::tail_of_file(&dir.join("log"), 15),
        })?;
        Ok(Registry { address, service })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Sees to it that the registry offers `image` as `name`, pushed by way of `engine`, which does not keep it under
    /// that name. Gives the reference to pull.
    ///
    /// # Errors
    /// When the image cannot be made or pushed.
    pub fn offer(&self, image: Image, name: &str, engine: &Engine) -> Result<String, HarnessError> {
        let local = image.on(engine)?;
        let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
        let repository = format!("{}/{repository}", self.address);
        let api = engine.api();
        let tagging = format!("/images/{local}/tag?repo={}&tag={tag}", query(&repository));
        api.post(&tagging, Body::Empty)?;
        let reference = format!("{repository}:{tag}");
        let pushed = api.post(&format!("/images/{repository}/push?tag={tag}"), Body::Empty);
        let removed = api.delete(&format!("/images/{reference}?noprune=true"));
        pushed.and(removed).map(|_: Value| reference)
    }

    /// Lets go of the registry and waits until it has ended.
    ///
    /// # Errors
    /// When somebody else uses it, or it does not end.
    pub fn end(self) -> Result<(), HarnessError> {
        self.service.end()
    }
}

/// The shared registry for as long as this test process lives.
///
/// # Panics
/// When it cannot be brought up.
#[must_use]
pub fn for_tests() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| match Registry::shared() {
        Ok(registry) => registry,
        Err(error) => fail(format_args!("no registry to test on: {}", chain(&error))),
    })
}

struct RegistryLaunch;

impl Launch for RegistryLaunch {
    fn command(&self, dir: &Path) -> Result<Command, HarnessError> {
        let settings = dir.join("config.yml");
        let content = format!(
            "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {}\n  delete:\n    enabled: true\n\
             http:\n  addr: 127.0.0.1:0\n  secret: for-tests-only\n",
            dir.join("data").display()
        );
        std::fs::write(&settings, content).map_err(HarnessError::io("write", &settings))?;
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(settings).env_clear().env("PATH", HOST_PATH);
        Ok(command)
    }

    fn answers(&self, dir: &Path) -> bool {
        address(dir).is_some_and(|address| std::net::TcpStream::connect(address).is_ok())
    }
}

/// The address that the system chose for the registry, from its log.
fn address(dir: &Path) -> Option<String> {
    let log = std::fs::read_to_string(dir.join("log")).ok()?;
    let port = log.split_once("listening on 127.0.0.1:")?.1;
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("127.0.0.1:{port}"))
}
