//! `workspace/up` and `workspace/rebuild`, step by step. Every step can be cut off: the next `up` finds what is there
//! by its labels and its name and goes on from it.

use std::collections::BTreeMap;

use gangplank_devcontainer::configuration::Configuration;
use gangplank_devcontainer::effects::EffectKind;
use gangplank_devcontainer::hooks::LifecycleHook;
use gangplank_devcontainer::identity::METADATA_LABEL;
use gangplank_devcontainer::metadata::Metadata;
use gangplank_devcontainer::mount::{Mount, MountKind};
use gangplank_devcontainer::paths::HostPath;
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::image::ImageDetails;
use gangplank_engine::{Engine, EngineError, Product};
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::operation::{Answer, Ask};
use gangplank_protocol::workspace::{Trust, WorkspaceUpParams, WorkspaceUpResult};
use gangplank_protocol::{ErrorData, ErrorKind};

use super::container_spec::{Ingredients, container_spec};
use super::plan::{Planned, read_configuration, read_text};
use super::remote::{Remote, RemoteRequest, added_environment, probe_mode};
use super::{Parts, Selection, WorkspaceHandle, find, host_write, mount_check, place_check};
use crate::engines::wire_id;
use crate::failure::from_engine;
use crate::lifecycle::host;
use crate::operation::Reporter;
use crate::{image, workspaces};

/// Where an offered configuration is written.
const NEW_CONFIGURATION: &str = ".devcontainer/devcontainer.json";

/// One `up` at work.
pub(super) struct Up {
    pub engine: Engine,
    pub parts: Parts,
    pub handle: WorkspaceHandle,
    pub reporter: Reporter,
    pub params: WorkspaceUpParams,
    /// What the client's hello carried.
    pub environment: BTreeMap<String, String>,
    pub rebuild: bool,
}

impl Up {
    pub(super) async fn run(self) -> Result<WorkspaceUpResult, ErrorData> {
        self.reporter.engine(&wire_id(&self.engine));
        let planned = self.read().await?;
        self.consent(&planned).await?;
        self.initialize(&planned).await?;
        let (container, created) = self.container(&planned).await?;
        let request = self.remote_request()?;
        let remote = Remote::of(&container, Some(&planned.configuration), &request)?;
        super::hooks::run(&self, &planned, &container, &remote, &request).await?;
        Ok(WorkspaceUpResult {
            engine: wire_id(&self.engine),
            workspace_folder: planned.selection.folder.to_string(),
            container_id: container.id,
            remote_user: remote.user,
            remote_workspace_folder: planned.configuration.workspace.folder.clone(),
            created,
            configuration: self.params.include_configuration.then(|| planned.configuration.value.clone()),
        })
    }

    fn remote_request(&self) -> Result<RemoteRequest, ErrorData> {
        Ok(RemoteRequest {
            client_environment: self.params.client_environment.clone(),
            added: added_environment(&self.params.remote_environment)?,
            default_probe: self.params.default_user_env_probe.as_deref().map(probe_mode).transpose()?,
        })
    }

    async fn read(&self) -> Result<Planned, ErrorData> {
        let step = self.reporter.begin("configuration", "Read the configuration");
        let planned = self.read_or_ask().await;
        let planned = step.end(planned)?;
        for warning in &planned.warnings {
            self.reporter.warn_at(warning.clone());
        }
        Ok(planned)
    }

    async fn read_or_ask(&self) -> Result<Planned, ErrorData> {
        let mut selection = Selection::look(&self.params.workspace)?;
        let mut offered = None;
        if selection.configuration.is_none() {
            if !self.params.interactive {
                return Err(selection.without_configuration());
            }
            if selection.configurations.is_empty() {
                offered = Some(self.ask_for_image(&mut selection).await?);
            } else {
                self.ask_which(&mut selection).await?;
            }
        }
        let file = selection.configuration.clone().ok_or_else(|| selection.without_configuration())?;
        let text = match offered {
            Some(text) => text,
            None => read_text(selection.override_config.as_ref().unwrap_or(&file))?,
        };
        let git_root = self.params.mount_workspace_git_root;
        read_configuration(&selection, &file, &text, &self.params.client_environment, git_root)
    }

    async fn ask_which(&self, selection: &mut Selection) -> Result<(), ErrorData> {
        let ask = Ask::Configuration { configurations: selection.configurations.clone() };
        match self.reporter.ask(ask).await? {
            Answer::Choose { choice, .. } if selection.configurations.contains(&choice) => {
                selection.configuration = HostPath::new(&choice).ok();
                Ok(())
            }
            Answer::Choose { choice, .. } => Err(ErrorData::new(
                ErrorKind::InvalidParams,
                format!("{choice} is not one of the configurations"),
            )),
            Answer::Trust | Answer::Refuse => {
                Err(ErrorData::new(ErrorKind::Cancelled, "no configuration was chosen"))
            }
        }
    }

    /// Gives the text of the configuration with the chosen image.
    async fn ask_for_image(&self, selection: &mut Selection) -> Result<String, ErrorData> {
        let Answer::Choose { choice, write } =
            self.reporter.ask(Ask::Offer { offers: selection.offers() }).await?
        else {
            return Err(ErrorData::new(ErrorKind::Cancelled, "no image was chosen"));
        };
        let text = selection.render_offer(&choice).ok_or_else(|| {
            ErrorData::new(ErrorKind::InvalidParams, format!("{choice:?} is not one of the offers"))
        })?;
        if write {
            let written =
                host_write::create_new(selection.canonical.as_str(), NEW_CONFIGURATION, text.as_bytes());
            written.map_err(|e| {
                ErrorData::new(
                    ErrorKind::Io,
                    format!("{NEW_CONFIGURATION} could not be written in {}", selection.folder),
                )
                .caused_by(&e)
            })?;
        }
        selection.configuration = Some(selection.folder.join(NEW_CONFIGURATION));
        Ok(text)
    }

    /// Goes on only when the user allows what the configuration does to the host.
    async fn consent(&self, planned: &Planned) -> Result<(), ErrorData> {
        let effects = &planned.effects;
        let Some(hash) = &effects.hash else { return Ok(()) };
        let folder = planned.selection.canonical.as_str();
        let untrusted = |message: String| {
            ErrorData::new(ErrorKind::Untrusted, message)
                .details(ErrorDetails::HostEffects { effects: effects.wire(), hash: hash.clone() })
        };
        if let Some(never) = effects.list.iter().find(|effect| effect.kind == EffectKind::AgentVolume) {
            return Err(untrusted(format!("{} is refused: {}", never.property, never.reason)));
        }
        if self.parts.trust.allows(folder, hash) {
            return Ok(());
        }
        match self.params.trust {
            Trust::Grant => {
                self.reporter.host_effects(effects.wire());
                Ok(())
            }
            Trust::Refuse => {
                Err(untrusted("the configuration reaches the host and is not trusted".into())
                    .hint("read it, then allow it with --trust, GANGPLANK_TRUST=all, or by running `gangplank up` on a terminal"))
            }
            Trust::Ask => {
                let ask = Ask::Trust { effects: effects.wire(), hash: hash.clone() };
                if self.reporter.ask(ask).await? != Answer::Trust {
                    return Err(untrusted("what the configuration does to the host was not allowed".into()));
                }
                self.parts
                    .trust
                    .remember(folder, hash)
                    .map_err(|e| ErrorData::new(ErrorKind::Io, "the consent could not be kept").caused_by(&e))
            }
        }
    }

    async fn initialize(&self, planned: &Planned) -> Result<(), ErrorData> {
        let hook = LifecycleHook::Initialize;
        let Some(command) = planned.configuration.container.hook(hook) else { return Ok(()) };
        let mut step = self.reporter.begin(hook.property(), "Run initializeCommand on this machine");
        let folder = planned.selection.folder.as_str();
        let done = host::initialize(command, folder, &self.params.client_environment, &mut step).await;
        step.end(done)
    }

    /// The workspace's container, running; and whether it was made here.
    async fn container(&self, planned: &Planned) -> Result<(ContainerDetails, bool), ErrorData> {
        let mut found = find::find(&self.engine, &planned.labels).await?;
        if let Some(old) = found.take_if(|_| self.rebuild || self.params.remove_existing_container) {
            let step = self.reporter.begin("remove", "Remove the existing container");
            step.end(self.remove(&old.id).await)?;
        } else if found.is_none() && self.params.expect_existing_container {
            return Err(ErrorData::new(ErrorKind::NotFound, "the expected container does not exist")
                .hint("leave out --expect-existing-container to make it"));
        }
        let created = found.is_none();
        let id = match found {
            Some(container) => container.id,
            None => self.create(planned).await?,
        };
        let details = self.engine.inspect_container(&id).await.map_err(from_engine)?;
        let details = self.running(planned, details, created).await?;
        Ok((details, created))
    }

    async fn remove(&self, id: &str) -> Result<(), ErrorData> {
        super::remove_container(&self.engine, &self.parts.store, id).await
    }

    async fn create(&self, planned: &Planned) -> Result<String, ErrorData> {
        let wanted = planned.configuration.container.image.as_deref().unwrap_or_default();
        let platform = planned.configuration.run_options.platform.clone();
        let credentials = self.environment.clone();
        if self.params.pull {
            image::pull(&self.engine, &self.reporter, wanted, platform, credentials).await?;
        } else {
            image::ensure(&self.engine, &self.reporter, wanted, platform, credentials).await?;
        }
        let step = self.reporter.begin("create", "Create the container");
        step.end(self.create_from(planned, wanted).await)
    }

    async fn create_from(&self, planned: &Planned, wanted: &str) -> Result<String, ErrorData> {
        let image = self.engine.inspect_image(wanted).await.map_err(from_engine)?;
        refuse_metadata(wanted, &image)?;
        let mounts: Vec<Mount> = self
            .params
            .mounts
            .iter()
            .map(|mount| {
                Mount::parse(mount)
                    .map_err(|e| ErrorData::new(ErrorKind::InvalidParams, format!("--mount {mount}: {e}")))
            })
            .collect::<Result<_, _>>()?;
        if let Some(mount) =
            planned.configuration.workspace.mount.as_ref().filter(|mount| mount.kind == MountKind::Bind)
        {
            place_check::check(&self.engine, mount.source.as_deref().unwrap_or_default(), &image.id).await?;
        }
        let podman = self.engine.info().await.map_err(from_engine)?.product == Product::Podman;
        let env_files = env_files(&planned.configuration, &planned.selection.folder)?;
        let with = Ingredients {
            image: &image,
            labels: &planned.labels,
            mounts: &mounts,
            environment: &self.params.client_environment,
            env_files: &env_files,
            podman,
        };
        let mut spec = container_spec(&planned.configuration, &with)?;
        loop {
            match self.engine.create_container(&spec).await {
                Ok(created) => {
                    created.warnings.iter().for_each(|warning| self.reporter.warn(warning));
                    return Ok(created.id);
                }
                Err(EngineError::NameInUse { name, message }) => {
                    // A creation that was cut off may have come through after all.
                    if let Some(container) = find::find(&self.engine, &planned.labels).await? {
                        return Ok(container.id);
                    }
                    if planned.configuration.run_options.name.is_some() || spec.name.is_none() {
                        return Err(from_engine(EngineError::NameInUse { name, message }));
                    }
                    // Somebody else's container has our name for it; any other will do.
                    spec.name = None;
                }
                Err(error) => return Err(from_engine(error)),
            }
        }
    }

    /// Starts the container where it does not run, and starts it again where it holds a folder that was replaced.
    async fn running(
        &self,
        planned: &Planned,
        details: ContainerDetails,
        created: bool,
    ) -> Result<ContainerDetails, ErrorData> {
        let id = details.id.clone();
        if details.state.paused {
            return Err(ErrorData::new(
                ErrorKind::ContainerState,
                format!("the container {} is paused", details.name),
            )
            .hint(format!("`docker unpause {}` lets it go on", details.name)));
        }
        if !details.state.running {
            let step = self.reporter.begin("start", "Start the container");
            let started = self.start(&id).await;
            if started.is_err() && created {
                // It has never run: the next attempt, perhaps with a mended configuration, shall not find it.
                let _ = self.remove(&id).await;
            }
            return step.end(started);
        }
        let mount =
            planned.configuration.workspace.mount.as_ref().filter(|mount| mount.kind == MountKind::Bind);
        let replaced = mount.is_some_and(|mount| {
            let source = mount.source.as_deref().unwrap_or_default();
            self.engine.is_local() && mount_check::was_replaced(details.state.pid, source, &mount.target)
        });
        if !replaced {
            return Ok(details);
        }
        self.reporter.warn("the workspace folder was replaced on this machine; the container is restarted to see the new one");
        let step = self.reporter.begin("restart", "Restart the container");
        let restarted = async {
            self.engine.restart_container(&id, None).await.map_err(from_engine)?;
            self.engine.inspect_container(&id).await.map_err(from_engine)
        };
        step.end(restarted.await)
    }

    async fn start(&self, id: &str) -> Result<ContainerDetails, ErrorData> {
        self.engine.start_container(id).await.map_err(|error| match error {
            EngineError::CommandNotRunnable { .. } => {
                from_engine(error).hint("dev containers start with /bin/sh: take an image that has a shell")
            }
            error => from_engine(error),
        })?;
        let details = self.engine.inspect_container(id).await.map_err(from_engine)?;
        if !details.state.running {
            let mut error = ErrorData::new(
                ErrorKind::ContainerState,
                format!("the container ended at once, with exit code {}", details.state.exit_code),
            )
            .hint("with \"overrideCommand\": false the image's own command must go on running");
            error.causes = workspaces::last_lines(&self.engine, id, details.tty).await;
            return Err(error);
        }
        Ok(details)
    }
}

/// An image that brings a part of the configuration along would make another container than the file says.
fn refuse_metadata(name: &str, image: &ImageDetails) -> Result<(), ErrorData> {
    let Some(label) = image.labels.get(METADATA_LABEL) else { return Ok(()) };
    let metadata = Metadata::parse(label);
    let names: Vec<&str> = metadata.with_content().flat_map(|entry| entry.names()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(ErrorData::new(
        ErrorKind::NotApplied,
        format!(
            "the image {name} has a {METADATA_LABEL} label, which is not applied yet: {}",
            names.join(", ")
        ),
    )
    .hint("take an image without the label"))
}

fn env_files(
    configuration: &Configuration,
    folder: &HostPath,
) -> Result<BTreeMap<String, String>, ErrorData> {
    configuration
        .run_options
        .env_files
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(folder.join(path).as_str()).map_err(|e| {
                ErrorData::new(ErrorKind::Io, format!("the env file {path} cannot be read")).caused_by(&e)
            })?;
            Ok((path.clone(), text))
        })
        .collect()
}
