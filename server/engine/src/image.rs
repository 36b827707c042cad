//! Images: list, inspect, remove, and (in `pull`) fetch from registries.

mod credentials;
mod pull;

use std::collections::BTreeMap;

use bollard::models as api;
use bollard::query_parameters as query;

pub use pull::{PullProgress, PullRequest};

use crate::error::Action;
use crate::wire::on_engine;
use crate::{Engine, EngineError, ObjectKind, reference};

/// An image in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSummary {
    /// Its id.
    pub id: String,
    /// Its `name:tag`s.
    pub tags: Vec<String>,
    /// Its `name@digest`s.
    pub digests: Vec<String>,
    /// When it was made, in seconds since the epoch.
    pub created: i64,
    /// Its size in bytes; what it shares with others is included.
    pub size: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

/// Everything about an image that this project uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageDetails {
    /// Its id.
    pub id: String,
    /// Its `name:tag`s.
    pub tags: Vec<String>,
    /// Its `name@digest`s.
    pub digests: Vec<String>,
    /// When it was made; the engine's exact text, RFC 3339, or empty.
    pub created: String,
    /// Its size in bytes.
    pub size: i64,
    /// The user; empty is root.
    pub user: String,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// The entrypoint.
    pub entrypoint: Vec<String>,
    /// The command.
    pub cmd: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The working directory.
    pub working_dir: String,
    /// The ports it exposes, each `port/protocol`.
    pub exposed_ports: Vec<String>,
    /// The architecture as Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// The variant of the architecture, such as `v8`, or empty.
    pub variant: String,
    /// The operating system: `linux`.
    pub os: String,
}

/// What removing an image did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemovedImage {
    /// References that are gone.
    pub untagged: Vec<String>,
    /// Ids of what is gone.
    pub deleted: Vec<String>,
}

/// Listings asked for before one that images are removed under is given up.
const MOST_LISTINGS: u32 = 10;

fn on(verb: &'static str, image: &str) -> Result<Action, EngineError> {
    let action = Action::new(verb, ObjectKind::Image, image);
    reference::check_image(&action)?;
    Ok(action)
}

impl Engine {
    /// Lists the images, without intermediate ones.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Timeout`].
    pub async fn list_images(&self) -> Result<Vec<ImageSummary>, EngineError> {
        let action = on_engine("list the images of the");
        let mut attempts = MOST_LISTINGS;
        loop {
            let options = None::<query::ListImagesOptions>;
            attempts -= 1;
            match self.call(&action, |docker| async move { docker.list_images(options).await }).await {
                // An image that is removed while the containerd store lists it; the list itself cannot be missing.
                Err(EngineError::NotFound { .. }) if attempts > 0 => {}
                list => return Ok(list?.into_iter().map(summary).collect()),
            }
        }
    }

    /// Everything about one image, by reference or id.
    ///
    /// # Errors
    /// [`EngineError::ImageNotFound`], [`EngineError::InvalidParameter`], [`EngineError::Unavailable`].
    pub async fn inspect_image(&self, image: &str) -> Result<ImageDetails, EngineError> {
        let action = on("inspect", image)?;
        self.call(&action, |docker| async move { docker.inspect_image(image).await })
            .await
            .map(details)
            .map_err(|error| missing(error, image))
    }

    /// Removes a reference, and the image with its last one. `force` removes it even if stopped containers use it.
    ///
    /// # Errors
    /// [`EngineError::ImageNotFound`], [`EngineError::Conflict`] when it is in use.
    pub async fn remove_image(&self, image: &str, force: bool) -> Result<RemovedImage, EngineError> {
        let action = on("remove", image)?;
        let options = query::RemoveImageOptions { force, ..Default::default() };
        let items = self
            .call(&action, |docker| async move { docker.remove_image(image, Some(options), None).await })
            .await
            .map_err(|error| missing(error, image))?;
        let mut removed = RemovedImage::default();
        for item in items {
            removed.untagged.extend(item.untagged);
            removed.deleted.extend(item.deleted);
        }
        Ok(removed)
    }
}

/// Engines word a missing image differently; for callers it is one kind.
fn missing(error: EngineError, image: &str) -> EngineError {
    match error {
        EngineError::NotFound { kind: ObjectKind::Image, .. } => EngineError::ImageNotFound {
            image: image.to_owned(),
            message: "it is not on this engine".to_owned(),
        },
        other => other,
    }
}

/// A list without the placeholder that engines put where there is no tag or digest.
fn named(references: Vec<String>) -> Vec<String> {
    references.into_iter().filter(|reference| !reference.contains("<none>")).collect()
}

fn summary(image: api::ImageSummary) -> ImageSummary {
    ImageSummary {
        id: image.id,
        tags: named(image.repo_tags),
        digests: named(image.repo_digests),
        created: image.created,
        size: image.size,
        labels: image.labels.into_iter().collect(),
    }
}

fn details(image: api::ImageInspect) -> ImageDetails {
    let config = image.config.unwrap_or_default();
    ImageDetails {
        id: image.id.unwrap_or_default(),
        tags: named(image.repo_tags.unwrap_or_default()),
        digests: named(image.repo_digests.unwrap_or_default()),
        created: image.created.unwrap_or_default(),
        size: image.size.unwrap_or_default(),
        user: config.user.unwrap_or_default(),
        env: config.env.unwrap_or_default(),
        entrypoint: config.entrypoint.unwrap_or_default(),
        cmd: config.cmd.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        working_dir: config.working_dir.unwrap_or_default(),
        exposed_ports: config.exposed_ports.unwrap_or_default(),
        architecture: image.architecture.unwrap_or_default(),
        variant: image.variant.unwrap_or_default(),
        os: image.os.unwrap_or_default(),
    }
}
