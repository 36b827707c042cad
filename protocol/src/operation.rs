//! Long work: it returns its id at once, tells its progress, can be watched by several clients, cancelled, asked for
//! afterwards, and may ask the user a question.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::EngineId;
use crate::error::ErrorData;
use crate::feed::Cursor;
use crate::workspace::{ConfigurationOffer, Diagnostic, HostEffect};

/// Result of every method that begins long work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct OperationStarted {
    /// The operation.
    pub operation_id: String,
    /// True when the same work was running already and this request joined it.
    pub joined: bool,
}

/// Names an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationParams {
    /// The operation.
    pub operation_id: String,
}

/// Parameters of `operation/subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationSubscribeParams {
    /// The operation.
    pub operation_id: String,
    /// The last item the client has seen; without it the feed begins with the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Cursor>,
}

/// Parameters of `operation/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OperationAnswerParams {
    /// The operation.
    pub operation_id: String,
    /// The question answered; one that is not open is refused with `notAsked`.
    pub question_id: String,
    /// The answer.
    pub answer: Answer,
}

/// What an operation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum OperationKind {
    /// `image/pull`.
    ImagePull,
    /// `container/run`.
    ContainerRun,
    /// `workspace/up`.
    WorkspaceUp,
    /// `workspace/rebuild`.
    WorkspaceRebuild,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum OperationState {
    /// It works.
    Running,
    /// It waits for an answer.
    NeedsInput,
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// The daemon ended while it ran; asking for the same again goes on from where it stood.
    Interrupted,
}

impl OperationState {
    /// True when nothing more will happen.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Running | Self::NeedsInput)
    }
}

/// An operation as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id.
    pub operation_id: String,
    /// What it is about.
    pub kind: OperationKind,
    /// For people: the image, the folder.
    pub subject: String,
    /// The engine it works on, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineId>,
    /// How it stands.
    pub state: OperationState,
    /// When it began.
    pub started_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// Its steps so far.
    pub steps: Vec<Step>,
    /// What it asks, in state `needsInput`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    /// What it came to; the method says which type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorData>,
    /// What to do next, for `failed`, `interrupted`, and `cancelled` in a hook that counts as run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Everything it wrote, on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_path: Option<String>,
}

/// A step of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its name, as in `pull`, `create`, `postCreateCommand`.
    pub step: String,
    /// The same for people.
    pub title: String,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: u64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<u64>,
    /// The exit code, for a hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub enum StepStatus {
    /// It runs.
    Running,
    /// It is done.
    Succeeded,
    /// It failed.
    Failed,
    /// It was done already, or is not wanted.
    Skipped,
    /// It was cancelled or cut short.
    Cancelled,
}

/// An item of an operation's feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum OperationEvent {
    /// A step began or ended.
    Step {
        /// The step.
        step: Step,
    },
    /// Progress within a step.
    Progress {
        /// The step's name.
        step: String,
        /// What of it: a layer's id; empty for the step as a whole.
        item: String,
        /// What happens to it, as in `Downloading`.
        status: String,
        /// Bytes done.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<u64>,
        /// Bytes in all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total: Option<u64>,
    },
    /// A step's own output: whole lines, colours kept, other control characters escaped.
    Output {
        /// The step's name.
        step: String,
        /// Which command of a hook in object form.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// The text, with its line ends.
        text: String,
    },
    /// Something the user should know; the operation goes on.
    Warning {
        /// One sentence.
        message: String,
        /// Where in the configuration, if it is about that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        diagnostic: Option<Diagnostic>,
    },
    /// What the configuration does to the host, granted without a question.
    HostEffects {
        /// Every effect.
        effects: Vec<HostEffect>,
    },
    /// The operation waits for an answer.
    Question {
        /// The question.
        question: Question,
    },
    /// The question was answered, by this client or another.
    Answered {
        /// The question.
        #[serde(rename = "questionId")]
        question_id: String,
    },
    /// The operation is over: the last item of the feed.
    Ended {
        /// How.
        operation: Box<Operation>,
    },
}

/// A question to the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// To be given with the answer.
    pub question_id: String,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum Ask {
    /// May the configuration do this to the host? Answer `trust` or `refuse`.
    Trust {
        /// Every effect, in full.
        effects: Vec<HostEffect>,
        /// The hash that consent to exactly these effects is kept by.
        hash: String,
    },
    /// Which configuration? Answer `choose` with one of the paths.
    Configuration {
        /// The paths.
        configurations: Vec<String>,
    },
    /// There is no configuration: which image? Answer `choose` with the offer's `id`.
    Offer {
        /// The offers, best first.
        offers: Vec<ConfigurationOffer>,
    },
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase", tag = "type", deny_unknown_fields)]
pub enum Answer {
    /// Yes: remembered for this folder and exactly these effects.
    Trust,
    /// No: the operation ends with `untrusted` or `cancelled`.
    Refuse,
    /// This one.
    Choose {
        /// The path or id chosen.
        choice: String,
        /// With an offer: write the file (true), or only use it this once.
        #[serde(default)]
        write: bool,
    },
}
