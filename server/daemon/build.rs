//! Builds the agent and lays it beside, for `src/agent/binary.rs` to embed: a static program, so that it runs in images
//! without a C library, and a small one.

use std::path::PathBuf;
use std::process::{Command, exit};

/// What the agent is made of, from here.
const SOURCES: [&str; 5] = [
    "../agent/src",
    "../agent/Cargo.toml",
    "../agent-protocol/src",
    "../agent-protocol/Cargo.toml",
    "../../Cargo.lock",
];

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    if let Err(problem) = build() {
        println!("cargo::error=the agent was not built: {problem}");
        exit(1);
    }
}

fn build() -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("cargo did not set {name}"));
    let target = match variable("CARGO_CFG_TARGET_ARCH")?.as_str() {
        "aarch64" => "aarch64-unknown-linux-gnu",
        _ => "x86_64-unknown-linux-gnu",
    };
    let out = PathBuf::from(variable("OUT_DIR")?);
    // In the directory of the build that runs this, cargo would wait for itself for ever.
    let directory = out.join("agent");
    let mut cargo = Command::new(variable("CARGO")?);
    for name in ["RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"]
    {
        cargo.env_remove(name);
    }
    // With `--target`, so that the flag is not that of build scripts and macros, which cannot be static.
    let status = cargo
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .args(["build", "--quiet", "--locked", "--package", "gangplank-agent", "--profile", "agent"])
        .args(["--target", target, "--target-dir"])
        .arg(&directory)
        .status()
        .map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("cargo ended with {status}"));
    }
    let built = directory.join(target).join("agent").join("gangplank-agent");
    std::fs::copy(&built, out.join("gangplank-agent"))
        .map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(())
}
