//! A configuration for a folder that has none, with an image that was offered for it.

use gangplank_devcontainer::paths::HostPath;
use gangplank_protocol::workspace::{WorkspaceConfigureParams, WorkspaceConfigureResult};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::{Selection, host_write};

/// Where it is written.
const PLACE: &str = ".devcontainer/devcontainer.json";

/// The text of the configuration for an offer.
///
/// # Errors
/// `invalidParams` for an offer that was not made.
pub(super) fn text_of(selection: &Selection, offer: &str) -> Result<String, ErrorData> {
    selection.render_offer(offer).ok_or_else(|| {
        let made: Vec<String> = selection.offers().into_iter().map(|offer| offer.id).collect();
        ErrorData::new(ErrorKind::InvalidParams, format!("{offer:?} is not one of the offers"))
            .hint(format!("they are {}", made.join(", ")))
    })
}

/// Where the configuration of `selection`'s folder would be.
pub(super) fn place_in(selection: &Selection) -> HostPath {
    selection.folder.join(PLACE)
}

/// Writes a configuration where there is none.
///
/// # Errors
/// `io`, naming what could not be written.
pub(super) fn write(selection: &Selection, text: &str) -> Result<(), ErrorData> {
    host_write::create_new(selection.canonical.as_str(), PLACE, text.as_bytes()).map(drop).map_err(|e| {
        ErrorData::new(ErrorKind::Io, format!("{PLACE} could not be written in {}", selection.folder))
            .caused_by(&e)
    })
}

/// `workspace/configure`.
///
/// # Errors
/// `conflict` when the folder has a configuration, `invalidParams` for an offer that was not made, `notFound`, `io`.
pub fn configure(params: &WorkspaceConfigureParams) -> Result<WorkspaceConfigureResult, ErrorData> {
    let selection = Selection::look(&params.workspace)?;
    if let Some(present) = selection.configurations.first() {
        return Err(ErrorData::new(
            ErrorKind::Conflict,
            format!("{} has a configuration already: {present}", selection.folder),
        )
        .hint("change that one, or remove it first"));
    }
    let text = text_of(&selection, &params.offer)?;
    write(&selection, &text)?;
    Ok(WorkspaceConfigureResult { configuration: place_in(&selection).to_string() })
}

#[cfg(test)]
mod tests {
    use gangplank_protocol::workspace::WorkspaceSelector;

    use super::*;

    #[test]
    fn it_is_written_once_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = WorkspaceSelector {
            workspace_folder: Some(folder.path().display().to_string()),
            ..WorkspaceSelector::default()
        };
        let of = |offer: &str| WorkspaceConfigureParams {
            workspace: workspace.clone(),
            offer: offer.into(),
            request_key: None,
        };
        std::fs::write(folder.path().join("main.py"), "").unwrap();
        let wrong = configure(&of("nothing")).unwrap_err();
        assert!(wrong.hint.unwrap().contains("python"));
        let written = configure(&of("python")).unwrap().configuration;
        assert!(std::fs::read_to_string(&written).unwrap().contains("python"), "{written}");
        assert_eq!(configure(&of("python")).unwrap_err().kind, ErrorKind::Conflict);
    }
}
