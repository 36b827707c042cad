//! Networks, as far as cleaning up needs them.

use std::collections::{BTreeMap, HashMap};

use bollard::query_parameters as query;

use crate::error::Action;
use crate::wire::on_engine;
use crate::{Engine, EngineError, ObjectKind, reference};

/// A network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its driver: `bridge`, `host`, …
    pub driver: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl Engine {
    /// Lists the networks with all of these labels, each `name` or `name=value`.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Timeout`].
    pub async fn list_networks(&self, labels: &[String]) -> Result<Vec<Network>, EngineError> {
        let action = on_engine("list the networks of the");
        let filters = (!labels.is_empty()).then(|| HashMap::from([("label".to_owned(), labels.to_vec())]));
        let options = query::ListNetworksOptions { filters };
        let list =
            self.call(&action, |docker| async move { docker.list_networks(Some(options)).await }).await?;
        let networks = list.into_iter().map(|network| Network {
            id: network.id.unwrap_or_default(),
            name: network.name.unwrap_or_default(),
            driver: network.driver.unwrap_or_default(),
            labels: network.labels.unwrap_or_default().into_iter().collect(),
        });
        Ok(networks.collect())
    }

    /// Removes a network.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] when a container is in it.
    pub async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let action = Action::new("remove", ObjectKind::Network, name);
        reference::check_name(&action)?;
        self.call(&action, |docker| async move { docker.remove_network(name).await }).await
    }
}
