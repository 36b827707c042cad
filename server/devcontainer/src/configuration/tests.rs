//! Whole files: what the reference makes of them, and the findings of every step at once.

use proptest::prelude::*;

use super::*;

fn at(path: &str) -> HostPath {
    HostPath::new(path).unwrap()
}

fn read_in(folder: &str, root: &str, text: &str) -> Reading {
    let local_env = BTreeMap::from([("GP_H".to_owned(), "/hh".to_owned())]);
    let (folder, root) = (at(folder), at(root));
    let id_labels = crate::identity::id_labels(&folder, &folder.join(".devcontainer/devcontainer.json"));
    read(ReadInputs {
        text,
        local_env: &local_env,
        local_workspace_folder: &folder,
        mount_root: &root,
        id_labels: &id_labels,
    })
}

fn findings(text: &str) -> Vec<String> {
    read_in("/w/p1", "/w/p1", text).diagnostics.iter().map(ToString::to_string).collect()
}

/// Recorded from `devcontainer read-configuration` of @devcontainers/cli 0.89.0, with GP_H=/hh; `/w/repo` is a git
/// repository. Each row: folder, mounted root, file, `configuration` and `workspace` of the result.
const RECORDED: &[[&str; 5]] = &[
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x"}"#,
        r#"{"image":"x"}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
    [
        "/w/repo/sub dir",
        "/w/repo",
        r#"{"image":"x","remoteEnv":{"A":"${containerWorkspaceFolder}|${containerWorkspaceFolderBasename}|${localWorkspaceFolderBasename}"}}"#,
        r#"{"image":"x","remoteEnv":{"A":"/workspaces/repo/sub dir|sub dir|sub dir"}}"#,
        r#"{"workspaceFolder":"/workspaces/repo/sub dir","workspaceMount":"type=bind,source=/w/repo,target=/workspaces/repo"}"#,
    ],
    [
        "/w/a,b",
        "/w/a,b",
        r#"{"image":"x"}"#,
        r#"{"image":"x"}"#,
        r#"{"workspaceFolder":"/workspaces/a,b","workspaceMount":"type=bind,\"source=/w/a,b\",\"target=/workspaces/a,b\""}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","workspaceFolder":"/x/${localWorkspaceFolderBasename}/","remoteEnv":{"A":"${containerWorkspaceFolder}|${containerWorkspaceFolderBasename}"}}"#,
        r#"{"image":"x","workspaceFolder":"/x/p1/","remoteEnv":{"A":"/x/p1/|p1"}}"#,
        r#"{"workspaceFolder":"/x/p1/","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","workspaceMount":"source=${localWorkspaceFolder},target=/y,type=bind"}"#,
        r#"{"image":"x","workspaceMount":"source=/w/p1,target=/y,type=bind"}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":"source=/w/p1,target=/y,type=bind"}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","workspaceMount":""}"#,
        r#"{"image":"x","workspaceMount":""}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":""}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","workspaceMount":"","workspaceFolder":"${localEnv:GP_H}/z","remoteEnv":{"A":"${containerWorkspaceFolder}"}}"#,
        r#"{"image":"x","workspaceMount":"","workspaceFolder":"/hh/z","remoteEnv":{"A":"/hh/z"}}"#,
        r#"{"workspaceFolder":"/hh/z","workspaceMount":""}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","workspaceFolder":"/x/${containerWorkspaceFolder}","remoteEnv":{"A":"${containerWorkspaceFolder}"}}"#,
        r#"{"image":"x","workspaceFolder":"/x//x//x/${containerWorkspaceFolder}","remoteEnv":{"A":"/x//x/${containerWorkspaceFolder}"}}"#,
        r#"{"workspaceFolder":"/x//x//x/${containerWorkspaceFolder}","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","extensions":["a"],"settings":{"s":1,"o":2},"devPort":3,"customizations":{"vscode":{"extensions":["b"],"settings":{"s":9}},"other":{}}}"#,
        r#"{"image":"x","customizations":{"vscode":{"extensions":["b","a"],"settings":{"s":9,"o":2},"devPort":3},"other":{}}}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","extensions":["a"]}"#,
        r#"{"image":"x","customizations":{"vscode":{"extensions":["a"]}}}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
    [
        "/w/p1",
        "/w/p1",
        r#"{"image":"x","postCreateCommand":{"a":["${localEnv:GP_H}"],"b":"${localEnv:N:d:e}"},"runArgs":["-e","A=${localEnv:GP_H}"],"mounts":[{"type":"bind","source":"${localWorkspaceFolder}/x","target":"/x"}],}"#,
        r#"{"image":"x","postCreateCommand":{"a":["/hh"],"b":"d"},"runArgs":["-e","A=/hh"],"mounts":[{"type":"bind","source":"/w/p1/x","target":"/x"}]}"#,
        r#"{"workspaceFolder":"/workspaces/p1","workspaceMount":"type=bind,source=/w/p1,target=/workspaces/p1"}"#,
    ],
];

#[test]
fn results_are_the_reference_s() {
    for [folder, root, text, configuration, workspace] in RECORDED {
        let (read, _) = read_in(folder, root, text).usable().unwrap();
        let expected: Value = serde_json::from_str(configuration).unwrap();
        assert_eq!(read.value, expected, "{text}");
        let workspace: Value = serde_json::from_str(workspace).unwrap();
        assert_eq!(read.workspace.folder, workspace["workspaceFolder"], "{text}");
        // The reference passes a mount on as it is written; ours is the same mount.
        let expected = match workspace["workspaceMount"].as_str().unwrap() {
            "" => None,
            mount => Some(crate::mount::Mount::parse(mount).unwrap()),
        };
        assert_eq!(read.workspace.mount, expected, "{text}");
    }
}

#[test]
fn the_id_is_in_reach_of_every_property() {
    let (read, _) =
        read_in("/w/p1", "/w/p1", r#"{"image":"x","mounts":["source=v-${devcontainerId},target=/v"]}"#)
            .usable()
            .unwrap();
    assert_eq!(read.devcontainer_id, "12lqabtpld37u0e6c3k5jo6bq4fv6qokoa5rh0op7nj1ft42ubbm");
    assert_eq!(read.container.mounts[0].source.as_deref(), Some(&*format!("v-{}", read.devcontainer_id)));
}

#[test]
fn old_forms_reach_the_model() {
    let (read, warnings) = read_in("/w/p1", "/w/p1", r#"{"image":"x","settings":{"a":1}}"#).usable().unwrap();
    assert_eq!(read.container.customizations["vscode"]["settings"]["a"], 1);
    assert_eq!(warnings.len(), 1);
}

#[test]
fn findings_of_every_step_come_together() {
    let text = "{\n  \"imagee\": \"x\",\n  \"runArgs\": [\"--init\", \"--nam\"],\n  \"init\": 1,\n  \"workspaceFolder\": \"w\",\n}";
    assert_eq!(
        findings(text),
        [
            "5:25: warning: trailing comma (remove it: the schema of devcontainer.json does not allow trailing commas)",
            "2:3: warning: imagee: no such property (did you mean image?)",
            "4:11: error: init: expected true or false, found a number",
            "1:1: error: nothing says what the container is made from (add an \"image\")",
            "3:25: error: runArgs[1]: there is no flag --nam (did you mean --name?)",
            "5:22: error: workspaceFolder: must be an absolute path in the container",
        ]
    );
    assert_eq!(
        findings("{\"image\": \"${localEnv}\"}"),
        ["1:11: error: image: ${localEnv} names no environment variable (write ${localEnv:NAME})"]
    );
    assert_eq!(findings("[]"), ["1:1: error: expected an object, found an array"]);
}

#[test]
fn what_has_errors_can_be_shown_but_not_used() {
    let reading = read_in("/w/p1", "/w/p1", r#"{"image":"x","features":{"a":{}},"customizations":{"t":{}}}"#);
    assert!(reading.configuration.as_ref().unwrap().container.customizations.contains_key("t"));
    assert_eq!(reading.usable().unwrap_err().len(), 1);
}

#[test]
fn the_container_s_environment_comes_last() {
    let text = r#"{"image":"x","remoteEnv":{"P":"${containerEnv:PATH}:/x","H":"${containerEnv:N:d}"}}"#;
    let (read, _) = read_in("/w/p1", "/w/p1", text).usable().unwrap();
    assert_eq!(read.container.remote_env["P"].as_deref(), Some("${containerEnv:PATH}:/x"));
    let inside = read.in_container(&BTreeMap::from([("PATH".to_owned(), "/bin".to_owned())])).unwrap();
    assert_eq!(inside.remote_env["P"].as_deref(), Some("/bin:/x"));
    assert_eq!(inside.remote_env["H"].as_deref(), Some("d"));
}

proptest! {
    #[test]
    fn any_json_like_file_is_survived(text in "[\\[\\]{}:,\"\\\\a${}0-9 \n]{0,60}") {
        read_in("/w/p1", "/w/p1", &text);
    }

    #[test]
    fn any_value_of_any_property_is_survived(
        name in prop::sample::select(crate::property::PROPERTIES.iter().map(|(name, _)| *name).collect::<Vec<_>>()),
        text in any::<String>(),
    ) {
        for value in [json!(&text), json!([&text, [&text]]), json!({ &text: &text, "source": &text })] {
            let reading = read_in("/w/p1", "/w/p1", &json!({ "image": "x", name: value }).to_string());
            if let Some(configuration) = reading.configuration {
                configuration.host_effects(None, &HostView::default());
            }
        }
    }
}
