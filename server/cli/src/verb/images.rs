//! `images`, `pull` and `rmi`.

use gangplank_protocol::catalogue::{ImageList, ImagePull, ImageRemove};
use gangplank_protocol::image::{
    ImageListParams, ImagePullParams, ImagePullResult, ImageRemoveParams, ImageSummary,
};

use super::{DONE, Outcome};
use crate::args::Format;
use crate::args::image::{Images, Pull, Rmi};
use crate::context::{Context, request_key};
use crate::operation;
use crate::render::progress::{Progress, Wanted};
use crate::render::table::{Table, short_id};
use crate::render::{escape, human};

pub(super) async fn list(context: &Context, verb: &Images) -> Outcome {
    let client = context.client().await?;
    let mut images = client.call::<ImageList>(&ImageListParams::default()).await?.images;
    if let Some(name) = &verb.name {
        for image in &mut images {
            image.tags.retain(|tag| tag == name || split(tag).0 == name);
        }
        images.retain(|image| !image.tags.is_empty());
    }
    let now = human::now();
    context.screen.list(context.format(), &images, |images| images_text(images, verb, now))?;
    DONE
}

fn images_text(images: &[ImageSummary], verb: &Images, now: u64) -> String {
    let id =
        |image: &ImageSummary| if verb.no_trunc { image.id.clone() } else { short_id(&image.id).to_owned() };
    if verb.quiet {
        return images.iter().map(|image| format!("{}\n", escape::line(&id(image)))).collect();
    }
    let mut table = Table::new(&["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
    for image in images {
        let names: Vec<(&str, &str)> = match image.tags.as_slice() {
            [] => vec![("<none>", "<none>")],
            tags => tags.iter().map(|tag| split(tag)).collect(),
        };
        for (repository, tag) in names {
            let created = human::ago(image.created_at, now);
            table.row([repository, tag, &id(image), &created, &human::size(image.size)]);
        }
    }
    table.print()
}

/// Repository and tag of a name; the colon of a registry's port belongs to the repository.
fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "<none>"),
    }
}

pub(super) async fn pull(context: &Context, verb: &Pull) -> Outcome {
    let client = context.client().await?;
    let params = ImagePullParams {
        engine: None,
        image: verb.image.clone(),
        platform: verb.platform.clone(),
        request_key: request_key(),
    };
    let started = client.call::<ImagePull>(&params).await?;
    let wanted = if context.format() == Format::Ndjson { Wanted::Answer } else { Wanted::People };
    let mut screen = context.screen;
    screen.style.progress &= !verb.quiet;
    let progress = Progress::new(screen, context.called_as, wanted);
    let pulled: ImagePullResult = operation::finish(&client, &screen, progress, &started).await?;
    context.screen.value(context.format(), &pulled, |pulled| format!("{}\n", escape::line(&pulled.image)))?;
    DONE
}

pub(super) async fn remove(context: &Context, verb: &Rmi) -> Outcome {
    let client = context.client().await?;
    for image in &verb.images {
        let params = ImageRemoveParams {
            engine: None,
            image: image.clone(),
            force: verb.force,
            request_key: request_key(),
        };
        let removed = client.call::<ImageRemove>(&params).await?;
        context.screen.value(context.format(), &removed, |removed| {
            let untagged = removed.untagged.iter().map(|name| format!("Untagged: {}\n", escape::line(name)));
            untagged
                .chain(removed.deleted.iter().map(|id| format!("Deleted: {}\n", escape::line(id))))
                .collect()
        })?;
    }
    DONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_an_image_has_a_row() {
        let image = ImageSummary {
            id: "sha256:0123456789abcdef".into(),
            tags: vec!["python:3".into(), "localhost:5000/a/b:x".into()],
            digests: vec![],
            created_at: 0,
            size: 118_000_000,
        };
        let nameless = ImageSummary { tags: vec![], ..image.clone() };
        let verb = Images { quiet: false, no_trunc: false, name: None };
        assert_eq!(
            images_text(&[image, nameless], &verb, 180_000),
            "REPOSITORY           TAG      IMAGE ID       CREATED         SIZE\n\
             python               3        0123456789ab   3 minutes ago   118MB\n\
             localhost:5000/a/b   x        0123456789ab   3 minutes ago   118MB\n\
             <none>               <none>   0123456789ab   3 minutes ago   118MB\n"
        );
    }
}
