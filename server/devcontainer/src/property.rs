//! Every property that devcontainer.json can have, and what becomes of it.
//!
//! The list is the specification's base schema with its legacy forms. A property that changes the container and is
//! not applied is an error, since a container without it would look right and be used for ever; one that changes
//! something around the container is a warning.

use crate::suggest::nearest;

/// What becomes of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It is applied, or needs no applying.
    Applied,
    /// It is read and has no effect yet: a warning.
    NotApplied,
    /// It changes the container and is not applied yet: an error.
    NotAppliedToContainer,
    /// An old form: it is read as part of `customizations.vscode`.
    MovedToCustomizations,
}

/// All properties, in the order of the schema.
pub const PROPERTIES: &[(&str, Support)] = &[
    ("$schema", Support::Applied),
    ("name", Support::Applied),
    ("image", Support::Applied),
    ("build", Support::NotAppliedToContainer),
    ("dockerFile", Support::NotAppliedToContainer),
    ("context", Support::NotApplied),
    ("dockerComposeFile", Support::NotAppliedToContainer),
    ("service", Support::NotApplied),
    ("runServices", Support::NotApplied),
    ("features", Support::NotAppliedToContainer),
    ("overrideFeatureInstallOrder", Support::NotApplied),
    ("workspaceFolder", Support::Applied),
    ("workspaceMount", Support::Applied),
    ("mounts", Support::Applied),
    ("containerEnv", Support::Applied),
    ("containerUser", Support::Applied),
    ("remoteEnv", Support::Applied),
    ("remoteUser", Support::Applied),
    ("updateRemoteUserUID", Support::Applied),
    ("init", Support::Applied),
    ("privileged", Support::Applied),
    ("capAdd", Support::Applied),
    ("securityOpt", Support::Applied),
    ("runArgs", Support::Applied),
    ("appPort", Support::NotAppliedToContainer),
    ("overrideCommand", Support::Applied),
    ("shutdownAction", Support::NotApplied),
    ("initializeCommand", Support::Applied),
    ("onCreateCommand", Support::Applied),
    ("updateContentCommand", Support::Applied),
    ("postCreateCommand", Support::Applied),
    ("postStartCommand", Support::Applied),
    ("postAttachCommand", Support::Applied),
    ("waitFor", Support::Applied),
    ("userEnvProbe", Support::Applied),
    ("forwardPorts", Support::NotApplied),
    ("portsAttributes", Support::NotApplied),
    ("otherPortsAttributes", Support::NotApplied),
    ("hostRequirements", Support::NotApplied),
    ("secrets", Support::NotApplied),
    ("customizations", Support::Applied),
    ("settings", Support::MovedToCustomizations),
    ("extensions", Support::MovedToCustomizations),
    ("devPort", Support::MovedToCustomizations),
];

/// What becomes of the property of this name; `None` when there is no such property.
pub fn support(name: &str) -> Option<Support> {
    PROPERTIES.iter().find(|(known, _)| *known == name).map(|(_, support)| *support)
}

/// The property whose name `written` was probably meant to be.
pub fn did_you_mean(written: &str) -> Option<&'static str> {
    nearest(written, PROPERTIES.iter().map(|(name, _)| *name))
}
