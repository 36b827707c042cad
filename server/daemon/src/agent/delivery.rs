//! How the program gets into containers.

use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;

use crate::store::Store;

#[derive(Debug, Clone)]
pub(crate) struct Deliveries {}

impl Deliveries {
    pub(super) fn new(_store: Store) -> Self {
        Self {}
    }

    pub(super) async fn locate(
        &self,
        _engine: &Engine,
        _container: &ContainerDetails,
        _user: &str,
    ) -> Result<String, String> {
        Err("not delivered".into())
    }
}
