//! Errors on the wire: a stable kind and number, the failing step, the causes, a hint, and where the log is.

use serde::{Deserialize, Serialize};

/// Declares the kinds once: variant, wire name (the variant in camelCase) and number.
macro_rules! error_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal,)+) => {
        /// What went wrong, as a stable name. Numbers and names are part of the contract: they are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
        #[serde(rename_all = "camelCase")]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ErrorKind {
            /// Every kind there is.
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$variant,)+];

            /// The JSON-RPC error number of this kind.
            pub fn number(self) -> i32 {
                match self { $(ErrorKind::$variant => $number,)+ }
            }

            /// What the kind means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(ErrorKind::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

error_kinds! {
    /// The parameters do not fit the method.
    InvalidParams = -32602,
    /// A defect in the daemon: the request failed, nothing else did.
    Internal = -32603,
    /// No engine answers, or the one asked for does not; `tried` in the causes names each attempt.
    EngineUnavailable = 1001,
    /// The engine refused or failed for a reason that has no kind of its own.
    EngineFailed = 1002,
    /// What the request names (container, image, workspace, process, operation, stream) does not exist.
    NotFound = 1003,
    /// The request contradicts the present state (a name or port in use, an image still needed).
    Conflict = 1004,
    /// The registry has no such image, or does not show it to this user.
    ImageNotFound = 1005,
    /// The registry could not be reached.
    RegistryUnreachable = 1006,
    /// The registry wants credentials.
    AuthenticationRequired = 1007,
    /// The folder has no dev container configuration; `offers` in the details lists images that suit it.
    ConfigurationNotFound = 1010,
    /// The folder has several configurations and none was chosen; the details list them.
    ConfigurationAmbiguous = 1011,
    /// The configuration cannot be used; the details hold each problem with line and column.
    ConfigurationInvalid = 1012,
    /// The configuration asks for something that changes the container and is not applied yet.
    NotApplied = 1013,
    /// The configuration reaches the host and was not trusted; the details list every effect.
    Untrusted = 1014,
    /// A lifecycle hook failed; `step` names it.
    LifecycleFailed = 1015,
    /// The workspace folder on this machine is not the one the engine would mount.
    WorkspaceNotOnEngine = 1016,
    /// The container's state does not allow the request (not running, paused, being removed).
    ContainerState = 1017,
    /// The program to run does not exist or may not be executed in the container.
    CommandNotExecutable = 1018,
    /// The operation was cancelled.
    Cancelled = 1020,
    /// The daemon ended while the operation ran.
    Interrupted = 1021,
    /// It did not happen in the time allowed.
    Timeout = 1022,
    /// The process ended with the daemon that started it, or its output is gone: it cannot be attached to.
    NotResumable = 1030,
    /// Too much at once: calls in flight, subscriptions, connections or streams of this client.
    Busy = 1031,
    /// The same `requestKey` came with other parameters.
    RequestKeyConflict = 1032,
    /// Client and daemon do not speak the same major protocol version.
    ProtocolVersionMismatch = 1033,
    /// The operation is not waiting for this answer.
    NotAsked = 1034,
    /// What was asked for cannot be done with this engine or on this machine.
    Unsupported = 1035,
    /// The file could not be read or written.
    Io = 1036,
}

impl ErrorKind {
    /// The name on the wire, as in `engineUnavailable`.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => format!("{self:?}"),
        }
    }

    /// The kind behind a JSON-RPC error number, if it is one of ours.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.number() == number)
    }
}

/// The `data` of a JSON-RPC error, and the error of a failed operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct ErrorData {
    /// What kind of failure this is.
    pub kind: ErrorKind,
    /// One sentence: what failed, on what. Free of control characters.
    pub message: String,
    /// The step of a long operation that failed, as in its progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why, from the nearest cause to the root.
    #[serde(default)]
    pub causes: Vec<String>,
    /// What the user can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Path on the host of the log with everything about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_path: Option<String>,
    /// More about it, by kind: see [`ErrorDetails`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<ErrorDetails>,
}

/// What some kinds of error add.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS), ts(optional_fields))]
#[serde(rename_all = "camelCase", tag = "type")]
pub enum ErrorDetails {
    /// With `configurationInvalid` and `notApplied`: every problem found.
    Diagnostics {
        /// The problems, in the order of the file.
        diagnostics: Vec<crate::workspace::Diagnostic>,
    },
    /// With `configurationNotFound`: images that suit the folder.
    Offers {
        /// The offers, best first.
        offers: Vec<crate::workspace::ConfigurationOffer>,
    },
    /// With `configurationAmbiguous`: the configurations to choose from.
    Configurations {
        /// Their paths.
        configurations: Vec<String>,
    },
    /// With `untrusted`: what the configuration would do to the host.
    HostEffects {
        /// Every effect, in full.
        effects: Vec<crate::workspace::HostEffect>,
        /// The hash that consent to exactly these effects is kept by.
        hash: String,
    },
    /// With `lifecycleFailed` and `commandNotExecutable`: how the command ended.
    #[serde(rename_all = "camelCase")]
    Command {
        /// Its exit code, if it ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The last lines it wrote, oldest first.
        #[serde(default)]
        last_output: Vec<String>,
        /// The container it ran in, left as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        container_id: Option<String>,
    },
}

impl ErrorData {
    /// An error of this kind with its one sentence.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            step: None,
            causes: Vec::new(),
            hint: None,
            log_path: None,
            details: None,
        }
    }

    /// The same with the chain of causes of `source`, outermost first.
    #[must_use]
    pub fn caused_by(mut self, source: &dyn std::error::Error) -> Self {
        let mut next = Some(source);
        while let Some(cause) = next {
            self.causes.push(cause.to_string());
            next = cause.source();
        }
        self
    }

    /// The same with what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with more about it.
    #[must_use]
    pub fn details(mut self, details: ErrorDetails) -> Self {
        self.details = Some(details);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_round_trip() {
        for (index, kind) in ErrorKind::ALL.iter().enumerate() {
            assert_eq!(ErrorKind::from_number(kind.number()), Some(*kind));
            assert!(ErrorKind::ALL[index + 1..].iter().all(|other| other.name() != kind.name()));
        }
    }

    #[test]
    fn causes_are_listed_from_the_nearest_to_the_root() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let error =
            ErrorData::new(ErrorKind::Io, "could not read").caused_by(&Outer(std::io::Error::other("inner")));
        assert_eq!(error.causes, ["outer", "inner"]);
    }
}
