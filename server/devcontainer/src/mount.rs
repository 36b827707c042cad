//! Mounts, in the three ways they are written: Docker's `--mount` text, the object of devcontainer.json, and (in
//! [`Volume`]) the shorter `-v` text.

use std::fmt;

use thiserror::Error;

use crate::csv::{self, CsvError};

/// What is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountKind {
    /// A path of the host.
    Bind,
    /// A volume of the engine. What a mount is that names no type.
    Volume,
    /// Memory.
    Tmpfs,
}

impl MountKind {
    /// The values of `type`.
    pub const VALUES: [&'static str; 3] = ["bind", "volume", "tmpfs"];

    /// The value of `type` that means this.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Volume => "volume",
            Self::Tmpfs => "tmpfs",
        }
    }
}

/// A mount. Source and target are as written: variables may still stand in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// What is mounted.
    pub kind: MountKind,
    /// A host path or a volume's name. `None` for memory and for a volume without a name.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
    /// `consistency`: kept, of effect on macOS only.
    pub consistency: Option<String>,
    /// `bind-propagation`, for a bind: `rprivate`, `rshared`, …
    pub propagation: Option<String>,
    /// `bind-recursive=disabled` or `bind-nonrecursive`: mounts beneath a bind's source are left out.
    pub non_recursive: bool,
    /// `volume-nocopy`: a new volume is not filled from the image.
    pub no_copy: bool,
    /// `volume-subpath`: the part of the volume that is mounted.
    pub volume_subpath: Option<String>,
    /// `tmpfs-size` in bytes.
    pub tmpfs_size: Option<u64>,
    /// `tmpfs-mode`: permission bits.
    pub tmpfs_mode: Option<u32>,
}

/// A mount that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MountError {
    /// The text is not one record of comma-separated fields.
    #[error("not a list of comma-separated fields")]
    Csv(#[source] CsvError),
    /// `type` has another value than the three that are known.
    #[error("unknown mount type {0:?}; there are bind, volume and tmpfs")]
    UnknownType(String),
    /// A field that no mount has.
    #[error("unknown mount field {0:?}")]
    UnknownField(String),
    /// A field without `=value`, or with an empty one, that needs one.
    #[error("mount field {0:?} needs a value")]
    NoValue(String),
    /// A field whose value cannot be read.
    #[error("mount field {field:?} cannot be {value:?}")]
    BadValue {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
    /// No target.
    #[error("a mount needs a target")]
    NoTarget,
    /// A bind without a source.
    #[error("a bind mount needs a source")]
    NoSource,
    /// Memory with a source.
    #[error("a tmpfs mount has no source")]
    SourceOnTmpfs,
    /// A path as the source of a volume.
    #[error("the source {0:?} is a path, but the mount's type is volume")]
    PathAsVolume(String),
}

impl MountError {
    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PathAsVolume(_) => Some("add type=bind to mount a folder of the host"),
            Self::Csv(_) => Some("put quotes around a whole field that has a comma: \"source=/a,b\""),
            _ => None,
        }
    }
}

impl Mount {
    /// A mount of `kind` without further options.
    pub fn new(kind: MountKind, source: Option<String>, target: String) -> Self {
        Self {
            kind,
            source,
            target,
            read_only: false,
            consistency: None,
            propagation: None,
            non_recursive: false,
            no_copy: false,
            volume_subpath: None,
            tmpfs_size: None,
            tmpfs_mode: None,
        }
    }

    /// A host folder at a place in the container.
    pub fn bind(source: impl Into<String>, target: impl Into<String>) -> Self {
        Self::new(MountKind::Bind, Some(source.into()), target.into())
    }

    /// Reads the value of `--mount`: `type=bind,source=/a,target=/b,readonly`.
    ///
    /// # Errors
    /// What Docker would refuse, before it is asked.
    pub fn parse(text: &str) -> Result<Self, MountError> {
        let mut mount = Self::new(MountKind::Volume, None, String::new());
        for field in csv::split(text).map_err(MountError::Csv)? {
            match field.split_once('=') {
                Some((name, value)) => mount.set(&name.trim().to_ascii_lowercase(), Some(value))?,
                None => mount.set(&field.trim().to_ascii_lowercase(), None)?,
            }
        }
        mount.check()
    }

    /// Reads the object form: fields are those of the text form.
    ///
    /// # Errors
    /// As [`Mount::parse`].
    pub fn from_fields<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, MountError> {
        let mut mount = Self::new(MountKind::Volume, None, String::new());
        for (name, value) in fields {
            mount.set(name, Some(value))?;
        }
        mount.check()
    }

    fn set(&mut self, field: &str, value: Option<&str>) -> Result<(), MountError> {
        let text = || match value {
            Some(value) if !value.is_empty() => Ok(value.to_owned()),
            _ => Err(MountError::NoValue(field.to_owned())),
        };
        let bad = |value: &str| MountError::BadValue { field: field.to_owned(), value: value.to_owned() };
        let switch = || match value {
            None => Ok(true),
            Some(value) => go_bool(value).ok_or_else(|| bad(value)),
        };
        match field {
            "type" => {
                self.kind = match text()?.to_ascii_lowercase().as_str() {
                    "bind" => MountKind::Bind,
                    "volume" => MountKind::Volume,
                    "tmpfs" => MountKind::Tmpfs,
                    other => return Err(MountError::UnknownType(other.to_owned())),
                };
            }
            // An empty source is how a configuration writes "none"; the kind decides whether that will do.
            "source" | "src" => self.source = value.filter(|source| !source.is_empty()).map(str::to_owned),
            "target" | "dst" | "destination" => self.target = text()?,
            "readonly" | "ro" => self.read_only = switch()?,
            "consistency" => self.consistency = Some(text()?.to_ascii_lowercase()),
            "bind-propagation" => self.propagation = Some(text()?.to_ascii_lowercase()),
            "bind-nonrecursive" => self.non_recursive = switch()?,
            "bind-recursive" => {
                self.non_recursive = match text()?.as_str() {
                    "enabled" => false,
                    "disabled" => true,
                    other => return Err(bad(other)),
                };
            }
            "volume-nocopy" => self.no_copy = switch()?,
            "volume-subpath" => self.volume_subpath = Some(text()?),
            "tmpfs-size" => {
                let value = text()?;
                let size = crate::quantity::bytes(&value).ok_or_else(|| bad(&value))?;
                self.tmpfs_size = Some(size);
            }
            "tmpfs-mode" => {
                let value = text()?;
                self.tmpfs_mode = Some(u32::from_str_radix(&value, 8).map_err(|_| bad(&value))?);
            }
            other => return Err(MountError::UnknownField(other.to_owned())),
        }
        Ok(())
    }

    fn check(self) -> Result<Self, MountError> {
        if self.target.is_empty() {
            return Err(MountError::NoTarget);
        }
        match (self.kind, &self.source) {
            (MountKind::Bind, None) => Err(MountError::NoSource),
            (MountKind::Tmpfs, Some(_)) => Err(MountError::SourceOnTmpfs),
            (MountKind::Volume, Some(source)) if source.starts_with('/') => {
                Err(MountError::PathAsVolume(source.clone()))
            }
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Mount {
    /// The value for `--mount` that means this mount.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = vec![format!("type={}", self.kind.as_str())];
        let mut field = |name: &str, value: Option<String>| {
            fields.extend(value.map(|value| format!("{name}={value}")));
        };
        field("source", self.source.clone());
        field("target", Some(self.target.clone()));
        field("consistency", self.consistency.clone());
        field("bind-propagation", self.propagation.clone());
        field("volume-subpath", self.volume_subpath.clone());
        field("tmpfs-size", self.tmpfs_size.map(|size| size.to_string()));
        field("tmpfs-mode", self.tmpfs_mode.map(|mode| format!("{mode:o}")));
        let switches = [
            (self.read_only, "readonly"),
            (self.non_recursive, "bind-recursive=disabled"),
            (self.no_copy, "volume-nocopy"),
        ];
        fields.extend(switches.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
        f.write_str(&csv::join(fields.iter().map(String::as_str)))
    }
}

/// What Go's `strconv.ParseBool`, and so Docker, takes for a truth value.
pub(crate) fn go_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The value of `-v`: `[source:]target[:options]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// A host path (absolute) or a volume's name. A missing host folder is made by the engine.
    pub source: Option<String>,
    /// The path in the container.
    pub target: String,
    /// `ro`, `z`, `cached`, …, as written, separated by commas.
    pub options: Option<String>,
}

/// A `-v` value that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VolumeError {
    /// Not one to three parts.
    #[error("{0:?} is not of the form source:target:options")]
    Form(String),
    /// The source is a path that is not absolute.
    #[error("the host path {0:?} is not absolute")]
    RelativeSource(String),
    /// The target is not absolute.
    #[error("the container path {0:?} is not absolute")]
    RelativeTarget(String),
}

impl Volume {
    /// Reads the value of `-v`.
    ///
    /// # Errors
    /// When it has no absolute target, or a relative host path: there is no folder it could be relative to.
    pub fn parse(text: &str) -> Result<Self, VolumeError> {
        let parts: Vec<&str> = text.split(':').collect();
        let (source, target, options) = match parts.as_slice() {
            [target] => (None, *target, None),
            [source, target] => (Some(*source), *target, None),
            [source, target, options] => (Some(*source), *target, Some(*options)),
            _ => return Err(VolumeError::Form(text.to_owned())),
        };
        if source == Some("") || options == Some("") {
            return Err(VolumeError::Form(text.to_owned()));
        }
        if let Some(relative) = source.filter(|source| source.starts_with(['.', '~'])) {
            return Err(VolumeError::RelativeSource(relative.to_owned()));
        }
        if !target.starts_with('/') {
            return Err(VolumeError::RelativeTarget(target.to_owned()));
        }
        Ok(Self {
            source: source.map(str::to_owned),
            target: target.to_owned(),
            options: options.map(str::to_owned),
        })
    }

    /// The host path, when the source is one.
    pub fn host_path(&self) -> Option<&str> {
        self.source.as_deref().filter(|source| source.starts_with('/'))
    }
}

impl fmt::Display for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.source.as_deref(), Some(self.target.as_str()), self.options.as_deref()];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(":"))
    }
}

#[cfg(test)]
mod tests;
