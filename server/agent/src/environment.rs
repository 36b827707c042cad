//! What a process finds in its environment: pure.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The terminal that Docker says it has, where nobody says another.
const DEFAULT_TERM: &str = "xterm";

/// The variables of a process: `base`, the agent's own, with `additions` (`NAME=value`) over them and without `unset`.
///
/// # Errors
/// The addition that is none.
pub(crate) fn compose(
    base: impl Iterator<Item = (OsString, OsString)>,
    additions: &[String],
    unset: &[String],
    tty: bool,
) -> Result<BTreeMap<OsString, OsString>, String> {
    // Its directory is not the agent's.
    let is_its = |(name, _): &(OsString, OsString)| name != "PWD" && name != "OLDPWD";
    let mut variables: BTreeMap<OsString, OsString> = base.filter(is_its).collect();
    for addition in additions {
        match addition.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                variables.insert(name.into(), value.into());
            }
            _ => return Err(addition.clone()),
        }
    }
    for name in unset {
        variables.remove(std::ffi::OsStr::new(name));
    }
    if tty && !unset.iter().any(|name| name == "TERM") {
        variables.entry("TERM".into()).or_insert_with(|| DEFAULT_TERM.into());
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(additions: &[&str], unset: &[&str], tty: bool) -> Result<Vec<(String, String)>, String> {
        let base = [("HOME", "/root"), ("PATH", "/bin"), ("PWD", "/")];
        let base = base.map(|(name, value)| (name.into(), value.into()));
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let text = |value: OsString| value.into_string().unwrap();
        let variables = compose(base.into_iter(), &owned(additions), &owned(unset), tty)?;
        Ok(variables.into_iter().map(|(name, value)| (text(name), text(value))).collect())
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn additions_go_over_the_agents_own_and_unset_names_are_gone() {
        assert_eq!(
            composed(&["PATH=/x:/y=z", "EMPTY="], &["HOME", "EMPTY2"], false),
            Ok(pairs(&[("EMPTY", ""), ("PATH", "/x:/y=z")]))
        );
    }

    #[test]
    fn a_terminal_has_a_type_unless_it_must_not() {
        let own = [("HOME", "/root"), ("PATH", "/bin")];
        let with = |term| pairs(&[own[0], own[1], ("TERM", term)]);
        assert_eq!(composed(&[], &[], true), Ok(with("xterm")));
        assert_eq!(composed(&["TERM=dumb"], &[], true), Ok(with("dumb")));
        assert_eq!(composed(&[], &["TERM"], true), Ok(pairs(&own)));
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        assert_eq!(composed(&["A=1", "novalue"], &[], false), Err("novalue".into()));
        assert_eq!(composed(&["=x"], &[], false), Err("=x".into()));
    }
}
