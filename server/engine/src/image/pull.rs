//! Fetching an image: a stream of progress per layer, in which errors come too.
//!
//! Sent by this crate: bollard writes registry credentials in the alphabet of plain base64, and engines decode the
//! URL-safe one.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{HeaderValue, Method};
use serde::Deserialize;

use super::credentials::{self, Reference};
use super::on;
use crate::error::pull_failure;
use crate::lines::lines;
use crate::text::escaped;
use crate::wire::{message_of, request};
use crate::{Engine, EngineError, EngineStream};

/// An image to fetch.
#[derive(Clone, Default)]
pub struct PullRequest {
    /// Its reference; without tag and digest `latest` is meant.
    pub image: String,
    /// `os/arch/variant`; the engine's own when absent.
    pub platform: Option<String>,
    /// The client's environment, for its credentials: `DOCKER_CONFIG`, `HOME`, and for credential helpers all of it.
    pub environment: BTreeMap<String, String>,
}

impl std::fmt::Debug for PullRequest {
    /// The environment may hold secrets, so it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PullRequest")
            .field("image", &self.image)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// One step of a pull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The layer, or the tag for what concerns all of the image; empty for closing remarks.
    pub id: String,
    /// What happens to it, such as `Downloading`, `Extracting`, `Pull complete`.
    pub status: String,
    /// Bytes (for some engines' extraction: seconds) done.
    pub current: Option<u64>,
    /// Bytes in all.
    pub total: Option<u64>,
}

/// A line as engines send it.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: String,
    #[serde(default)]
    status: String,
    #[serde(default, rename = "progressDetail")]
    detail: Option<Detail>,
    #[serde(default)]
    error: Option<String>,
    /// What Podman has as `status`.
    #[serde(default)]
    stream: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    current: Option<i64>,
    total: Option<i64>,
}

impl Engine {
    /// Fetches an image from its registry, with the client's credentials where it has some.
    ///
    /// The stream ends without an error when the image is there. Dropping it cancels the pull.
    ///
    /// # Errors
    /// In the stream: [`EngineError::ImageNotFound`], [`EngineError::RegistryUnreachable`],
    /// [`EngineError::AuthRequired`], [`EngineError::InvalidParameter`], [`EngineError::Unavailable`].
    #[must_use]
    pub fn pull_image(&self, pull: &PullRequest) -> EngineStream<PullProgress> {
        let (engine, pull) = (self.clone(), pull.clone());
        Box::pin(futures_util::stream::once(async move { engine.start_pull(&pull).await }).try_flatten())
    }

    async fn start_pull(&self, pull: &PullRequest) -> Result<EngineStream<PullProgress>, EngineError> {
        let action = on("pull", &pull.image)?;
        let reference = Reference::parse(&pull.image);
        let mut query = vec![("fromImage", reference.name), ("tag", reference.tag_or_digest)];
        query.extend(pull.platform.as_deref().map(|platform| ("platform", platform)));
        let mut request = request(Method::POST, "/images/create", &query)?;
        match credentials::find(&pull.environment, reference.registry).await {
            Ok(None) => {}
            Ok(Some(credentials)) => {
                let mut value =
                    HeaderValue::from_str(&credentials.header()).map_err(|error| action.malformed(error))?;
                value.set_sensitive(true);
                request.headers_mut().insert("X-Registry-Auth", value);
            }
            // Most images need none: go on, and if this one does the engine's answer says so.
            Err(why) => tracing::warn!(image = pull.image, why, "no credentials for the registry"),
        }
        let response = self.wire.send(request).await?;
        let status = response.status();
        if !status.is_success() {
            let message = message_of(response.into_body()).await;
            return Err(pull_failure(&pull.image, Some(status.as_u16()), &message));
        }
        let image = pull.image.clone();
        let broken = self.wire.unavailable("the answer broke off");
        let body = http_body_util::BodyExt::into_data_stream(response.into_body());
        let body = body.map_err(move |_| broken.clone());
        Ok(Box::pin(lines(body).map(move |line| progress(&image, &line?))))
    }
}

/// One line of the answer, as progress or as the error that it tells.
fn progress(image: &str, line: &[u8]) -> Result<PullProgress, EngineError> {
    let line: Line = serde_json::from_slice(line).map_err(|error| EngineError::Malformed {
        what: format!("pull image {image}"),
        message: error.to_string(),
    })?;
    if let Some(message) = line.error {
        return Err(pull_failure(image, None, &message));
    }
    let detail = line.detail.unwrap_or_default();
    let count = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let status = if line.status.is_empty() { line.stream } else { line.status };
    Ok(PullProgress {
        id: escaped(&line.id),
        status: escaped(&status),
        current: count(detail.current),
        total: count(detail.total).filter(|total| *total > 0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_each_engine() {
        let line = br#"{"status":"Downloading","progressDetail":{"current":5,"total":9},"progress":"[>]","id":"ab"}"#;
        let expected =
            PullProgress { id: "ab".into(), status: "Downloading".into(), current: Some(5), total: Some(9) };
        assert_eq!(progress("x", line), Ok(expected));
        let line = br#"{"status":"Pulling fs layer","progressDetail":{},"id":"ab"}"#;
        assert_eq!(progress("x", line).unwrap().total, None);
        assert_eq!(progress("x", br#"{"stream":"Trying to pull x"}"#).unwrap().status, "Trying to pull x");
    }

    #[test]
    fn an_error_within_the_stream_has_its_kind() {
        let line = br#"{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}"#;
        assert!(matches!(progress("x", line), Err(EngineError::ImageNotFound { .. })));
        assert!(matches!(progress("x", b"nonsense"), Err(EngineError::Malformed { .. })));
    }
}
