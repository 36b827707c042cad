//! Volumes, as far as judging them, filling them and cleaning up need it.

use std::collections::{BTreeMap, HashMap};

use bollard::models as api;
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
    /// When it was made; the engine's exact text, or empty.
    pub created: String,
}

fn on(verb: &'static str, name: &str) -> Result<Action, EngineError> {
    let action = Action::new(verb, ObjectKind::Volume, name);
    reference::check_name(&action)?;
    Ok(action)
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
        Ok(list.volumes.unwrap_or_default().into_iter().map(volume).collect())
    }

    /// Everything about one volume.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Unavailable`].
    pub async fn inspect_volume(&self, name: &str) -> Result<Volume, EngineError> {
        let action = on("inspect", name)?;
        self.call(&action, |docker| async move { docker.inspect_volume(name).await }).await.map(volume)
    }

    /// Makes a volume, or gives the one of this name that is there, whose labels then are its own.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], or what the engine says.
    pub async fn create_volume(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<Volume, EngineError> {
        let action = on("create", name)?;
        let request = api::VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
            ..Default::default()
        };
        self.call(&action, |docker| async move { docker.create_volume(request).await }).await.map(volume)
    }

    /// Removes a volume; `force` makes one that does not exist no error.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] when a container uses it.
    pub async fn remove_volume(&self, name: &str, force: bool) -> Result<(), EngineError> {
        let action = on("remove", name)?;
        let options = query::RemoveVolumeOptions { force };
        self.call(&action, |docker| async move { docker.remove_volume(name, Some(options)).await }).await
    }
}

fn volume(volume: api::Volume) -> Volume {
    Volume {
        name: volume.name,
        driver: volume.driver,
        labels: volume.labels.into_iter().collect(),
        options: volume.options.into_iter().collect(),
        created: volume.created_at.unwrap_or_default(),
    }
}
