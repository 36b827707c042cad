//! Who a dev container is: the labels by which it is found again, and `${devcontainerId}` made from them.
//!
//! Both are exactly the reference CLI's, so that a container made by one tool is found and used by the other.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::paths::HostPath;

/// The label that holds the folder on the host.
pub const LOCAL_FOLDER_LABEL: &str = "devcontainer.local_folder";
/// The label that holds the configuration file's path on the host.
pub const CONFIG_FILE_LABEL: &str = "devcontainer.config_file";
/// The label that holds the metadata of images and containers (see [`crate::metadata`]).
pub const METADATA_LABEL: &str = "devcontainer.metadata";

/// Labels, by name.
pub type Labels = BTreeMap<String, String>;

/// The labels that identify the container of a folder and a configuration file.
pub fn id_labels(local_folder: &HostPath, config_file: &HostPath) -> Labels {
    Labels::from([
        (LOCAL_FOLDER_LABEL.to_owned(), local_folder.to_string()),
        (CONFIG_FILE_LABEL.to_owned(), config_file.to_string()),
    ])
}

/// The value of `${devcontainerId}` for id labels: 52 characters of `0-9a-v`.
///
/// The SHA-256 of the labels as a JSON object with sorted keys, written as a number in base 32.
pub fn devcontainer_id<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let mut labels: Vec<(&String, &String)> = labels.into_iter().collect();
    // JavaScript sorts by UTF-16 code units, which differs from the order of Rust's strings beyond U+FFFF.
    labels.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    labels.dedup_by(|(later, _), (earlier, _)| later == earlier);
    let object: serde_json::Map<String, serde_json::Value> =
        labels.into_iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let digest = Sha256::digest(serde_json::Value::Object(object).to_string());
    base32_number(&digest)
}

/// The 256-bit number in base 32, left-padded to 52 digits: 52 × 5 bits hold it with four bits to spare in front.
fn base32_number(digest: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    const LENGTH: usize = 52;
    let bit = |index: usize| (digest[index / 8] >> (7 - index % 8)) & 1;
    let padding = LENGTH * 5 - digest.len() * 8;
    (0..LENGTH)
        .map(|digit| {
            let value = (digit * 5..digit * 5 + 5)
                .fold(0u8, |value, position| value << 1 | position.checked_sub(padding).map_or(0, bit));
            char::from(DIGITS[usize::from(value)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Recorded from @devcontainers/cli 0.89.0: `read-configuration` with `${devcontainerId}` in `name`, beside a
    /// container that carries the labels (given by `--id-label` in all rows but the first).
    #[test]
    fn ids_are_the_reference_s() {
        let rows: [(&[(&str, &str)], &str); 4] = [
            (
                &[
                    ("devcontainer.local_folder", "/w/p1"),
                    ("devcontainer.config_file", "/w/p1/.devcontainer/devcontainer.json"),
                ],
                "12lqabtpld37u0e6c3k5jo6bq4fv6qokoa5rh0op7nj1ft42ubbm",
            ),
            (&[("b", "2"), ("a", "1"), ("Z", "3")], "1onu6rv5uchqj33ankubshgev55m5sp79ghu15d0qsgbuenru567"),
            (
                &[("k\"\\é😀", "v \"q\" \\ é😀"), ("😀", "2"), ("\u{ff21}", "1"), ("10", "x"), ("9", "y")],
                "0kcmuf495kb96ttqqehjnul479kpdpocldigj9ue6n312r8n6l8p",
            ),
            (&[("t", "a\tb\x7f\x1f")], "16gkhj62f9aipleue35srenrrmt87crimtggpqchkp6rfl4335pl"),
        ];
        for (labels, expected) in rows {
            let labels: Labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            assert_eq!(devcontainer_id(&labels), expected);
        }
    }

    #[test]
    fn id_labels_hold_both_paths() {
        let folder = HostPath::new("/w/p1").unwrap();
        let labels = id_labels(&folder, &folder.join(".devcontainer/devcontainer.json"));
        assert_eq!(labels[LOCAL_FOLDER_LABEL], "/w/p1");
        assert_eq!(devcontainer_id(&labels), "12lqabtpld37u0e6c3k5jo6bq4fv6qokoa5rh0op7nj1ft42ubbm");
    }

    #[test]
    fn numbers_are_padded_and_written_from_the_top_bit() {
        assert_eq!(base32_number(&[0; 32]), "0".repeat(52));
        assert_eq!(base32_number(&[0xff; 32]), format!("1{}", "v".repeat(51)));
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!(base32_number(&one), format!("{}1", "0".repeat(51)));
    }

    proptest! {
        #[test]
        fn ids_have_their_form_and_do_not_depend_on_order(
            labels in prop::collection::vec((any::<String>(), any::<String>()), 0..5),
        ) {
            let map: Labels = labels.into_iter().collect();
            let forwards = devcontainer_id(&map);
            prop_assert_eq!(forwards.len(), 52);
            prop_assert!(forwards.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'v').contains(&b)));
            prop_assert_eq!(forwards, devcontainer_id(map.iter().rev()));
        }
    }
}
