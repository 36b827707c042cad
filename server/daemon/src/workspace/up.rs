//! `workspace/up` and `workspace/rebuild`, step by step. Every step can be cut off: the next `up` finds what is there
//! by its labels and its name and goes on from it.

mod container;

use std::collections::BTreeMap;

use gangplank_devcontainer::effects::EffectKind;
use gangplank_devcontainer::hooks::LifecycleHook;
use gangplank_devcontainer::paths::HostPath;
use gangplank_devcontainer::variables::with_container_env;
use gangplank_engine::Engine;
use gangplank_engine::container::ContainerDetails;
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::operation::{Answer, Ask};
use gangplank_protocol::workspace::{Trust, WorkspaceUpParams, WorkspaceUpResult};
use gangplank_protocol::{ErrorData, ErrorKind};
use serde_json::{Value, json};

use super::effects::Seen;
use super::plan::{Planned, effects_of, read_configuration, read_text, volumes_of};
use super::remote::{Remote, RemoteRequest, added_environment, probe_mode, variables};
use super::{Parts, Selection, WorkspaceHandle, host_variables, offered};
use crate::engines::wire_id;
use crate::lifecycle::host;
use crate::operation::Reporter;

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
        self.allow_variables(&planned, &container, &remote).await?;
        // Beside what follows: hooks wait for it, others need not.
        self.parts.processes.agents().want(&self.engine, &container, &remote.user);
        super::hooks::run(&self, &planned, &container, &remote, &request).await?;
        self.tell_of_agent(&container, &remote.user);
        let configuration = match self.params.include_configuration {
            true => Some(shown_configuration(&planned, &container)?),
            false => None,
        };
        Ok(WorkspaceUpResult {
            engine: wire_id(&self.engine),
            workspace_folder: planned.selection.folder.to_string(),
            container_id: container.id,
            remote_user: remote.user,
            remote_workspace_folder: planned.configuration.workspace.folder.clone(),
            created,
            configuration,
        })
    }

    fn tell_of_agent(&self, container: &ContainerDetails, user: &str) {
        let status = self.parts.processes.agents().status(&self.engine, container, user);
        if let Some(crate::agent::Status::Cannot(why)) = status {
            self.reporter.warn(format!(
                "terminals and hooks in this container end with the daemon: no agent runs in it, because {why}"
            ));
        }
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
            None => read_text(selection.override_config.as_ref().unwrap_or(&file)).await?,
        };
        let git_root = self.params.mount_workspace_git_root;
        read_configuration(&selection, &file, &text, &self.params.client_environment, git_root, &self.engine)
            .await
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
        let text = offered::text_of(selection, &choice)?;
        if write {
            offered::write(selection, &text)?;
        }
        selection.configuration = Some(offered::place_in(selection));
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

    /// Goes on only when the container may be given the variables that it would be. Those of the configuration were
    /// consented to with it; a container that another tool made may want more by its label.
    async fn allow_variables(
        &self,
        planned: &Planned,
        container: &ContainerDetails,
        remote: &Remote,
    ) -> Result<(), ErrorData> {
        let trust = &self.parts.trust;
        let mut allowed = trust.variables_of(&container.id);
        allowed.extend(planned.configuration.host_reads.iter().map(|read| read.variable.clone()));
        let wanted = remote.host_variables.union(&remote.hook_variables).cloned().collect();
        let effects = host_variables::not_allowed(&wanted, &allowed);
        if !effects.is_empty() {
            match self.params.trust {
                Trust::Grant => self.reporter.host_effects(effects),
                Trust::Refuse => return Err(host_variables::refusal(effects)),
                Trust::Ask => {
                    let hash = host_variables::hash(&effects);
                    let ask = Ask::Trust { effects: effects.clone(), hash };
                    if self.reporter.ask(ask).await? != Answer::Trust {
                        return Err(host_variables::refusal(effects));
                    }
                }
            }
        }
        trust
            .allow_variables(&container.id, &wanted)
            .map_err(|e| ErrorData::new(ErrorKind::Io, "the consent could not be kept").caused_by(&e))
    }

    /// Judges once more just before the container is made: getting its image may have taken long, and links in the
    /// folder may lead elsewhere by now, or volumes be there that were not. The container is made from what this has seen.
    async fn judge_again(&self, planned: &Planned) -> Result<Seen, ErrorData> {
        let environment = &self.params.client_environment;
        let volumes = volumes_of(&planned.configuration, &self.engine).await?;
        let now = effects_of(&planned.configuration, &planned.selection, environment, &volumes).await?;
        if now.hash == planned.effects.hash {
            return Ok(now.seen);
        }
        let details = now.hash.clone().map(|hash| ErrorDetails::HostEffects { effects: now.wire(), hash });
        let error = ErrorData::new(
            ErrorKind::Untrusted,
            "what the configuration does to the host changed while it was being opened",
        )
        .hint("see who changes links in the folder or makes its volumes, then run `gangplank up` again");
        Err(ErrorData { details, ..error })
    }

    async fn initialize(&self, planned: &Planned) -> Result<(), ErrorData> {
        let hook = LifecycleHook::Initialize;
        let Some(command) = planned.configuration.container.hook(hook) else { return Ok(()) };
        let mut step = self.reporter.begin(hook.property(), "Run initializeCommand on this machine");
        let folder = planned.selection.folder.as_str();
        let done = host::initialize(command, folder, &self.params.client_environment, &mut step).await;
        step.end(done)
    }
}

/// The configuration with every variable in its place, and with where it is in the reference's form of it.
///
/// # Errors
/// `configurationInvalid` for a variable without a name.
fn shown_configuration(planned: &Planned, container: &ContainerDetails) -> Result<Value, ErrorData> {
    let environment = variables(&container.env);
    let mut value = with_container_env(&planned.configuration.value, &environment)
        .map_err(|e| ErrorData::new(ErrorKind::ConfigurationInvalid, e.to_string()))?;
    let path = planned.selection.configuration.as_ref().map(HostPath::as_str);
    if let (Value::Object(properties), Some(path)) = (&mut value, path) {
        let file = json!({ "fsPath": path, "$mid": 1, "path": path, "scheme": "vscode-fileHost" });
        properties.insert("configFilePath".to_owned(), file);
    }
    Ok(value)
}
