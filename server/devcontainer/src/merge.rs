//! Users and environment of what runs in the container, where several sources have a say.

use std::collections::BTreeMap;

use crate::model::DevContainer;

/// The environment of hooks and processes, from the weakest source to the strongest: what the user's shell sets
/// (`probed`), what the caller adds (`--remote-env`), what the configuration says. `null` in `remoteEnv` unsets.
///
/// A listed difference: the reference passes the text `null` instead of unsetting; the specification says unset.
pub fn remote_environment(
    probed: &BTreeMap<String, String>,
    added: &BTreeMap<String, String>,
    remote_env: &BTreeMap<String, Option<String>>,
) -> BTreeMap<String, String> {
    let mut merged = probed.clone();
    merged.extend(added.iter().map(|(name, value)| (name.clone(), value.clone())));
    for (name, value) in remote_env {
        match value {
            Some(value) => merged.insert(name.clone(), value.clone()),
            None => merged.remove(name),
        };
    }
    merged
}

/// Who the container's own process runs as: `runArgs`' user, else `containerUser`, else the image's (`None`: the
/// engine takes it by itself).
pub fn container_user(container: &DevContainer) -> Option<String> {
    crate::run_args::user(&container.run_args).or_else(|| container.container_user.clone())
}

/// Who hooks and processes run as: `remoteUser`, else the container's own user (`Config.User` of the container, which
/// is [`container_user`] or the image's), else root. Only the user's part of `user:group` counts then.
pub fn remote_user(container: &DevContainer, container_config_user: &str) -> String {
    if let Some(user) = container.remote_user.as_ref() {
        return user.clone();
    }
    match container_config_user.split(':').next().unwrap_or_default() {
        "" | "0" => "root".to_owned(),
        user => user.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn stronger_sources_win_and_null_unsets() {
        let remote_env = BTreeMap::from([
            ("A".to_owned(), Some("config".to_owned())),
            ("GONE".to_owned(), None),
            ("NEVER".to_owned(), None),
        ]);
        let merged = remote_environment(
            &variables(&[("A", "probe"), ("B", "probe"), ("C", "probe"), ("GONE", "x")]),
            &variables(&[("A", "added"), ("B", "added")]),
            &remote_env,
        );
        assert_eq!(merged, variables(&[("A", "config"), ("B", "added"), ("C", "probe")]));
    }

    #[test]
    fn users_fall_back_in_order() {
        let mut container = DevContainer::default();
        assert_eq!(container_user(&container), None);
        for (config_user, expected) in
            [("", "root"), ("0", "root"), ("0:0", "root"), ("dev", "dev"), ("1000:100", "1000")]
        {
            assert_eq!(remote_user(&container, config_user), expected);
        }
        container.container_user = Some("c".to_owned());
        assert_eq!(container_user(&container).as_deref(), Some("c"));
        container.run_args = vec!["--user=r".to_owned()];
        assert_eq!(container_user(&container).as_deref(), Some("r"));
        container.remote_user = Some("dev".to_owned());
        assert_eq!(remote_user(&container, "root"), "dev");
    }
}
