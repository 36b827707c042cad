//! Every property in every form it may have, and every finding with its words.

use serde_json::json;

use super::*;
use crate::jsonc;
use crate::property::PROPERTIES;

fn read(value: &Value) -> (DevContainer, Vec<String>) {
    let (model, diagnostics) = DevContainer::from_value(value, &Locations::none());
    (model.unwrap(), diagnostics.iter().map(ToString::to_string).collect())
}

fn clean(value: &Value) -> DevContainer {
    let (model, findings) = read(value);
    assert_eq!(findings, [] as [String; 0], "{value}");
    model
}

#[test]
fn all_applied_properties_are_read() {
    let model = clean(&json!({
        "$schema": "x", "name": "n", "image": "debian:12", "workspaceFolder": "/w",
        "workspaceMount": "type=bind,source=/a,target=/w",
        "mounts": ["source=v,target=/v", {"type": "bind", "source": "/b", "target": "/c"}],
        "containerEnv": {"A": "1"}, "remoteEnv": {"B": null, "C": ""},
        "containerUser": "root", "remoteUser": "dev", "updateRemoteUserUID": false,
        "init": true, "privileged": false, "capAdd": ["SYS_PTRACE"], "securityOpt": ["seccomp=unconfined"],
        "overrideCommand": false, "runArgs": ["--init"], "waitFor": "postCreateCommand",
        "userEnvProbe": "loginShell", "customizations": {"vscode": {"settings": {}}},
    }));
    assert_eq!(model.image.as_deref(), Some("debian:12"));
    assert_eq!(model.mounts[1], Mount::bind("/b", "/c"));
    assert_eq!(model.remote_env["B"], None);
    assert_eq!(model.remote_env["C"].as_deref(), Some(""));
    assert_eq!(model.wait_for.unwrap().hook(), LifecycleHook::PostCreate);
    assert_eq!(model.user_env_probe, Some(UserEnvProbe::LoginShell));
    assert_eq!(model.workspace_mount, WorkspaceMountSetting::Mount(Mount::bind("/a", "/w")));
    assert_eq!(model.override_command, Some(false));
}

#[test]
fn hooks_have_three_forms_and_empty_ones_mean_nothing() {
    let model = clean(&json!({
        "initializeCommand": "echo a", "onCreateCommand": ["echo", "a b"],
        "updateContentCommand": {"one": "x", "two": ["y", "z"], "none": "", "nor": []},
        "postCreateCommand": " \t", "postStartCommand": [], "postAttachCommand": {},
    }));
    assert_eq!(model.hooks.len(), 3);
    assert_eq!(
        model.hook(LifecycleHook::Initialize),
        Some(&LifecycleCommand::One(Command::Shell("echo a".to_owned())))
    );
    let named = model.hook(LifecycleHook::UpdateContent).unwrap().commands();
    assert_eq!(named.len(), 2);
    assert_eq!(named[1], (Some("two"), &Command::Argv(vec!["y".to_owned(), "z".to_owned()])));
}

#[test]
fn the_empty_workspace_mount_is_no_mount() {
    assert_eq!(clean(&json!({"workspaceMount": ""})).workspace_mount, WorkspaceMountSetting::None);
    assert_eq!(clean(&json!({})).workspace_mount, WorkspaceMountSetting::Default);
}

#[test]
fn wrong_types_say_what_was_expected_and_found() {
    for (value, expected) in [
        (json!({"image": 5}), "error: image: expected a string, found a number (put it in quotes)"),
        (json!({"image": ""}), "error: image: must not be empty"),
        (json!({"init": "true"}), "error: init: expected true or false, found a string"),
        (json!({"capAdd": "X"}), "error: capAdd: expected an array of strings, found a string"),
        (
            json!({"runArgs": ["a", 1]}),
            "error: runArgs[1]: expected a string, found a number (put it in quotes)",
        ),
        (json!({"mounts": {}}), "error: mounts: expected an array, found an object"),
        (json!({"mounts": [5]}), "error: mounts[0]: expected a string or an object, found a number"),
        (json!({"mounts": ["type=bind,target=/a"]}), "error: mounts[0]: a bind mount needs a source"),
        (
            json!({"mounts": [{"source": "/a", "target": "/b"}]}),
            "error: mounts[0]: the source \"/a\" is a path, but the mount's type is volume (add type=bind to mount a folder of the host)",
        ),
        (
            json!({"mounts": [{"target": 1}]}),
            "error: mounts[0].target: expected a string, found a number (put it in quotes)",
        ),
        (json!({"containerEnv": {"A": null}}), "error: containerEnv.A: expected a string, found null"),
        (
            json!({"containerEnv": {"A=B": "1"}}),
            "error: containerEnv[\"A=B\"]: not a name that an environment variable can have",
        ),
        (json!({"remoteEnv": []}), "error: remoteEnv: expected an object, found an array"),
        (json!({"remoteUser": "a\0b"}), "error: remoteUser: a NUL character cannot be passed on"),
        (
            json!({"waitFor": "postcreatecommand"}),
            "error: waitFor: expected one of initializeCommand, onCreateCommand, updateContentCommand, postCreateCommand, postStartCommand, found \"postcreatecommand\" (did you mean postCreateCommand?)",
        ),
        (
            json!({"postCreateCommand": 1}),
            "error: postCreateCommand: expected a string, an array of strings or an object of named commands, found a number",
        ),
        (
            json!({"postCreateCommand": {"a": {}}}),
            "error: postCreateCommand.a: expected a string, an array of strings or an object of named commands, found an object",
        ),
        (json!({"image": null}), "warning: image: null has no effect here (remove the property)"),
    ] {
        assert_eq!(read(&value).1, [expected]);
    }
}

#[test]
fn no_property_of_the_schema_is_forgotten() {
    for (name, support) in PROPERTIES {
        // No property may be an array with a number in an array.
        let (model, findings) = read(&json!({ *name: [[1]] }));
        let errors = findings.iter().filter(|finding| finding.starts_with("error")).count();
        match support {
            Support::Applied | Support::NotAppliedToContainer => assert!(errors > 0, "{name}"),
            Support::NotApplied | Support::MovedToCustomizations => {
                assert_eq!((findings.len(), errors), (1, 0), "{name}");
            }
        }
        assert_eq!(model.other.contains_key(*name), *support != Support::Applied, "{name}");
    }
}

#[test]
fn what_is_not_applied_is_named_with_its_weight() {
    for (value, expected) in [
        (
            json!({"build": {"dockerfile": "D"}}),
            "error: build: not applied yet (a container made without it would not be the one that is asked for)",
        ),
        (json!({"forwardPorts": [3000]}), "warning: forwardPorts: not applied yet"),
        (json!({"hostRequirements": {"gpu": "optional"}}), "warning: hostRequirements: not applied yet"),
        (json!({"hostRequirements": {"gpu": true}}), "error: hostRequirements.gpu: not applied yet"),
        (
            json!({"settings": {"a": 1}}),
            "warning: settings: an old form (write it as customizations.vscode.settings)",
        ),
        (json!({"iamge": "x"}), "warning: iamge: no such property (did you mean image?)"),
        (json!({"x-mine": 1}), "warning: x-mine: no such property"),
    ] {
        assert_eq!(read(&value).1, [expected]);
    }
    clean(&json!({"features": {}, "forwardPorts": [], "appPort": []}));
}

#[test]
fn all_findings_come_at_once_with_their_places() {
    let text = "{\n  \"image\": 1,\n  \"runArg\": [],\n  \"mounts\": [\n    \"type=bind\"\n  ],\n  \"features\": {\"a\": {}}\n}";
    let document = jsonc::parse(text).document.unwrap();
    let (_, diagnostics) = DevContainer::from_value(&document.value, &document.locations);
    let places: Vec<String> =
        diagnostics.iter().map(|d| format!("{} {}", d.property, d.position.unwrap())).collect();
    assert_eq!(
        places,
        [
            "image line 2, column 12",
            "runArg line 3, column 3",
            "mounts[0] line 5, column 5",
            "features line 7, column 3",
        ]
    );
    let (model, diagnostics) = DevContainer::from_value(&json!([]), &Locations::none());
    assert!(model.is_none());
    assert_eq!(diagnostics[0].to_string(), "error: expected an object, found an array");
}
