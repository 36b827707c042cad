//! Images made on this machine, since tests must not depend on a registry elsewhere.
//!
//! Each is a tar archive beneath `target/images`, named by the content of its recipe, and imported into an engine
//! when the engine has not got it; a label on the imported image tells of which recipe it is.

mod recipe;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use crate::engine::{Body, Engine};
use crate::error::HarnessError;
use crate::place;

/// The label that names the recipe of an image.
const RECIPE_LABEL: &str = "dev.gangplank.test.recipe";

/// An image that tests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// A small Debian with Python (`python3` and `python`), `ps`, bash and a user `vscode` (1000).
    Python,
    /// Busybox: `/bin/sh` and the usual commands, users `root` and `app` (1000).
    Busybox,
    /// No shell and no libraries: the one program is `/sleep`.
    Empty,
}

impl Image {
    /// All images.
    pub const ALL: [Image; 3] = [Image::Python, Image::Busybox, Image::Empty];

    /// Its reference on every engine.
    #[must_use]
    pub fn reference(self) -> &'static str {
        match self {
            Image::Python => "gangplank-test/python:3",
            Image::Busybox => "gangplank-test/busybox:1",
            Image::Empty => "gangplank-test/empty:1",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Image::Python => "python",
            Image::Busybox => "busybox",
            Image::Empty => "empty",
        }
    }

    /// The Dockerfile instructions that an import applies.
    fn instructions(self) -> &'static [&'static str] {
        match self {
            Image::Python => &[
                "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "CMD [\"python3\"]",
            ],
            Image::Busybox => &["ENV PATH=/sbin:/bin", "CMD [\"sh\"]"],
            Image::Empty => &["CMD [\"/sleep\", \"1000000\"]"],
        }
    }

    /// The archive of its files, made now where it was not before.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn archive(self) -> Result<PathBuf, HarnessError> {
        let images = place::beneath_target("images")?;
        let archive = images.join(format!("{}-{}.tar", self.name(), self.fingerprint()));
        let lock = images.join(format!("{}.lock", self.name()));
        let turn = File::create(&lock).map_err(HarnessError::io("make", &lock))?;
        turn.lock().map_err(HarnessError::io("lock", &lock))?;
        if !archive.exists() {
            let begun = Instant::now();
            crate::say(format_args!("making the image {}", self.reference()));
            let half_done = archive.with_extension("partial.tar");
            self.recipe().make(&half_done)?;
            std::fs::rename(&half_done, &archive).map_err(HarnessError::io("move into place", &archive))?;
            crate::say(format_args!("made {} in {:.0} s", self.reference(), begun.elapsed().as_secs_f32()));
        }
        Ok(archive)
    }

    /// Sees to it that `engine` has this image, and gives its reference.
    ///
    /// # Errors
    /// When it cannot be made or imported.
    pub fn on(self, engine: &Engine) -> Result<&'static str, HarnessError> {
        self.on_api(&engine.api(), engine.kind().name())
    }

    /// As [`Image::on`], for an engine that is not the harness's.
    ///
    /// # Errors
    /// When it cannot be made or imported.
    pub fn on_api(self, api: &crate::engine::Api, engine: &str) -> Result<&'static str, HarnessError> {
        let known = api.get(&format!("/images/{}/json", self.reference()));
        let fingerprint = self.fingerprint();
        if known.is_ok_and(|image| image["Config"]["Labels"][RECIPE_LABEL] == *fingerprint) {
            return Ok(self.reference());
        }
        let archive = self.archive()?;
        let begun = Instant::now();
        self.import(api, &archive, &fingerprint)?;
        crate::say(format_args!(
            "{} on {engine} after {:.1} s",
            self.reference(),
            begun.elapsed().as_secs_f32()
        ));
        Ok(self.reference())
    }

    fn import(self, api: &crate::engine::Api, archive: &Path, fingerprint: &str) -> Result<(), HarnessError> {
        let (repository, tag) = self.reference().split_once(':').unwrap_or((self.reference(), "latest"));
        let label = format!("LABEL {RECIPE_LABEL}={fingerprint}");
        let changes = self.instructions().iter().copied().chain([label.as_str()]);
        let changes: String = changes.map(|change| format!("&changes={}", query(change))).collect();
        let path = format!("/images/create?fromSrc=-&repo={}&tag={tag}{changes}", query(repository));
        api.post(&path, Body::Tar(archive)).map(drop)
    }

    fn recipe(self) -> recipe::Recipe {
        match self {
            Image::Python => recipe::python(),
            Image::Busybox => recipe::busybox(),
            Image::Empty => recipe::empty(),
        }
    }

    /// What the image is made of, as a short name: another recipe, another fingerprint.
    fn fingerprint(self) -> String {
        let text = format!("{:?} {:?}", self.recipe(), self.instructions());
        Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a reference, as an engine spells it, is one of [`Image::ALL`].
pub(crate) fn is_ours(reference: &str) -> bool {
    let short =
        ["docker.io/", "localhost/"].into_iter().find_map(|registry| reference.strip_prefix(registry));
    Image::ALL.iter().any(|image| image.reference() == short.unwrap_or(reference))
}

/// `text` as the value of a query parameter.
pub(crate) fn query(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
