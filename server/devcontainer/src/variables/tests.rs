//! The reference's corners, row by row, and what must hold for any text.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Each row's result is what `devcontainer read-configuration` of @devcontainers/cli 0.89.0 printed for
/// `containerEnv` values in the folder `/w/p1` with GPX2=two, GPX_EMPTY= and GPNEST=${devcontainerId}-${localEnv:GPX2}.
#[test]
fn first_stage_is_the_reference_s() {
    let env =
        environment(&[("GPX2", "two"), ("GPX_EMPTY", ""), ("GPNEST", "${devcontainerId}-${localEnv:GPX2}")]);
    let context = ReadContext {
        local_env: &env,
        local_workspace_folder: "/w/p1",
        container_workspace_folder: Some("/workspaces/p1"),
    };
    for (written, expected) in [
        ("${localEnv:GPX:def:rest}", "def"),
        ("${localEnv:GPX_EMPTY:def}", ""),
        ("${env:GPX2:d}", "two"),
        ("${localWorkspaceFolder:zz}", "/w/p1"),
        ("${unknown:a}", "${unknown:a}"),
        ("${X:-y}", "${X:-y}"),
        ("${localEnv:A_UNSET:${localEnv:B_UNSET}}x", "${localEnv}x"),
        ("${ localEnv:GPX}", "${ localEnv:GPX}"),
        ("$${localEnv:GPX}", "$"),
        ("${localEnv:GPNEST}", "${devcontainerId}-${localEnv:GPX2}"),
        ("${localEnv:GPX\n}${localEnv:GPX2:q}", "${localEnv:GPX\n}two"),
        ("${}", "${}"),
        ("${localEnv:}", ""),
        ("${localEnv::d}", "d"),
        (
            "${containerWorkspaceFolder} ${containerWorkspaceFolderBasename} ${localWorkspaceFolderBasename}",
            "/workspaces/p1 p1 p1",
        ),
        ("${a ${localEnv:GPX2:q}}", "${a ${localEnv:GPX2:q}}"),
        ("${containerEnv:PATH:z}", "${containerEnv:PATH:z}"),
        ("${devcontainerId:foo}", "${devcontainerId:foo}"),
        ("${localEnv:GPX2:}", "two"),
        ("a\nb ${localEnv:GPX2:\r}", "a\nb ${localEnv:GPX2:\r}"),
        ("${localEnv:GPX2", "${localEnv:GPX2"),
    ] {
        let result = on_read_text(written, &PropertyPath::of("x"), &context).unwrap();
        assert_eq!(result, expected, "{written:?}");
    }
}

#[test]
fn every_string_takes_part_and_no_key() {
    let env = environment(&[("A", "1")]);
    let context =
        ReadContext { local_env: &env, local_workspace_folder: "/w", container_workspace_folder: None };
    let value = json!({"${localEnv:A}": ["${localEnv:A}", {"k": "${env:B}"}, 2, null, true]});
    let done = on_read(&value, &context).unwrap();
    assert_eq!(done.value, json!({"${localEnv:A}": ["1", {"k": ""}, 2, null, true]}));
    let reads: Vec<String> =
        done.host_reads.iter().map(|read| format!("{} {}", read.variable, read.property)).collect();
    assert_eq!(reads, ["A [\"${localEnv:A}\"][0]", "B [\"${localEnv:A}\"][1].k"]);
    let unknown_folder =
        on_read_text("${containerWorkspaceFolder}", &PropertyPath::root(), &context).unwrap();
    assert_eq!(unknown_folder, "${containerWorkspaceFolder}");
}

#[test]
fn a_variable_without_a_name_is_an_error() {
    let env = BTreeMap::new();
    let context =
        ReadContext { local_env: &env, local_workspace_folder: "/w", container_workspace_folder: None };
    let error = on_read(&json!({"a": ["${env}"]}), &context).unwrap_err();
    assert_eq!(error.property().to_string(), "a[0]");
    assert_eq!(error.to_string(), "${env} names no environment variable");
    let error = with_container_env(&json!("${containerEnv}"), &env).unwrap_err();
    assert_eq!(error.to_string(), "${containerEnv} names no environment variable");
}

#[test]
fn small_files_do_not_become_huge_ones() {
    let env = environment(&[("BIG", &"x".repeat(10_000))]);
    let context =
        ReadContext { local_env: &env, local_workspace_folder: "/w", container_workspace_folder: None };
    let twice = on_read(&json!("${env:BIG}${env:BIG}"), &context).unwrap();
    assert_eq!(twice.host_reads.len(), 1);
    let error = on_read(&json!({"a": "${env:BIG}".repeat(1000)}), &context).unwrap_err();
    assert_eq!(error, VariableError::TooMuch { property: PropertyPath::of("a") });
    let error = on_read(&json!(vec!["${env:A}"; MAX_HOST_READS + 1]), &context).unwrap_err();
    assert_eq!(error.property(), &PropertyPath::root().index(MAX_HOST_READS));
}

#[test]
fn later_stages_touch_their_own_variables_only() {
    let value = json!({"a": "${devcontainerId} ${devcontainerId:x} ${containerEnv:H:/d} ${localEnv:X}"});
    let value = with_devcontainer_id(&value, "id");
    assert_eq!(value, json!({"a": "id id ${containerEnv:H:/d} ${localEnv:X}"}));
    let value = with_container_env(&value, &environment(&[("H", "/root")])).unwrap();
    assert_eq!(value, json!({"a": "id id /root ${localEnv:X}"}));
}

#[test]
fn basenames_are_node_s() {
    for (path, expected) in [("/a/b", "b"), ("/a/b//", "b"), ("/", ""), ("b", "b"), ("", "")] {
        assert_eq!(basename(path), expected);
    }
}

proptest! {
    #[test]
    fn text_without_variables_is_unchanged(text in "[^$]*") {
        let result = substitute_text(&text, |_| Ok::<_, Infallible>(Some("x".to_owned()))).unwrap();
        prop_assert_eq!(result, text);
    }

    #[test]
    fn leaving_all_as_written_is_the_identity(text in "[${}:a\n\u{2028}é]{0,40}") {
        let result = substitute_text(&text, |_| Ok::<_, Infallible>(None)).unwrap();
        prop_assert_eq!(result, text);
    }

    #[test]
    fn what_a_variable_yields_is_not_looked_at_again(text in "[${}:a]{0,40}") {
        let result = substitute_text(&text, |v| Ok::<_, Infallible>(Some(format!("${{{}}}", v.name)))).unwrap();
        prop_assert!(result.len() <= text.len() * 2 + 3);
    }
}
