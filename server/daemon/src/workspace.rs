//! One workspace: a folder with its container. An actor is the only writer of what is kept about it (the operation at
//! work, the shells' environments, what happened to hooks); what the container is like is always asked of the engine.

mod actor;
mod container_spec;
mod effects;
mod find;
mod hook_ledger;
mod hooks;
mod host_variables;
mod host_write;
mod leads;
mod mount_check;
mod mount_sources;
mod offered;
mod place_check;
mod plan;
mod probe;
mod remote;
mod selection;
mod up;

use gangplank_devcontainer::configuration::Configuration;
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::ErrorData;
use gangplank_protocol::workspace::HookRecord;

use crate::failure;
use crate::store::Store;
use crate::trust::TrustStore;

pub use actor::{Parts, WorkspaceHandle};
pub use find::{all, containers_of, describe};
pub use mount_sources::start as start_container;
pub use offered::configure;
pub use plan::{configuration_of, plan};
pub use remote::{Remote, RemoteRequest};
pub use selection::Selection;

/// What happened to the hooks of a container, in the order in which they run.
pub fn hook_records(store: &Store, container_id: &str) -> Vec<HookRecord> {
    hook_ledger::HookLedger::new(store.clone()).records(container_id)
}

/// Refuses to start a process in a container that holds a workspace folder which was replaced on the host; an engine
/// elsewhere cannot be asked.
///
/// # Errors
/// `containerState`, with what to do.
pub fn refuse_replaced(
    engine: &Engine,
    container: &ContainerDetails,
    configuration: Option<&Configuration>,
) -> Result<(), ErrorData> {
    let mount = configuration.and_then(|configuration| configuration.workspace.mount.as_ref());
    if engine.is_local() { mount_check::refuse_replaced(container, mount) } else { Ok(()) }
}

/// Refuses to give a container's processes variables of the client's environment that were not allowed for it.
///
/// # Errors
/// `untrusted`, with each variable.
pub fn refuse_variables(trust: &TrustStore, container_id: &str, remote: &Remote) -> Result<(), ErrorData> {
    let effects = host_variables::not_allowed(&remote.host_variables, &trust.variables_of(container_id));
    if effects.is_empty() { Ok(()) } else { Err(host_variables::refusal(effects)) }
}

/// Removes a workspace's container, and what is remembered of it. Named volumes and the folder stay.
///
/// # Errors
/// The engine's; one that is gone already is none.
pub async fn remove_container(engine: &Engine, parts: &Parts, container_id: &str) -> Result<(), ErrorData> {
    match engine.remove_container(container_id, true, false).await {
        Ok(()) => {}
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(failure::from_engine(error)),
    }
    forget_container(parts, container_id);
    Ok(())
}

/// Forgets what happened to the hooks of a container that is gone, its agents, and which variables it was given.
pub fn forget_container(parts: &Parts, container_id: &str) {
    hook_ledger::HookLedger::new(parts.store.clone()).forget(container_id);
    parts.processes.agents().forget_container(container_id);
    if let Err(error) = parts.trust.forget_container(container_id) {
        tracing::warn!(%error, container_id, "what was allowed for a container that is gone is still on disk");
    }
}
