//! The volume with the agent's program: one for each version of it and each installation on each engine, filled once,
//! through a container that is made for that and never started.
//!
//! Killed at any moment, nothing goes wrong: a volume counts as filled only when that was written down afterwards, and
//! the next filling removes the container that an earlier one left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gangplank_devcontainer::effects::AGENT_VOLUME_PREFIX;
use gangplank_engine::container::{ContainerFilter, ContainerSpec, NewFile};
use gangplank_engine::volume::Volume;
use gangplank_engine::{Engine, EngineError, EngineId};
use serde::{Deserialize, Serialize};

use super::binary;
use super::delivery::{AGENT_LABEL, NoAgent, PLACE, PROGRAM_NAME};
use crate::identifier;
use crate::store::Store;

/// On a volume: the installation whose it is. On the container that fills it: the same.
const INSTALLATION_LABEL: &str = "dev.gangplank.agent.installation";
/// On the container that fills a volume.
const FILLER_LABEL: &str = "dev.gangplank.agent.filler";
/// The beginning of that container's name.
const FILLER_BEGINS: &str = "gangplank-filler-";

/// The state file.
const STATE: &str = "agent.json";

/// How often an earlier filling's container, which is on its way in or out, is waited for.
const MOST_WAITS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// What is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    /// Whose volumes are ours: random, since users of one engine may have one name, and one user several of these.
    installation: String,
    /// The volume that was filled on each engine.
    filled: BTreeMap<String, Filled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filled {
    volume: String,
    /// The engine's text: another one of the same name is another volume.
    created: String,
}

/// A volume of this version and installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnVolume {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
}

impl OwnVolume {
    fn of(installation: &str) -> Self {
        let version = binary::VERSION.as_str();
        let labels = [(AGENT_LABEL, version), (INSTALLATION_LABEL, installation)];
        Self {
            name: format!("{AGENT_VOLUME_PREFIX}{version}-{installation}"),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        }
    }

    /// Whether `volume` is this one, and nothing but a place for data.
    fn is(&self, volume: &Volume) -> bool {
        let has = |(name, value): (&String, &String)| volume.labels.get(name) == Some(value);
        volume.name == self.name && self.labels.iter().all(has) && is_plain(volume)
    }

    fn foreign(&self) -> NoAgent {
        NoAgent::ForeignVolume { name: self.name.clone() }
    }
}

fn is_plain(volume: &Volume) -> bool {
    volume.driver == "local" && volume.options.is_empty()
}

/// The volumes of this installation.
#[derive(Debug)]
pub(super) struct Volumes {
    store: Store,
    kept: Mutex<Option<Kept>>,
    /// Who fills on an engine: one at a time.
    turns: Mutex<BTreeMap<EngineId, Arc<tokio::sync::Mutex<()>>>>,
}

impl Volumes {
    pub(super) fn new(store: Store) -> Self {
        Self { store, kept: Mutex::default(), turns: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        // Whole values are put in: a panic in between leaves a valid one.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which installation this is; decided, and written down, at its first use.
    fn installation(&self) -> Result<String, NoAgent> {
        let mut kept = self.kept();
        if let Some(kept) = &*kept {
            return Ok(kept.installation.clone());
        }
        let known = match self.store.read::<Kept>(STATE) {
            Some(known) => known,
            None => {
                let new = Kept { installation: identifier::random(""), filled: BTreeMap::new() };
                self.store.write(STATE, &new).map_err(NoAgent::State)?;
                new
            }
        };
        Ok(kept.insert(known).installation.clone())
    }

    /// The volume with the program, filled where it was not; `image` and `platform` are what a container on this engine
    /// can be made of.
    pub(super) async fn ensure(
        self: &Arc<Self>,
        engine: &Engine,
        image: &str,
        platform: Option<&str>,
    ) -> Result<OwnVolume, NoAgent> {
        let own = OwnVolume::of(&self.installation()?);
        if self.is_filled(engine, &own).await? {
            return Ok(own);
        }
        // A task of its own: when the operation is cancelled meanwhile, it still removes what it made.
        let (this, engine) = (Arc::clone(self), engine.clone());
        let (image, platform) = (image.to_owned(), platform.map(str::to_owned));
        let filling = tokio::spawn(async move { this.fill(&engine, own, &image, platform).await });
        filling.await.unwrap_or_else(|panic| Err(NoAgent::Defect(panic.to_string())))
    }

    /// Whether the volume of this name holds a program that we put there. One of this version is filled again where
    /// needed.
    pub(super) async fn holds_program(
        self: &Arc<Self>,
        engine: &Engine,
        name: &str,
        image: &str,
    ) -> Result<bool, NoAgent> {
        let installation = self.installation()?;
        if name == OwnVolume::of(&installation).name {
            return self.ensure(engine, image, None).await.map(|_| true);
        }
        // An earlier version's: it went into the container only when it was filled.
        let volume = engine.inspect_volume(name).await?;
        Ok(is_of_installation(&volume, &installation) && is_plain(&volume))
    }

    async fn is_filled(&self, engine: &Engine, own: &OwnVolume) -> Result<bool, NoAgent> {
        match engine.inspect_volume(&own.name).await {
            Ok(volume) if own.is(&volume) => Ok(self.remembers(engine, &volume)),
            Ok(_) => Err(own.foreign()),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn remembers(&self, engine: &Engine, volume: &Volume) -> bool {
        let filled = Filled { volume: volume.name.clone(), created: volume.created.clone() };
        self.kept().as_ref().and_then(|kept| kept.filled.get(engine.id().as_str())) == Some(&filled)
    }

    fn remember(&self, engine: &Engine, volume: Volume) {
        let filled = Filled { volume: volume.name, created: volume.created };
        let mut kept = self.kept();
        let Some(kept) = &mut *kept else { return };
        kept.filled.insert(engine.id().as_str().to_owned(), filled);
        if let Err(error) = self.store.write(STATE, kept) {
            // The next daemon fills it again.
            tracing::warn!(%error, "that the agent's volume is filled was not written down");
        }
    }

    fn turn(&self, engine: &Engine) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(engine.id()).or_default())
    }

    async fn fill(
        &self,
        engine: &Engine,
        own: OwnVolume,
        image: &str,
        platform: Option<String>,
    ) -> Result<OwnVolume, NoAgent> {
        let turn = self.turn(engine);
        let _turn = turn.lock().await;
        if self.is_filled(engine, &own).await? {
            return Ok(own);
        }
        let installation = self.installation()?;
        sweep(engine, &installation).await;
        if !own.is(&engine.create_volume(&own.name, &own.labels).await?) {
            return Err(own.foreign());
        }
        let filler = create_filler(engine, filler(&own, &installation, image, platform)).await?;
        let program = NewFile { name: PROGRAM_NAME, mode: 0o555, content: binary::PROGRAM };
        let laid = engine.lay_file(&filler, PLACE, program).await;
        let removed = engine.remove_container(&filler, false, true).await;
        laid?;
        removed?;
        // Asked only now: to Docker 20.10 a volume is as old as the last file put into it.
        let volume = engine.inspect_volume(&own.name).await?;
        if !own.is(&volume) {
            return Err(own.foreign());
        }
        tracing::info!(engine = engine.id().as_str(), volume = volume.name, "the agent's volume is filled");
        self.remember(engine, volume);
        remove_others(engine, &own, &installation).await;
        Ok(own)
    }
}

fn is_of_installation(volume: &Volume, installation: &str) -> bool {
    volume.name.starts_with(AGENT_VOLUME_PREFIX)
        && volume.labels.contains_key(AGENT_LABEL)
        && volume.labels.get(INSTALLATION_LABEL).is_some_and(|of| of == installation)
}

/// A container that nobody can start: its program is in no image.
fn filler(own: &OwnVolume, installation: &str, image: &str, platform: Option<String>) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        name: Some(format!("{FILLER_BEGINS}{installation}")),
        platform,
        entrypoint: Some(vec![format!("/{FILLER_BEGINS}{installation}")]),
        network_mode: Some("none".to_owned()),
        mounts: vec![own.clone().mounted_at(PLACE, false)],
        labels: [(FILLER_LABEL.to_owned(), installation.to_owned())].into(),
        ..ContainerSpec::default()
    }
}

/// Makes the container. Its name is taken while that of a daemon that was killed is on its way in or out.
async fn create_filler(engine: &Engine, mut spec: ContainerSpec) -> Result<String, NoAgent> {
    let installation = spec.labels.get(FILLER_LABEL).cloned().unwrap_or_default();
    for _ in 0..MOST_WAITS {
        match engine.create_container(&spec).await {
            Ok(created) => return Ok(created.id),
            Err(EngineError::NameInUse { .. }) => {
                sweep(engine, &installation).await;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
    // Somebody else's container has the name; any other will do.
    spec.name = None;
    Ok(engine.create_container(&spec).await?.id)
}

/// Removes the container that a filling left which was killed. An image can bring the label, and so a container of
/// anybody's have it, but not one that was never started and mounts the volume to fill it.
async fn sweep(engine: &Engine, installation: &str) {
    let filter = ContainerFilter { all: true, labels: vec![format!("{FILLER_LABEL}={installation}")] };
    for container in engine.list_containers(&filter).await.unwrap_or_default() {
        let fills = container.mounts.iter().any(|mount| {
            mount.kind == "volume"
                && mount.target == PLACE
                && mount.name.ends_with(&format!("-{installation}"))
        });
        if container.state != "created" || !fills {
            continue;
        }
        // Without force: one that runs by now stays.
        if let Err(error) = engine.remove_container(&container.id, false, true).await {
            tracing::debug!(%error, "a container that filled the agent's volume was not removed");
        }
    }
}

/// Removes the volumes of other versions, but those that a container still mounts: the engine refuses these.
async fn remove_others(engine: &Engine, own: &OwnVolume, installation: &str) {
    let labels = [format!("{INSTALLATION_LABEL}={installation}")];
    let volumes = engine.list_volumes(&labels).await.unwrap_or_default();
    for volume in volumes.iter().filter(|volume| is_of_installation(volume, installation)) {
        if volume.name == own.name {
            continue;
        }
        if let Err(error) = engine.remove_volume(&volume.name, false).await {
            tracing::debug!(%error, "an earlier version's volume stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;

    fn volumes(home: &std::path::Path) -> Volumes {
        let environment = [("XDG_STATE_HOME".to_owned(), home.display().to_string())].into();
        Volumes::new(Store::new(Place::prepare(&environment).unwrap()))
    }

    #[test]
    fn an_installation_stays_itself_and_no_two_are_alike() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let installation = volumes(one.path()).installation().unwrap();
        assert_eq!(volumes(one.path()).installation().unwrap(), installation);
        assert_ne!(volumes(two.path()).installation().unwrap(), installation);
    }

    #[test]
    fn only_a_plain_volume_with_our_labels_is_ours() {
        let own = OwnVolume::of("ada");
        let plain = Volume {
            name: own.name.clone(),
            driver: "local".into(),
            labels: own.labels.clone(),
            options: BTreeMap::new(),
            created: "2026".into(),
        };
        assert!(own.is(&plain));
        assert!(!OwnVolume::of("bob").is(&plain));
        for label in own.labels.keys() {
            let mut other = plain.clone();
            other.labels.insert(label.clone(), "x".into());
            assert!(!own.is(&other), "{label}");
            other.labels.remove(label);
            assert!(!own.is(&other), "{label}");
        }
        let options = [("device".to_owned(), "/home/ada".to_owned())].into();
        assert!(!own.is(&Volume { options, ..plain.clone() }));
        assert!(!own.is(&Volume { driver: "nfs".into(), ..plain.clone() }));
        assert!(is_of_installation(&plain, "ada"));
        assert!(!is_of_installation(&Volume { name: "data".into(), ..plain.clone() }, "ada"));
        assert!(!is_of_installation(&plain, "bob"));
    }
}
