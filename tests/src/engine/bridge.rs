//! The network bridge of one engine, and its way through the machine's packet filter.
//!
//! Docker Engines in one network share the chains of the packet filter, and each empties them when it starts: the
//! containers of the engines before it would lose the network. So each bridge has rules outside those chains.

use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use super::launch::write;
use crate::error::HarnessError;
use crate::program;

/// A bridge of this name with a network that no other interface here has.
pub(super) struct Bridge {
    name: String,
    third_byte: u8,
}

impl Bridge {
    /// The bridge for the engine in `dir`: its name follows from the path.
    pub(super) fn of(dir: &Path) -> Result<Bridge, HarnessError> {
        let digest = Sha256::digest(dir.as_os_str().as_encoded_bytes());
        let name = format!("gp{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
        let addresses = program::run(Command::new("ip").args(["-o", "-4", "address"]))?;
        let addresses = String::from_utf8_lossy(&addresses).into_owned();
        let taken = |byte: &u8| {
            let network = format!(" 172.30.{byte}.");
            addresses.lines().any(|line| line.contains(&network) && !line.contains(&name))
        };
        let third_byte = (digest[4]..=u8::MAX).chain(0..digest[4]).find(|byte| !taken(byte));
        let third_byte = third_byte.ok_or_else(|| HarnessError::Missing {
            what: "no network of 172.30.0.0/16 is free for an engine's bridge".to_owned(),
            hint: "see `ip -4 address` for what takes them".to_owned(),
        })?;
        Ok(Bridge { name, third_byte })
    }

    /// The interface's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its network, as `ADDRESS/24`.
    pub(super) fn network(&self) -> String {
        format!("172.30.{}.0/24", self.third_byte)
    }

    /// The host's address in it.
    pub(super) fn gateway(&self) -> String {
        format!("172.30.{}.1", self.third_byte)
    }

    /// Makes the interface, and writes `DIR/rules`, which the engine's namespace runs with the tree's own programs.
    pub(super) fn make(&self, dir: &Path) -> Result<(), HarnessError> {
        write(&dir.join("rules"), &self.rules())?;
        if Path::new("/sys/class/net").join(&self.name).exists() {
            return Ok(());
        }
        let ip = |arguments: &[&str]| program::run(Command::new("ip").args(arguments)).map(drop);
        ip(&["link", "add", &self.name, "type", "bridge"])?;
        ip(&["address", "add", &format!("{}/24", self.gateway()), "dev", &self.name])?;
        ip(&["link", "set", &self.name, "up"])
    }

    /// Writes `DIR/undo`, which the keeper runs at the end: the interface goes, and every rule that names it or
    /// its network.
    pub(super) fn write_undo(&self, dir: &Path, tree: &Path) -> Result<(), HarnessError> {
        let script = UNDO
            .replace("BRIDGE", &self.name)
            .replace("SUBNET", &format!("172.30.{}.", self.third_byte))
            .replace("TREE", &tree.display().to_string());
        write(&dir.join("undo"), &script)
    }

    /// Shell commands that put the rules in their place. The comment keeps an engine from taking them for its own,
    /// which it would clear away.
    fn rules(&self) -> String {
        let Bridge { name, .. } = self;
        let rules = [
            ("filter", "FORWARD", format!("-i {name}")),
            ("filter", "FORWARD", format!("-o {name}")),
            ("nat", "POSTROUTING", format!("-s {} ! -o {name}", self.network())),
        ];
        let command = |(table, chain, matches): &(&str, &str, String)| {
            let target = if *table == "nat" { "MASQUERADE" } else { "ACCEPT" };
            let rule = format!("{chain} {matches} -m comment --comment gangplank-test -j {target}");
            format!(
                "iptables --wait -t {table} --check {rule} 2>/dev/null || \\\n  \
                 iptables --wait -t {table} --insert {rule}\n"
            )
        };
        rules.iter().map(command).collect()
    }
}

const UNDO: &str = r#"
ip link del BRIDGE 2>/dev/null
unshare --mount sh <<'END'
mount --rbind 'TREE/usr' /usr
for table in filter nat raw; do
  iptables --wait -t $table -S 2>/dev/null | while read -r action rule; do
    case "$action $rule " in "-A "*" BRIDGE "* | "-A "*" SUBNET"*) iptables --wait -t $table -D $rule ;; esac
  done
done
END
"#;
