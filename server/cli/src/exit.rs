//! The exit codes of Gangplank's own verbs. `up` and `exec` stand in for the reference's and exit as those do.

use gangplank_protocol::ErrorKind;

/// It did what it should.
pub(crate) const OK: u8 = 0;
/// It failed for a reason without a code of its own.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong.
pub(crate) const USAGE: u8 = 2;
/// What was named does not exist.
pub(crate) const NOT_FOUND: u8 = 3;
/// The configuration reaches the host and was not trusted.
pub(crate) const UNTRUSTED: u8 = 4;
/// No engine answers.
pub(crate) const ENGINE_UNAVAILABLE: u8 = 5;
/// The configuration cannot be used.
pub(crate) const CONFIGURATION: u8 = 6;
/// A lifecycle hook failed.
pub(crate) const LIFECYCLE: u8 = 7;
/// It did not happen in the time allowed; `timeout(1)`'s code.
pub(crate) const TIMEOUT: u8 = 124;
/// The command to run does not exist; a shell's code.
pub(crate) const COMMAND_NOT_FOUND: u8 = 127;
/// The user interrupted it: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;
/// Nobody reads standard output any more: 128 + SIGPIPE.
pub(crate) const BROKEN_PIPE: u8 = 141;

/// The exit code that says that a signal ended it.
pub(crate) fn of_signal(number: u8) -> u8 {
    128_u8.saturating_add(number)
}

/// The exit code of an error of this kind.
pub(crate) fn of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidParams => USAGE,
        ErrorKind::NotFound | ErrorKind::ImageNotFound | ErrorKind::ConfigurationNotFound => NOT_FOUND,
        ErrorKind::Untrusted => UNTRUSTED,
        ErrorKind::EngineUnavailable => ENGINE_UNAVAILABLE,
        ErrorKind::ConfigurationAmbiguous | ErrorKind::ConfigurationInvalid | ErrorKind::NotApplied => {
            CONFIGURATION
        }
        ErrorKind::LifecycleFailed => LIFECYCLE,
        ErrorKind::CommandNotExecutable => COMMAND_NOT_FOUND,
        ErrorKind::Timeout => TIMEOUT,
        ErrorKind::Cancelled => INTERRUPTED,
        ErrorKind::Internal
        | ErrorKind::EngineFailed
        | ErrorKind::Conflict
        | ErrorKind::RegistryUnreachable
        | ErrorKind::AuthenticationRequired
        | ErrorKind::WorkspaceNotOnEngine
        | ErrorKind::ContainerState
        | ErrorKind::Interrupted
        | ErrorKind::NotResumable
        | ErrorKind::Busy
        | ErrorKind::RequestKeyConflict
        | ErrorKind::ProtocolVersionMismatch
        | ErrorKind::NotAsked
        | ErrorKind::Unsupported
        | ErrorKind::Io => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_codes() {
        for (kind, code) in [
            (ErrorKind::EngineFailed, 1),
            (ErrorKind::InvalidParams, 2),
            (ErrorKind::NotFound, 3),
            (ErrorKind::Untrusted, 4),
            (ErrorKind::EngineUnavailable, 5),
            (ErrorKind::ConfigurationInvalid, 6),
            (ErrorKind::LifecycleFailed, 7),
            (ErrorKind::Timeout, 124),
            (ErrorKind::Cancelled, 130),
        ] {
            assert_eq!(of_kind(kind), code, "{kind:?}");
        }
    }

    #[test]
    fn no_error_is_success() {
        for kind in ErrorKind::ALL {
            assert_ne!(of_kind(*kind), OK, "{kind:?}");
        }
        assert_eq!(of_signal(2), INTERRUPTED);
    }
}
