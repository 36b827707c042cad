//! Volumes, as far as judging and cleaning up need them.

use std::collections::{BTreeMap, HashMap};

use bollard::query_parameters as query;

use crate::error::Action;
use crate::wire::on_engine;
use crate::{Engine, EngineError, ObjectKind, reference};

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Its driver: `local`.
    pub driver: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options of its driver. The driver `local` mounts by them what they name.
    pub options: BTreeMap<String, String>,
}

impl Engine {
    /// Lists the volumes with all of these labels, each `name` or `name=value`.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Timeout`].
    pub async fn list_volumes(&self, labels: &[String]) -> Result<Vec<Volume>, EngineError> {
        let action = on_engine("list the volumes of the");
        let filters = (!labels.is_empty()).then(|| HashMap::from([("label".to_owned(), labels.to_vec())]));
        let options = query::ListVolumesOptions { filters };
        let list =
            self.call(&action, |docker| async move { docker.list_volumes(Some(options)).await }).await?;
        let volumes = list.volumes.unwrap_or_default().into_iter().map(|volume| Volume {
            name: volume.name,
            driver: volume.driver,
            labels: volume.labels.into_iter().collect(),
            options: volume.options.into_iter().collect(),
        });
        Ok(volumes.collect())
    }

    /// Removes a volume; `force` makes one that does not exist no error.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] when a container uses it.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<(), EngineError> {
        let action = Action::new("remove", ObjectKind::Volume, name);
        reference::check_name(&action)?;
        let options = query::RemoveVolumeOptions { force };
        self.call(&action, |docker| async move { docker.remove_volume(name, Some(options)).await }).await
    }
}
