//! Agents in containers: brought there, connected to, and spoken with. One for each container and user, started when it
//! is first wanted; what it runs outlives this daemon, which finds it again by what it has kept on the disk.

mod binary;
mod bridge;
mod channel;
pub mod delivery;
mod known;
mod volume;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use gangplank_engine::container::ContainerDetails;
use gangplank_engine::{Engine, EngineId};
use tokio::sync::watch;

use crate::store::Store;
use bridge::Errand;
pub(crate) use channel::{Attending, Channel, Item};
use delivery::Delivery;
use known::{Known, KnownAgents};

/// How long a request waits for agents of before to be connected to.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(5);

/// Whose agent it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    engine: EngineId,
    container_id: String,
    /// As named to the engine; empty for the container's own.
    user: String,
}

/// How it stands with an agent.
#[derive(Debug, Clone)]
pub(crate) enum Status {
    /// It is being brought and started.
    Coming,
    /// It can be spoken with.
    There(Channel),
    /// There cannot be one in this start of the container, and why.
    Cannot(Arc<str>),
    /// It was there, or could not be asked for: the next request tries anew.
    Gone,
}

/// An agent that can be spoken with.
#[derive(Debug)]
pub(crate) struct AgentThere {
    /// The engine of its container.
    pub(crate) engine: Engine,
    /// Its container.
    pub(crate) container_id: String,
    /// To speak with it.
    pub(crate) channel: Channel,
}

#[derive(Debug)]
struct Agent {
    engine: Engine,
    started_at: String,
    status: watch::Receiver<Status>,
}

/// The agents of this daemon; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Agents {
    known: KnownAgents,
    delivery: Delivery,
    /// Agents that sent what none of ours sends.
    violations: Arc<AtomicU64>,
    table: Arc<Mutex<BTreeMap<Whose, Agent>>>,
}

impl Agents {
    /// None yet; those of before are in the store.
    pub(crate) fn new(store: Store) -> Self {
        Self {
            known: KnownAgents::new(store.clone()),
            delivery: Delivery::new(store),
            violations: Arc::default(),
            table: Arc::default(),
        }
    }

    /// What brings the program into containers.
    pub(crate) fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// How many agents were dropped because they sent what none of ours sends.
    pub(crate) fn violations(&self) -> u64 {
        self.violations.load(Ordering::Relaxed)
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<Whose, Agent>> {
        // Inserts and removals of whole entries: a panic in between leaves a valid map.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands with the agent of `user` in this start of the container; nothing is begun.
    pub(crate) fn status(&self, engine: &Engine, container: &ContainerDetails, user: &str) -> Option<Status> {
        let table = self.table();
        let agent = table.get(&whose(engine, container, user))?;
        let status = agent.status.borrow().clone();
        (agent.started_at == container.state.started_at && !matches!(status, Status::Gone)).then_some(status)
    }

    /// Sees to it that there is an agent of `user` in the container, in a task of its own.
    pub(crate) fn want(
        &self,
        engine: &Engine,
        container: &ContainerDetails,
        user: &str,
    ) -> watch::Receiver<Status> {
        self.begin(engine, container, user, true)
    }

    fn begin(
        &self,
        engine: &Engine,
        container: &ContainerDetails,
        user: &str,
        may_start: bool,
    ) -> watch::Receiver<Status> {
        let mut table = self.table();
        let whose = whose(engine, container, user);
        if let Some(agent) = table.get(&whose) {
            let is_over = matches!(*agent.status.borrow(), Status::Gone);
            if agent.started_at == container.state.started_at && !is_over {
                return agent.status.clone();
            }
        }
        let (sender, status) = watch::channel(Status::Coming);
        let agent = Agent {
            engine: engine.clone(),
            started_at: container.state.started_at.clone(),
            status: status.clone(),
        };
        table.insert(whose, agent);
        drop(table);
        let attempt = Attempt {
            agents: self.clone(),
            engine: engine.clone(),
            container: container.clone(),
            user: user.to_owned(),
        };
        tokio::spawn(attempt.run(sender, may_start));
        status
    }

    /// The agent of `user`, once it can be spoken with.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn channel(
        &self,
        engine: &Engine,
        container: &ContainerDetails,
        user: &str,
    ) -> Result<Channel, Arc<str>> {
        let mut status = self.want(engine, container, user);
        match settled(&mut status).await {
            Status::There(channel) => Ok(channel),
            Status::Cannot(why) => Err(why),
            Status::Coming | Status::Gone => Err("the agent ended as soon as it was started".into()),
        }
    }

    /// Connects again to what earlier daemons have left on this engine, as far as its containers still run.
    pub(crate) async fn recover(&self, engine: &Engine) {
        let id = engine.id();
        let left = self.known.all().into_iter().filter(|known| known.engine == id.as_str());
        let each = left.map(|known| async move {
            if let Some(mut status) = self.coming_or_there(engine, &known) {
                settled(&mut status).await;
                return;
            }
            match engine.inspect_container(&known.container_id).await {
                Ok(container)
                    if container.state.running && container.state.started_at == known.started_at =>
                {
                    let mut status = self.begin(engine, &container, &known.user, false);
                    settled(&mut status).await;
                }
                // It was restarted, stopped or removed: the agent ended with it.
                Ok(_) => self.known.forget(&known),
                Err(error) if error.is_not_found() => self.known.forget(&known),
                Err(error) => tracing::debug!(%error, "a container of before could not be looked at"),
            }
        });
        // Slower ones go on beside.
        let _ = tokio::time::timeout(RECOVERY_PATIENCE, join_all(each)).await;
    }

    /// How it stands with an agent that somebody has asked for already.
    fn coming_or_there(&self, engine: &Engine, known: &Known) -> Option<watch::Receiver<Status>> {
        let whose =
            Whose { engine: engine.id(), container_id: known.container_id.clone(), user: known.user.clone() };
        let table = self.table();
        let agent = table.get(&whose).filter(|agent| agent.started_at == known.started_at)?;
        let is_over = matches!(*agent.status.borrow(), Status::Gone);
        (!is_over).then(|| agent.status.clone())
    }

    /// The engine of the agent with this id, as far as one is known.
    pub(crate) fn engine_of(&self, agent_id: &str) -> Option<String> {
        self.known.all().into_iter().find(|known| known.id == agent_id).map(|known| known.engine)
    }

    /// Every agent that can be spoken with.
    pub(crate) fn channels(&self) -> Vec<AgentThere> {
        let table = self.table();
        let there = table.iter().filter_map(|(whose, agent)| match &*agent.status.borrow() {
            Status::There(channel) => Some(AgentThere {
                engine: agent.engine.clone(),
                container_id: whose.container_id.clone(),
                channel: channel.clone(),
            }),
            _ => None,
        });
        there.collect()
    }

    /// Forgets a container that was removed.
    pub(crate) fn forget_container(&self, container_id: &str) {
        for known in self.known.of(container_id) {
            self.known.forget(&known);
        }
        self.table().retain(|whose, _| whose.container_id != container_id);
    }
}

fn whose(engine: &Engine, container: &ContainerDetails, user: &str) -> Whose {
    Whose { engine: engine.id(), container_id: container.id.clone(), user: user.to_owned() }
}

async fn settled(status: &mut watch::Receiver<Status>) -> Status {
    match status.wait_for(|status| !matches!(status, Status::Coming)).await {
        Ok(status) => status.clone(),
        Err(_) => Status::Gone,
    }
}

/// One attempt at an agent.
struct Attempt {
    agents: Agents,
    engine: Engine,
    container: ContainerDetails,
    user: String,
}

impl Attempt {
    async fn run(self, status: watch::Sender<Status>, may_start: bool) {
        let (known, bridge) = match self.reach(may_start).await {
            Ok(reached) => reached,
            Err(failed) => {
                tracing::info!(container = self.container.id, user = self.user, status = ?failed, "no agent");
                status.send_replace(failed);
                return;
            }
        };
        tracing::info!(
            container = known.container_id,
            user = known.user,
            agent = bridge.welcome.agent,
            pid = bridge.welcome.pid,
            "an agent is there"
        );
        let violations = Arc::clone(&self.agents.violations);
        let channel = Channel::over(bridge, self.engine.clone(), known.clone(), violations);
        status.send_replace(Status::There(channel.clone()));
        let exit = channel.until_lost().await;
        tracing::info!(container = known.container_id, reason = ?exit.reason, "an agent is gone");
        self.agents.known.forget(&known);
        status.send_replace(Status::Gone);
    }

    /// Connects to the agent that is there, or starts one.
    async fn reach(&self, may_start: bool) -> Result<(Known, bridge::Bridge), Status> {
        let before = self.agents.known.of(&self.container.id);
        let before = before
            .into_iter()
            .find(|known| known.user == self.user && known.started_at == self.container.state.started_at);
        if let Some(known) = before {
            match bridge::open(&self.engine, &known, Errand::Connect).await {
                Ok(bridge) => return Ok((known, bridge)),
                // Its key is let go of only when it is proven to be gone: its terminals could never be come back to.
                Err(error) if !error.is_proof_of_absence() => return Err(Status::Gone),
                Err(error) => {
                    tracing::info!(%error, container = known.container_id, "the agent of before is not there");
                    self.agents.known.forget(&known);
                }
            }
        }
        if !may_start {
            return Err(Status::Gone);
        }
        let located = self.agents.delivery.locate(&self.engine, &self.container, &self.user).await;
        let known = Known {
            id: crate::identifier::random("").split_off(24),
            engine: self.engine.id().as_str().to_owned(),
            container_id: self.container.id.clone(),
            started_at: self.container.state.started_at.clone(),
            user: self.user.clone(),
            program: located.map_err(|why| Status::Cannot(why.to_string().into()))?,
            socket: crate::identifier::random("gangplank-"),
            key: gangplank_agent_protocol::handshake::Key::new(crate::identifier::nonce()),
        };
        // Before it runs: one that nobody could come back to would be left alone for ever.
        let kept = self.agents.known.keep(&known);
        kept.map_err(|error| Status::Cannot(format!("its key could not be kept: {error}").into()))?;
        match bridge::open(&self.engine, &known, Errand::Start).await {
            Ok(bridge) => Ok((known, bridge)),
            Err(error) => {
                if error.is_passing() {
                    // Its core may run all the same: the next attempt asks for it first.
                    return Err(Status::Gone);
                }
                self.agents.known.forget(&known);
                Err(Status::Cannot(error.to_string().into()))
            }
        }
    }
}
