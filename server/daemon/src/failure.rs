//! The one place where an engine's errors become the protocol's: an exhaustive match, so that a new kind is decided
//! on rather than lumped together.

use gangplank_engine::{EngineError, ObjectKind};
use gangplank_protocol::{ErrorData, ErrorKind};

/// The error for a process that was to run as the remote user.
pub fn from_exec_as(user: &str, error: EngineError) -> ErrorData {
    match error {
        EngineError::InvalidParameter { message, .. } => {
            let mut data = ErrorData::new(
                ErrorKind::ConfigurationInvalid,
                format!("the container has no user {user:?}, whom remoteUser names"),
            )
            .hint("set remoteUser to a user that the image has, or leave it out");
            data.causes = vec![message];
            data
        }
        error => from_engine(error),
    }
}

/// The protocol's error for an engine's.
pub fn from_engine(error: EngineError) -> ErrorData {
    let message = error.to_string();
    let new = |kind| ErrorData::new(kind, message.clone());
    match error {
        EngineError::Unavailable { tried } => {
            let mut data = ErrorData::new(ErrorKind::EngineUnavailable, "no container engine answered")
                .hint("start Docker or Podman, or say which engine with --context or DOCKER_HOST");
            data.causes =
                tried.into_iter().map(|attempt| format!("{}: {}", attempt.what, attempt.why)).collect();
            data
        }
        EngineError::NotFound { kind: ObjectKind::Image, .. } => {
            new(ErrorKind::NotFound).hint("`gangplank images` lists what there is")
        }
        EngineError::NotFound { kind: ObjectKind::Container, .. } => {
            new(ErrorKind::NotFound).hint("`gangplank ps -a` lists what there is")
        }
        EngineError::NotFound { .. } => new(ErrorKind::NotFound),
        EngineError::NotRunning { .. } => new(ErrorKind::ContainerState).hint("`gangplank start` starts it"),
        EngineError::StillRunning { .. } => new(ErrorKind::Conflict)
            .hint("`gangplank stop` it first, or remove it running with `gangplank rm -f`"),
        EngineError::NameInUse { .. } => {
            new(ErrorKind::Conflict).hint("take another name, or remove the container that has it")
        }
        EngineError::PortInUse { .. } => {
            new(ErrorKind::Conflict).hint("publish on another port, or stop what uses it")
        }
        EngineError::MountSourceMissing { .. } => {
            new(ErrorKind::EngineFailed).hint("make the folder, or mend the mount")
        }
        EngineError::Conflict { .. } => new(ErrorKind::Conflict),
        EngineError::ImageNotFound { .. } => new(ErrorKind::ImageNotFound)
            .hint("check the image's name and tag; a private one needs `docker login`"),
        EngineError::RegistryUnreachable { .. } => {
            new(ErrorKind::RegistryUnreachable).hint("check the network and the engine's proxy settings")
        }
        EngineError::AuthRequired { .. } => {
            new(ErrorKind::AuthenticationRequired).hint("log in with `docker login`")
        }
        EngineError::CommandNotRunnable { .. } => {
            new(ErrorKind::CommandNotExecutable).hint("check the command's name and that the image has it")
        }
        EngineError::InvalidParameter { .. } => new(ErrorKind::InvalidParams),
        EngineError::Timeout { .. } => new(ErrorKind::Timeout),
        EngineError::Unsupported { .. } => new(ErrorKind::Unsupported),
        EngineError::Malformed { .. } | EngineError::Other { .. } => {
            if message.contains("outside of container mount namespace root") {
                // The runtime calls it an attack; what happened is far more ordinary.
                let mut data = ErrorData::new(
                    ErrorKind::ContainerState,
                    "a folder mounted in the container was replaced on the host, so the container still sees the old one",
                )
                .hint("`gangplank up` mends it by restarting the container");
                data.causes = vec![message];
                data
            } else {
                new(ErrorKind::EngineFailed)
            }
        }
    }
}
