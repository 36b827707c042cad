//! `image/*`.

use gangplank_engine::{EngineError, ObjectKind};
use gangplank_protocol::catalogue::{ImageList, ImagePull, ImageRemove};
use gangplank_protocol::image::{ImageListResult, ImageRemoveResult, ImageSummary};
use gangplank_protocol::operation::OperationKind;
use jsonrpsee::core::RegisterMethodError;

use super::Router;
use crate::engines::wire_id;
use crate::{failure, image};

pub(super) fn register(router: &mut Router) -> Result<(), RegisterMethodError> {
    router.method::<ImageList, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let images = engine.list_images().await.map_err(failure::from_engine)?;
        let positive = |number: i64| u64::try_from(number).unwrap_or(0);
        let mut images: Vec<ImageSummary> = images
            .into_iter()
            .map(|image| ImageSummary {
                id: image.id,
                tags: image.tags,
                digests: image.digests,
                created_at: positive(image.created).saturating_mul(1000),
                size: positive(image.size),
            })
            .collect();
        images.sort_by_key(|image| std::cmp::Reverse(image.created_at));
        Ok(ImageListResult { engine: wire_id(&engine), images })
    })?;
    router.method::<ImagePull, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (operations, asked, key) =
            (call.daemon.operations.clone(), params.clone(), params.request_key.clone());
        let environment = call.connection.environment();
        call.once::<ImagePull>(key, &params, async move {
            let subject = asked.image.clone();
            Ok(operations.begin(OperationKind::ImagePull, subject, move |reporter| async move {
                reporter.engine(&wire_id(&engine));
                image::pull(&engine, &reporter, &asked.image, asked.platform, environment).await
            }))
        })
        .await
    })?;
    router.method::<ImageRemove, _, _>(|call, params| async move {
        let engine = call.daemon.engines.find(&call.connection, params.engine.as_ref()).await?;
        let (image, force) = (params.image.clone(), params.force);
        call.once::<ImageRemove>(params.request_key.clone(), &params, async move {
            let removed = engine.remove_image(&image, force).await.map_err(|error| {
                failure::from_engine(match error {
                    // No registry was asked, so nothing about one can help.
                    EngineError::ImageNotFound { image, .. } => {
                        EngineError::NotFound { kind: ObjectKind::Image, name: image }
                    }
                    error => error,
                })
            })?;
            Ok(ImageRemoveResult { untagged: removed.untagged, deleted: removed.deleted })
        })
        .await
    })
}
