//! `images`, `pull` and `rmi`.

use clap::Args;

/// `images`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank images\n  gangplank images python\n  gangplank images -q")]
pub(crate) struct Images {
    /// Ids only
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Ids in full
    #[arg(long)]
    pub(crate) no_trunc: bool,
    /// Only images of this repository, or with this name
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub(crate) name: Option<String>,
}

/// `pull`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  gangplank pull python:3\n  gangplank pull --platform linux/arm64 debian"
)]
pub(crate) struct Pull {
    /// The platform, as in `linux/arm64`; the engine's own without it
    #[arg(long)]
    pub(crate) platform: Option<String>,
    /// Tell no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The image
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,
}

/// `rmi`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gangplank rmi python:3\n  gangplank rmi -f sha256:1f3e")]
pub(crate) struct Rmi {
    /// Also when stopped containers use it, and with all its names
    #[arg(short, long)]
    pub(crate) force: bool,
    /// The images, by name or id
    #[arg(required = true, value_name = "IMAGE")]
    pub(crate) images: Vec<String>,
}
