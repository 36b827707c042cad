//! Getting images, with progress layer by layer.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use gangplank_engine::Engine;
use gangplank_engine::image::{ImageDetails, PullRequest};
use gangplank_protocol::ErrorData;
use gangplank_protocol::image::ImagePullResult;

use crate::failure;
use crate::operation::Reporter;

/// Gets an image from its registry as the step `pull`. `environment` is the client's: it leads to credentials.
///
/// # Errors
/// `imageNotFound`, `registryUnreachable`, `authenticationRequired`, `engineUnavailable`.
pub async fn pull(
    engine: &Engine,
    reporter: &Reporter,
    image: &str,
    platform: Option<String>,
    environment: BTreeMap<String, String>,
) -> Result<ImagePullResult, ErrorData> {
    let step = reporter.begin("pull", format!("Pull {image}"));
    let before = engine.inspect_image(image).await.ok().map(|image| image.id);
    let request = PullRequest { image: image.to_owned(), platform, environment };
    let pulled = async {
        let mut progress = engine.pull_image(&request);
        while let Some(layer) = progress.next().await {
            let layer = layer.map_err(failure::from_engine)?;
            step.progress(&layer.id, &layer.status, layer.current, layer.total);
        }
        let id = engine.inspect_image(image).await.map_err(failure::from_engine)?.id;
        Ok(ImagePullResult { image: image.to_owned(), changed: before.as_deref() != Some(&id), id })
    }
    .await;
    step.end(pulled)
}

/// Gets an image unless the engine has it, and tells what it is.
///
/// # Errors
/// As [`pull`].
pub async fn ensure(
    engine: &Engine,
    reporter: &Reporter,
    image: &str,
    platform: Option<String>,
    environment: BTreeMap<String, String>,
) -> Result<ImageDetails, ErrorData> {
    match engine.inspect_image(image).await {
        Ok(details) => Ok(details),
        Err(error) if error.is_not_found() => {
            pull(engine, reporter, image, platform, environment).await?;
            engine.inspect_image(image).await.map_err(failure::from_engine)
        }
        Err(error) => Err(failure::from_engine(error)),
    }
}
