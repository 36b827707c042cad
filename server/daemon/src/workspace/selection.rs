//! From what a request names to a folder and its configuration file: the file system is looked at, nothing of the
//! repository runs. Paths stay as they were given (only made normal), since the container's labels hold them so.

use std::path::Path;

use gangplank_devcontainer::discovery::{self, Choice};
use gangplank_devcontainer::identity::{self, Labels};
use gangplank_devcontainer::offer::{self, Offer};
use gangplank_devcontainer::paths::HostPath;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::workspace::{ConfigurationOffer, WorkspaceSelector};
use gangplank_protocol::{ErrorData, ErrorKind};

/// Entries of a folder that are looked at to offer an image.
const MOST_NAMES: usize = 2000;

/// A folder that a request names.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The folder, as the container's label has it.
    pub folder: HostPath,
    /// The same with links followed: consent is kept by it.
    pub canonical: HostPath,
    /// Every configuration found, absolute, in the specification's order.
    pub configurations: Vec<String>,
    /// The configuration to use; `None` when there is none, or several and none was chosen.
    pub configuration: Option<HostPath>,
    /// The file whose text stands in for the configuration's.
    pub override_config: Option<HostPath>,
    id_labels: Vec<(String, String)>,
}

impl Selection {
    /// Looks at the folder that `selector` names.
    ///
    /// # Errors
    /// `invalidParams` for a path that is not absolute or a label without a name, `notFound` for a folder or
    /// configuration file that is not there.
    pub fn look(selector: &WorkspaceSelector) -> Result<Self, ErrorData> {
        let folder = selector.workspace_folder.as_deref().ok_or_else(|| {
            ErrorData::new(ErrorKind::InvalidParams, "no workspace folder is named")
                .hint("give `workspaceFolder`")
        })?;
        let folder = absolute(folder)?;
        let canonical = std::fs::canonicalize(folder.as_str())
            .ok()
            .filter(|path| path.is_dir())
            .and_then(|path| HostPath::new(path.to_str()?).ok())
            .ok_or_else(|| ErrorData::new(ErrorKind::NotFound, format!("there is no folder {folder}")))?;
        let configurations = configurations_in(&folder);
        let configuration = match &selector.config {
            Some(config) => Some(given_configuration(config, selector.override_config.is_some())?),
            None => match discovery::choose(&configurations) {
                Choice::Use(path) => Some(folder.join(path)),
                Choice::None | Choice::Ask(_) => None,
            },
        };
        let override_config = selector.override_config.as_deref().map(absolute).transpose()?;
        let configuration = match (configuration, &override_config) {
            // As the reference: the override then stands where the usual file would.
            (None, Some(_)) if configurations.is_empty() => Some(folder.join(&discovery::candidates([])[0])),
            (configuration, _) => configuration,
        };
        Ok(Self {
            configurations: configurations.iter().map(|path| folder.join(path).to_string()).collect(),
            folder,
            canonical,
            configuration,
            override_config,
            id_labels: id_labels(&selector.id_labels)?,
        })
    }

    /// The labels that tell its container apart, for the configuration to use.
    pub fn labels(&self, configuration: &HostPath) -> Labels {
        if self.id_labels.is_empty() {
            identity::id_labels(&self.folder, configuration)
        } else {
            self.id_labels.iter().cloned().collect()
        }
    }

    /// Why there is no configuration to use.
    pub fn without_configuration(&self) -> ErrorData {
        if self.configurations.is_empty() {
            ErrorData::new(
                ErrorKind::ConfigurationNotFound,
                format!("{} has no dev container configuration", self.folder),
            )
            .hint("add .devcontainer/devcontainer.json, for example with one of the images offered")
            .details(ErrorDetails::Offers { offers: self.offers() })
        } else {
            ErrorData::new(
                ErrorKind::ConfigurationAmbiguous,
                format!("{} has several dev container configurations", self.folder),
            )
            .hint("say which one with --config")
            .details(ErrorDetails::Configurations { configurations: self.configurations.clone() })
        }
    }

    /// Images that suit the folder, best first.
    pub fn offers(&self) -> Vec<ConfigurationOffer> {
        offers_of(&self.canonical).iter().map(wire_offer).collect()
    }

    /// The text of a configuration with the image of the offer of this id.
    pub fn render_offer(&self, id: &str) -> Option<String> {
        let offer = offers_of(&self.canonical).into_iter().find(|offer| wire_offer(offer).id == id)?;
        Some(offer::render(self.folder.basename(), &offer.image))
    }
}

fn offers_of(folder: &HostPath) -> Vec<Offer> {
    let names: Vec<String> = std::fs::read_dir(folder.as_str())
        .into_iter()
        .flatten()
        .flatten()
        .take(MOST_NAMES)
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    offer::offers(names.iter().map(String::as_str))
}

fn wire_offer(offer: &Offer) -> ConfigurationOffer {
    ConfigurationOffer {
        id: offer.title.to_lowercase().split_whitespace().next().unwrap_or_default().to_owned(),
        title: offer.title.clone(),
        image: offer.image.clone(),
        reason: match &offer.because {
            Some(file) => format!("the folder has {file}"),
            None => "it suits any folder".into(),
        },
    }
}

fn absolute(path: &str) -> Result<HostPath, ErrorData> {
    HostPath::new(path).map_err(|e| {
        ErrorData::new(ErrorKind::InvalidParams, e.to_string())
            .hint("clients make paths absolute before they send them")
    })
}

fn given_configuration(path: &str, overridden: bool) -> Result<HostPath, ErrorData> {
    let path = absolute(path)?;
    if !discovery::is_config_file(&path) {
        return Err(ErrorData::new(
            ErrorKind::InvalidParams,
            format!("{path} is not named devcontainer.json or .devcontainer.json"),
        ));
    }
    if !overridden && !Path::new(path.as_str()).is_file() {
        return Err(ErrorData::new(ErrorKind::ConfigurationNotFound, format!("there is no file {path}")));
    }
    Ok(path)
}

/// Existing configurations, relative to the folder.
fn configurations_in(folder: &HostPath) -> Vec<String> {
    let sub_folders: Vec<String> = std::fs::read_dir(folder.join(discovery::FOLDER).as_str())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    discovery::candidates(sub_folders.iter().map(String::as_str))
        .into_iter()
        .filter(|path| Path::new(folder.join(path).as_str()).is_file())
        .collect()
}

/// `name=value` each, as `--id-label`.
pub(super) fn id_labels(labels: &[String]) -> Result<Vec<(String, String)>, ErrorData> {
    labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok((name.to_owned(), value.to_owned()))
            }
            _ => Err(ErrorData::new(
                ErrorKind::InvalidParams,
                format!("the id label {label:?} is not of the form name=value"),
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(folder: &Path) -> WorkspaceSelector {
        WorkspaceSelector {
            workspace_folder: Some(folder.display().to_string()),
            ..WorkspaceSelector::default()
        }
    }

    fn write(folder: &Path, path: &str) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "{}").unwrap();
    }

    #[test]
    fn one_configuration_is_used_several_are_a_question_none_is_an_offer() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "main.py");
        let none = Selection::look(&selector(folder.path())).unwrap();
        assert_eq!(none.without_configuration().kind, ErrorKind::ConfigurationNotFound);
        assert_eq!(none.offers()[0].id, "python");
        assert!(none.render_offer("python").unwrap().contains(&none.offers()[0].image));

        write(folder.path(), ".devcontainer/a/devcontainer.json");
        write(folder.path(), ".devcontainer/b/devcontainer.json");
        let several = Selection::look(&selector(folder.path())).unwrap();
        assert_eq!(several.configurations.len(), 2);
        assert_eq!(several.without_configuration().kind, ErrorKind::ConfigurationAmbiguous);

        write(folder.path(), ".devcontainer.json");
        let usual = Selection::look(&selector(folder.path())).unwrap();
        assert!(usual.configuration.unwrap().as_str().ends_with("/.devcontainer.json"));
    }

    #[test]
    fn wrong_names_get_errors_that_say_what_is_wrong() {
        let folder = tempfile::tempdir().unwrap();
        let error = |selector: &WorkspaceSelector| Selection::look(selector).unwrap_err();
        assert_eq!(error(&selector(&folder.path().join("missing"))).kind, ErrorKind::NotFound);
        assert_eq!(error(&selector(Path::new("relative"))).kind, ErrorKind::InvalidParams);
        let config = WorkspaceSelector { config: Some("/x/other.json".into()), ..selector(folder.path()) };
        assert!(error(&config).message.contains("other.json"));
        let labels = WorkspaceSelector { id_labels: vec!["x".into()], ..selector(folder.path()) };
        assert!(error(&labels).message.contains("name=value"));
    }
}
