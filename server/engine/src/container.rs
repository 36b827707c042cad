//! Containers: what they are made of, their state, and what is done to them.

mod archive;
mod convert;
mod logs;
mod report;
mod spec;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bollard::query_parameters as query;
use http::Method;
use serde::Deserialize;

pub use archive::NewFile;
pub use logs::LogOptions;
pub use report::{
    ContainerDetails, ContainerState, ContainerSummary, MountPoint, NetworkAttachment, ProcessTable,
    PublishedPort,
};
pub use spec::{
    ContainerSpec, Device, DeviceSelection, LogConfig, Mount, MountKind, PortBinding, RestartPolicy, Ulimit,
};

use crate::error::Action;
use crate::exec::TerminalSize;
use crate::output::OutputStream;
use crate::wire::{PLAIN_LIMIT, on_engine, request};
use crate::{Engine, EngineError, ObjectKind, reference};

/// A container that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedContainer {
    /// Its id.
    pub id: String,
    /// What the engine warned of.
    pub warnings: Vec<String>,
}

/// Which containers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerFilter {
    /// Those that do not run as well.
    pub all: bool,
    /// Only those with all of these labels, each `name` or `name=value`.
    pub labels: Vec<String>,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitCondition {
    /// That it does not run; fulfilled at once when it does not.
    NotRunning,
    /// Its next exit, for waiting before it was started.
    NextExit,
    /// That it was removed, as with `--rm`.
    Removed,
}

fn on(verb: &'static str, name: &str) -> Result<Action, EngineError> {
    let action = Action::new(verb, ObjectKind::Container, name);
    reference::check_name(&action)?;
    Ok(action)
}

impl Engine {
    /// Makes a container without starting it.
    ///
    /// # Errors
    /// [`EngineError::ImageNotFound`] (pull it first), [`EngineError::NameInUse`], [`EngineError::InvalidParameter`],
    /// [`EngineError::MountSourceMissing`], [`EngineError::NotFound`] (a network), [`EngineError::Unavailable`].
    pub async fn create_container(&self, spec: &ContainerSpec) -> Result<CreatedContainer, EngineError> {
        let name = spec.name.as_deref().unwrap_or_default();
        if !name.is_empty() {
            on("create", name)?;
        }
        // A 404 here is about the image far more often than about anything else.
        let action = Action::new("create", ObjectKind::Container, name);
        let options = query::CreateContainerOptions {
            name: spec.name.clone(),
            platform: spec.platform.clone().unwrap_or_default(),
        };
        let body = convert::create_body(spec)
            .map_err(|message| EngineError::InvalidParameter { what: action.to_string(), message })?;
        let created = self
            .call(&action, |docker| async move { docker.create_container(Some(options), body).await })
            .await
            .map_err(|error| match error {
                EngineError::ImageNotFound { message, .. } => {
                    EngineError::ImageNotFound { image: spec.image.clone(), message }
                }
                other => other,
            })?;
        Ok(CreatedContainer { id: created.id, warnings: created.warnings })
    }

    /// Lists containers.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`], [`EngineError::Timeout`].
    pub async fn list_containers(
        &self,
        filter: &ContainerFilter,
    ) -> Result<Vec<ContainerSummary>, EngineError> {
        let action = on_engine("list the containers of the");
        let filters = HashMap::from([("label".to_owned(), filter.labels.clone())]);
        let filters = (!filter.labels.is_empty()).then_some(filters);
        let options = query::ListContainersOptions { all: filter.all, filters, ..Default::default() };
        let list =
            self.call(&action, |docker| async move { docker.list_containers(Some(options)).await }).await?;
        Ok(list.into_iter().map(report::summary).collect())
    }

    /// Everything about one container, by id, unique prefix of one, or name.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Unavailable`].
    pub async fn inspect_container(&self, container: &str) -> Result<ContainerDetails, EngineError> {
        let action = on("inspect", container)?;
        let details = self
            .call(&action, |docker| async move {
                docker.inspect_container(container, None::<query::InspectContainerOptions>).await
            })
            .await?;
        Ok(report::details(details))
    }

    /// Starts a container; one that runs stays as it is.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::PortInUse`], [`EngineError::MountSourceMissing`],
    /// [`EngineError::CommandNotRunnable`], [`EngineError::Other`] with the runtime's words.
    pub async fn start_container(&self, container: &str) -> Result<(), EngineError> {
        let action = on("start", container)?;
        let options = None::<query::StartContainerOptions>;
        self.call(&action, |docker| async move { docker.start_container(container, options).await }).await
    }

    /// Stops a container: its stop signal, then after `grace` (the container's own setting when absent) a kill.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Timeout`] 60 s after the grace.
    pub async fn stop_container(&self, container: &str, grace: Option<Duration>) -> Result<(), EngineError> {
        let action = on("stop", container)?;
        let options = query::StopContainerOptions { t: grace.map(whole_seconds), ..Default::default() };
        let limit = PLAIN_LIMIT + grace.unwrap_or_default();
        self.call_within(limit, &action, |docker| async move {
            docker.stop_container(container, Some(options)).await
        })
        .await
    }

    /// Stops and starts a container; `grace` as with [`Engine::stop_container`].
    ///
    /// # Errors
    /// As stopping and starting.
    pub async fn restart_container(
        &self,
        container: &str,
        grace: Option<Duration>,
    ) -> Result<(), EngineError> {
        let action = on("restart", container)?;
        let options = query::RestartContainerOptions { t: grace.map(whole_seconds), ..Default::default() };
        let limit = PLAIN_LIMIT + grace.unwrap_or_default();
        self.call_within(limit, &action, |docker| async move {
            docker.restart_container(container, Some(options)).await
        })
        .await
    }

    /// Sends a signal, such as `SIGTERM` or `15`, to a container's first process.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::NotRunning`], [`EngineError::InvalidParameter`].
    pub async fn kill_container(&self, container: &str, signal: &str) -> Result<(), EngineError> {
        let action = on("send a signal to", container)?;
        let options = query::KillContainerOptions { signal: signal.to_owned() };
        self.call(&action, |docker| async move { docker.kill_container(container, Some(options)).await })
            .await
    }

    /// Removes a container. `force` kills it first if it runs; `volumes` removes its anonymous volumes too.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Conflict`] when it runs, or is being removed already.
    pub async fn remove_container(
        &self,
        container: &str,
        force: bool,
        volumes: bool,
    ) -> Result<(), EngineError> {
        let action = on("remove", container)?;
        let options = query::RemoveContainerOptions { force, v: volumes, link: false };
        self.call(&action, |docker| async move { docker.remove_container(container, Some(options)).await })
            .await
    }

    /// Renames a container.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::NameInUse`].
    pub async fn rename_container(&self, container: &str, name: &str) -> Result<(), EngineError> {
        let action = on("rename", container)?;
        let options = query::RenameContainerOptions { name: name.to_owned() };
        self.call(&action, |docker| async move { docker.rename_container(container, options).await })
            .await
            .map_err(|error| match error {
                EngineError::NameInUse { message, .. } => {
                    EngineError::NameInUse { name: name.to_owned(), message }
                }
                other => other,
            })
    }

    /// Resizes the terminal of a running container's first process.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::NotRunning`].
    pub async fn resize_container(&self, container: &str, size: TerminalSize) -> Result<(), EngineError> {
        let action = on("resize the terminal of", container)?;
        let options = query::ResizeContainerTTYOptions { h: size.rows.into(), w: size.columns.into() };
        self.call(&action, |docker| async move { docker.resize_container_tty(container, options).await })
            .await
    }

    /// The processes in a running container, by `ps` on the engine's host with `ps_args` (`-ef` when empty).
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::NotRunning`].
    pub async fn top_container(&self, container: &str, ps_args: &str) -> Result<ProcessTable, EngineError> {
        let action = on("list the processes of", container)?;
        let ps_args = if ps_args.is_empty() { "-ef" } else { ps_args };
        let options = query::TopOptions { ps_args: ps_args.to_owned() };
        let table = self
            .call(&action, |docker| async move { docker.top_processes(container, Some(options)).await })
            .await?;
        Ok(ProcessTable {
            titles: table.titles.unwrap_or_default(),
            rows: table.processes.unwrap_or_default(),
        })
    }

    /// Waits until a container ends, however long, and gives its exit code.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Unavailable`] when the connection breaks, [`EngineError::Other`] with
    /// the engine's words when the exit could not be observed.
    pub async fn wait_container(
        &self,
        container: &str,
        condition: WaitCondition,
    ) -> Result<i64, EngineError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Exited {
            status_code: i64,
            #[serde(default)]
            error: Option<Failure>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Failure {
            #[serde(default)]
            message: String,
        }
        let action = on("wait for", container)?;
        let condition = match condition {
            WaitCondition::NotRunning => "not-running",
            WaitCondition::NextExit => "next-exit",
            WaitCondition::Removed => "removed",
        };
        let path = format!("/containers/{container}/wait");
        let wait = request(Method::POST, &path, &[("condition", condition)])?;
        // bollard's own makes an error of each exit code but 0.
        let exited: Exited = self.wire.json_in_the_end(&action, wait).await?;
        match exited.error.filter(|failure| !failure.message.is_empty()) {
            None => Ok(exited.status_code),
            Some(failure) => Err(EngineError::Other {
                what: action.to_string(),
                status: None,
                message: crate::text::escaped(&failure.message),
            }),
        }
    }

    /// What a container has written.
    ///
    /// # Errors
    /// [`EngineError::NotFound`], [`EngineError::Unsupported`] (a logging driver that cannot be read).
    pub async fn container_logs(
        &self,
        container: &str,
        options: &LogOptions,
    ) -> Result<OutputStream, EngineError> {
        let action = on("read the logs of", container)?;
        let answer = self.wire.stream(&action, logs::logs_request(container, options)?).await?;
        Ok(OutputStream::new(action, answer, options.tty))
    }
}

fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

/// Labels in a stable order.
fn labels(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}
