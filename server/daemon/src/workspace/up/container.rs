//! The container of an `up`: found and started, or made from the configuration.

use std::time::Duration;

use gangplank_devcontainer::identity::{CONFIG_FILE_LABEL, LOCAL_FOLDER_LABEL, Labels, METADATA_LABEL};
use gangplank_devcontainer::metadata::Metadata;
use gangplank_devcontainer::mount::{Mount, MountKind};
use gangplank_engine::container::{ContainerDetails, ContainerSpec, WaitCondition};
use gangplank_engine::image::ImageDetails;
use gangplank_engine::{EngineError, Product};
use gangplank_protocol::workspace::Trust;
use gangplank_protocol::{ErrorData, ErrorKind};

use super::Up;
use crate::agent::delivery;
use crate::failure::from_engine;
use crate::workspace::container_spec::{Ingredients, container_spec};
use crate::workspace::effects::Seen;
use crate::workspace::plan::Planned;
use crate::workspace::{find, mount_check, mount_sources, place_check, remove_container};
use crate::{image, workspaces};

/// How long the image's own command must last to count as one that goes on: an interpreter or a shell that finds no
/// input ends sooner, and an `up` that said nothing about it would have opened nothing.
const OWN_COMMAND_LASTS: Duration = Duration::from_secs(1);

/// How long a name may be taken without a container to it.
const MOST_WAITS: u32 = 100;
const CREATION_PAUSE: Duration = Duration::from_millis(50);

impl Up {
    /// The workspace's container, running; and whether it was made here.
    pub(super) async fn container(&self, planned: &Planned) -> Result<(ContainerDetails, bool), ErrorData> {
        let wanted = planned.configuration.container.image.as_deref().unwrap_or_default();
        let folder = &planned.selection.folder;
        // Asked side by side: whether the image is needed is only known with the other answer.
        let (found, image) = tokio::join!(
            find::find(&self.engine, &planned.labels, folder),
            self.engine.inspect_image(wanted)
        );
        let mut found = found?;
        let replaced = self.rebuild || self.params.remove_existing_container;
        if let Some(container) = found.as_ref().filter(|_| !replaced) {
            match self.found(planned, &container.id).await {
                // It was going when it was found: by a removal that was cut off, or by somebody else's.
                Err(_) if self.is_gone(&container.id).await => found = None,
                reused => return reused.map(|details| (details, false)),
            }
        }
        if found.is_none() && self.params.expect_existing_container {
            return Err(ErrorData::new(ErrorKind::NotFound, "the expected container does not exist")
                .hint("leave out --expect-existing-container to make it"));
        }
        // Whatever can fail comes before the old container goes.
        let image = self.image(planned, wanted, image.ok()).await?;
        let platform = planned.configuration.run_options.platform.as_deref();
        let (agent, spec) = tokio::join!(
            self.parts.processes.agents().delivery().mount_for(&self.engine, &image, platform),
            self.judged_spec(planned, &image)
        );
        let mut spec = spec?;
        match agent {
            Ok(mount) => mount.put_into(&mut spec),
            Err(why) => {
                self.reporter.warn(format!("the container is made without Gangplank's agent: {why}"));
                delivery::note_missing(&mut spec, &why);
            }
        }
        if let Some(old) = found {
            let step = self.reporter.begin("remove", "Remove the existing container");
            step.end(self.remove(&old.id).await)?;
        }
        let step = self.reporter.begin("create", "Create the container");
        let (id, created) = step.end(self.create(planned, spec).await)?;
        Ok((self.first_start(planned, &id).await?, created))
    }

    async fn found(&self, planned: &Planned, id: &str) -> Result<ContainerDetails, ErrorData> {
        let details = self.engine.inspect_container(id).await.map_err(from_engine)?;
        self.running(planned, details).await
    }

    async fn is_gone(&self, id: &str) -> bool {
        match self.engine.inspect_container(id).await {
            Ok(container) => find::is_going(&container.state.status),
            Err(error) => error.is_not_found(),
        }
    }

    async fn remove(&self, id: &str) -> Result<(), ErrorData> {
        remove_container(&self.engine, &self.parts, id).await
    }

    /// The image, got from its registry where that is needed or asked for.
    async fn image(
        &self,
        planned: &Planned,
        wanted: &str,
        known: Option<ImageDetails>,
    ) -> Result<ImageDetails, ErrorData> {
        let platform = planned.configuration.run_options.platform.clone();
        let credentials = self.environment.clone();
        let image = match known.filter(|_| !self.params.pull) {
            Some(image) => image,
            None if self.params.pull => {
                image::pull(&self.engine, &self.reporter, wanted, platform, credentials).await?;
                self.engine.inspect_image(wanted).await.map_err(from_engine)?
            }
            None => image::ensure(&self.engine, &self.reporter, wanted, platform, credentials).await?,
        };
        refuse_metadata(wanted, &image)?;
        refuse_identity(wanted, &image, &planned.labels)?;
        Ok(image)
    }

    /// The container to make, from what is judged now.
    async fn judged_spec(&self, planned: &Planned, image: &ImageDetails) -> Result<ContainerSpec, ErrorData> {
        self.check_place(planned, image).await?;
        let podman = self.engine.product().await.map_err(from_engine)? == Product::Podman;
        let seen = self.judge_again(planned).await?;
        let mounts = self.mounts().await?;
        self.spec(planned, image, &seen, &mounts, podman)
    }

    /// Whether the engine would mount the very folder that is meant.
    async fn check_place(&self, planned: &Planned, image: &ImageDetails) -> Result<(), ErrorData> {
        let mount = planned.configuration.workspace.mount.as_ref();
        match mount.filter(|mount| mount.kind == MountKind::Bind).and_then(|mount| mount.source.as_deref()) {
            Some(source) => {
                place_check::check(&self.engine, planned.effects.seen.view.judged(source), &image.id).await
            }
            None => Ok(()),
        }
    }

    /// The mounts that the request asks for.
    async fn mounts(&self) -> Result<Vec<Mount>, ErrorData> {
        let mounts = self
            .params
            .mounts
            .iter()
            .map(|mount| {
                Mount::parse(mount)
                    .map_err(|e| ErrorData::new(ErrorKind::InvalidParams, format!("--mount {mount}: {e}")))
            })
            .collect::<Result<Vec<Mount>, _>>()?;
        let sources = mounts.iter().filter_map(|mount| mount.source.as_deref());
        delivery::refuse_own_volumes("--mount", sources)?;
        if self.engine.is_local() { mount_sources::followed(mounts).await } else { Ok(mounts) }
    }

    fn spec(
        &self,
        planned: &Planned,
        image: &ImageDetails,
        seen: &Seen,
        mounts: &[Mount],
        podman: bool,
    ) -> Result<ContainerSpec, ErrorData> {
        let env_files = seen.env_files()?;
        let with = Ingredients {
            image,
            folder: &planned.selection.folder,
            labels: &planned.labels,
            mounts,
            environment: &self.params.client_environment,
            env_files: &env_files,
            host: &seen.view,
            podman,
        };
        container_spec(&planned.configuration, &with)
    }

    /// Makes the container, or finds the one that a creation cut off earlier has left; tells which.
    async fn create(&self, planned: &Planned, mut spec: ContainerSpec) -> Result<(String, bool), ErrorData> {
        let folder = &planned.selection.folder;
        let mut waited = 0;
        loop {
            match self.engine.create_container(&spec).await {
                Ok(created) => {
                    created.warnings.iter().for_each(|warning| self.reporter.warn(warning));
                    return Ok((created.id, true));
                }
                Err(EngineError::NameInUse { name, message }) => {
                    // A creation that was cut off may have come through after all.
                    if let Some(container) = find::find(&self.engine, &planned.labels, folder).await? {
                        return Ok((container.id, false));
                    }
                    // An engine takes a name before it shows the container and keeps it until the container is gone: a
                    // creation or a removal that was cut off is on its way. What shows itself then is looked at anew.
                    if waited < MOST_WAITS && self.is_gone(&name).await {
                        waited += 1;
                        tokio::time::sleep(CREATION_PAUSE).await;
                        continue;
                    }
                    match self.engine.inspect_container(&name).await {
                        Ok(other)
                            if find::has_all(&other.labels, &planned.labels)
                                && find::is_found_by(
                                    &other.labels,
                                    &planned.labels,
                                    Some(folder.as_str()),
                                ) =>
                        {
                            return Ok((other.id, false));
                        }
                        _ => {}
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

    /// Starts a container that has never run. Where it cannot start it goes again: the next attempt, perhaps with a
    /// mended configuration, shall not find it.
    async fn first_start(&self, planned: &Planned, id: &str) -> Result<ContainerDetails, ErrorData> {
        let step = self.reporter.begin("start", "Start the container");
        let started = self.start(planned, id).await;
        if started.is_err() {
            let _ = self.remove(id).await;
        }
        step.end(started)
    }

    /// Starts the container where it does not run, and starts it again where it holds a folder that was replaced.
    async fn running(
        &self,
        planned: &Planned,
        details: ContainerDetails,
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
            self.judge_mounts(planned, &details).await?;
        }
        if details.state.status == "created" {
            return self.first_start(planned, &id).await;
        }
        if !details.state.running {
            let step = self.reporter.begin("start", "Start the container");
            return step.end(self.start(planned, &id).await);
        }
        let mount =
            planned.configuration.workspace.mount.as_ref().filter(|mount| mount.kind == MountKind::Bind);
        let replaced = mount.is_some_and(|mount| {
            let source = mount.source.as_deref().unwrap_or_default();
            self.engine.is_local() && mount_check::was_replaced(&details, source, &mount.target)
        });
        if !replaced {
            return Ok(details);
        }
        self.reporter.warn("the workspace folder was replaced on this machine; the container is restarted to see the new one");
        let step = self.reporter.begin("restart", "Restart the container");
        let restarted = async {
            // Judged between: until it is stopped, the container may change where its mounts lead.
            self.engine.stop_container(&id, None).await.map_err(from_engine)?;
            self.judge_mounts(planned, &details).await?;
            self.start(planned, &id).await
        };
        step.end(restarted.await)
    }

    /// Goes on only when the container gets what it was made with, or the user allows what it gets now.
    async fn judge_mounts(&self, planned: &Planned, details: &ContainerDetails) -> Result<(), ErrorData> {
        if !self.engine.is_local() {
            return Ok(());
        }
        // Of a container that was running, what it had then says nothing about what it gets.
        let mut stopped = details.clone();
        stopped.state.running = false;
        let led = mount_sources::led_elsewhere(&stopped, &planned.effects.seen.view.named).await?;
        if self.params.trust == Trust::Grant {
            if !led.is_empty() {
                self.reporter.host_effects(led);
            }
            return Ok(());
        }
        mount_sources::refuse(details, led)
    }

    async fn start(&self, planned: &Planned, id: &str) -> Result<ContainerDetails, ErrorData> {
        self.engine.start_container(id).await.map_err(|error| match error {
            EngineError::CommandNotRunnable { .. } => {
                from_engine(error).hint("dev containers start with /bin/sh: take an image that has a shell")
            }
            error => from_engine(error),
        })?;
        if planned.configuration.container.override_command == Some(false) {
            // Whether it ended, and how, is seen next.
            let ends = self.engine.wait_container(id, WaitCondition::NotRunning);
            let _ = tokio::time::timeout(OWN_COMMAND_LASTS, ends).await;
        }
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
        if self.engine.is_local() && self.params.trust != Trust::Grant {
            mount_sources::refuse_started(&self.engine, &details, &planned.effects.seen.view.named).await?;
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

/// An image that carries the labels by which containers of workspaces are found: every container of it would pass for
/// that workspace's.
fn refuse_identity(name: &str, image: &ImageDetails, labels: &Labels) -> Result<(), ErrorData> {
    // A label cannot be taken from an image, only emptied.
    let has = |label: &&str| image.labels.get(*label).is_some_and(|value| !value.is_empty());
    let usual = [LOCAL_FOLDER_LABEL, CONFIG_FILE_LABEL].into_iter().find(has);
    let asked_for = labels.keys().map(String::as_str).next().filter(|_| find::has_all(&image.labels, labels));
    let Some(label) = usual.or(asked_for) else { return Ok(()) };
    Err(ErrorData::new(
        ErrorKind::ConfigurationInvalid,
        format!("the image {name} carries the label {label}, by which a workspace's container is found"),
    )
    .hint(format!(
        "an image made of a dev container (`docker commit`) does: make it with a Dockerfile, or empty the labels with \
         `docker commit --change 'LABEL {LOCAL_FOLDER_LABEL}= {CONFIG_FILE_LABEL}= {METADATA_LABEL}='`"
    )))
}
