//! Variables of the client's environment that a container's processes are given: only those that were allowed for this
//! container. What asks for them can be changed from inside (a mounted configuration) or come with an image (a label),
//! so it is judged each time anew, and what is new is refused by name.

use std::collections::BTreeSet;

use gangplank_devcontainer::effects::{EffectKind, escape};
use gangplank_protocol::error::ErrorDetails;
use gangplank_protocol::workspace::HostEffect;
use gangplank_protocol::{ErrorData, ErrorKind};

/// The variables that are wanted and not allowed, as effects to consent to.
pub(super) fn not_allowed(wanted: &BTreeSet<String>, allowed: &BTreeSet<String>) -> Vec<HostEffect> {
    wanted
        .difference(allowed)
        .map(|name| HostEffect {
            kind: EffectKind::HostEnvironment.as_str().to_owned(),
            property: "localEnv".to_owned(),
            value: escape(name),
            reason: "the container's processes would be given this variable of your environment".to_owned(),
        })
        .collect()
}

/// The hash that consent to these effects is asked by.
pub(super) fn hash(effects: &[HostEffect]) -> String {
    let names: Vec<&str> = effects.iter().map(|effect| effect.value.as_str()).collect();
    blake3::hash(names.join("\0").as_bytes()).to_hex().to_string()
}

/// Refuses what was not allowed.
pub(super) fn refusal(effects: Vec<HostEffect>) -> ErrorData {
    let names: Vec<&str> = effects.iter().map(|effect| effect.value.as_str()).collect();
    let message = format!(
        "the configuration, or the container's label, wants variables of your environment that were not allowed for this container: {}",
        names.join(", ")
    );
    let hash = hash(&effects);
    ErrorData::new(ErrorKind::Untrusted, message)
        .hint("read it, then allow it for this container by `gangplank up` (with --trust where nobody can be asked), or for one command with GANGPLANK_TRUST=all before it")
        .details(ErrorDetails::HostEffects { effects, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_named() {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert!(not_allowed(&set(&["A"]), &set(&["A", "B"])).is_empty());
        let effects = not_allowed(&set(&["A", "SECRET\u{202e}"]), &set(&["A"]));
        assert_eq!(effects.len(), 1);
        let error = refusal(effects);
        assert_eq!(error.kind, ErrorKind::Untrusted);
        assert!(error.message.contains("SECRET\\u{202e}"), "{}", error.message);
    }
}
