//! Each effect alone is found and named, what is harmless is not, and the hash changes when and only when it should.

use serde_json::json;

use super::*;
use crate::configuration::{Configuration, ReadInputs, read};
use crate::identity::Labels;
use crate::metadata::Metadata;

fn at(path: &str) -> HostPath {
    HostPath::new(path).unwrap()
}

fn configuration(properties: &Value, env: &[(&str, &str)]) -> Configuration {
    let mut value = properties.clone();
    value["image"] = "x".into();
    let local_env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let folder = at("/home/u/src/p/app");
    let reading = read(ReadInputs {
        text: &value.to_string(),
        local_env: &local_env,
        local_workspace_folder: &folder,
        mount_root: &at("/home/u/src/p"),
        id_labels: &Labels::new(),
    });
    reading.usable().unwrap_or_else(|diagnostics| panic!("{diagnostics:?}")).0
}

fn view() -> HostView {
    HostView::new(&at("/home/u/src/p/app"), Some(&at("/home/u/src/p")), Some(&at("/home/u")))
}

fn effects(properties: &Value) -> Vec<HostEffect> {
    configuration(properties, &[("HOME", "/home/u"), ("TOKEN", "s3cret")]).host_effects(None, &view())
}

fn shown(properties: &Value) -> Vec<String> {
    effects(properties)
        .iter()
        .map(|effect| format!("{} {}: {}", effect.kind.as_str(), effect.property, effect.value))
        .collect()
}

#[test]
fn each_effect_alone_is_found_and_named() {
    for (properties, expected) in [
        (json!({"initializeCommand": "make"}), "hostCommand initializeCommand: make"),
        (json!({"initializeCommand": ["a b", "c"]}), "hostCommand initializeCommand: 'a b' c"),
        (json!({"initializeCommand": {"x": "y"}}), "hostCommand initializeCommand.x: y"),
        (json!({"containerEnv": {"A": "${localEnv:TOKEN}"}}), "hostEnvironment containerEnv.A: TOKEN"),
        (json!({"name": "${env:TOKEN:d}"}), "hostEnvironment name: TOKEN"),
        (json!({"privileged": true}), "privilege privileged: true"),
        (json!({"capAdd": ["SYS_PTRACE"]}), "privilege capAdd[0]: SYS_PTRACE"),
        (json!({"securityOpt": ["seccomp=unconfined"]}), "privilege securityOpt[0]: seccomp=unconfined"),
        (
            json!({"mounts": ["type=bind,source=/etc,target=/e,ro"]}),
            "hostMount mounts[0]: /etc at /e, read-only",
        ),
        (
            json!({"mounts": [{"type": "bind", "source": "${localWorkspaceFolder}/../../x", "target": "/e"}]}),
            "hostMount mounts[0]: /home/u/src/p/app/../../x (leads to /home/u/src/x) at /e",
        ),
        (
            json!({"mounts": ["type=bind,source=/var/run/docker.sock,target=/s"]}),
            "engineSocket mounts[0]: /var/run/docker.sock at /s",
        ),
        (
            json!({"mounts": ["source=gangplank-agent-1,target=/a"]}),
            "agentVolume mounts[0]: gangplank-agent-1",
        ),
        (
            json!({"workspaceMount": "type=bind,source=/home/u,target=/w"}),
            "hostMount workspaceMount: /home/u at /w",
        ),
        (json!({"runArgs": ["--cap-add=ALL"]}), "privilege runArgs[0]: --cap-add=ALL"),
        (json!({"runArgs": ["--init", "--device", "/dev/fuse"]}), "privilege runArgs[1]: --device /dev/fuse"),
        (json!({"runArgs": ["--gpus", "all"]}), "privilege runArgs[0]: --gpus all"),
        (json!({"runArgs": ["--privileged"]}), "privilege runArgs[0]: --privileged"),
        (json!({"runArgs": ["--network=host"]}), "namespace runArgs[0]: --network=host"),
        (json!({"runArgs": ["--net", "other"]}), "namespace runArgs[0]: --net other"),
        (json!({"runArgs": ["--pid=host"]}), "namespace runArgs[0]: --pid=host"),
        (json!({"runArgs": ["--ipc", "container:x"]}), "namespace runArgs[0]: --ipc container:x"),
        (json!({"runArgs": ["--userns=host"]}), "namespace runArgs[0]: --userns=host"),
        (
            json!({"runArgs": ["--add-host", "h:host-gateway"]}),
            "namespace runArgs[0]: --add-host h:host-gateway",
        ),
        (
            json!({"runArgs": ["--add-host=x:[host-gateway]"]}),
            "namespace runArgs[0]: --add-host=x:[host-gateway]",
        ),
        (json!({"runArgs": ["--add-host", "x:elsewhere"]}), "namespace runArgs[0]: --add-host x:elsewhere"),
        (json!({"runArgs": ["-e", "TOKEN"]}), "hostEnvironment runArgs[0]: TOKEN"),
        (json!({"runArgs": ["--env-file", ".env"]}), "runFlag runArgs[0]: --env-file .env"),
        (json!({"runArgs": ["--volumes-from=x"]}), "runFlag runArgs[0]: --volumes-from=x"),
        (json!({"runArgs": ["-p", "80:80"]}), "runFlag runArgs[0]: -p 80:80"),
        (json!({"runArgs": ["--restart=always"]}), "runFlag runArgs[0]: --restart=always"),
        (
            json!({"runArgs": ["-l", "devcontainer.local_folder=/x"]}),
            "runFlag runArgs[0]: -l devcontainer.local_folder=/x",
        ),
        (json!({"runArgs": ["-v", "/:/host:ro"]}), "hostMount runArgs[0]: / at /host, read-only"),
        (json!({"runArgs": ["-v", "gangplank-agent-x:/a"]}), "agentVolume runArgs[0]: gangplank-agent-x"),
        (
            json!({"runArgs": ["--mount", "type=bind,source=/home/u/.ssh,target=/s"]}),
            "hostMount runArgs[0]: /home/u/.ssh at /s",
        ),
    ] {
        assert_eq!(shown(&properties), [expected], "{properties}");
    }
}

#[test]
fn what_is_harmless_is_no_effect() {
    let harmless = json!({
        "init": true, "privileged": false, "containerUser": "root", "remoteUser": "dev", "postCreateCommand": "x",
        "containerEnv": {"A": "${localWorkspaceFolder} ${devcontainerId} ${containerEnv:X}"},
        "mounts": [
            "source=cache,target=/c", "type=tmpfs,target=/t", "type=bind,source=${localWorkspaceFolder}/x,target=/x",
            "type=bind,source=/home/u/src/p/other,target=/y",
        ],
        "runArgs": [
            "--init", "--name", "n", "--hostname=h", "--label", "a=b", "-e", "A=b", "--shm-size=1g", "--memory=1g",
            "--memory-swap=-1", "--cpus=2", "--cpu-shares=5", "--pids-limit", "5", "--ulimit", "core=0",
            "--platform=linux/amd64", "--workdir", "/", "--user=dev", "--rm", "--stop-signal=INT", "--stop-timeout=1",
            "--network", "bridge", "--network=none", "--privileged=false", "--ipc=private", "--cgroupns=private",
            "-v", "cache:/c", "--tmpfs", "/x", "-it", "--cap-drop=ALL", "--read-only",
        ],
    });
    assert_eq!(shown(&harmless), [] as [String; 0]);
}

#[test]
fn a_git_root_is_inside_unless_it_is_home_or_above() {
    let folder = at("/home/u/p");
    let inside = |root: &str, home| HostView::new(&folder, Some(&at(root)), home).inside.len();
    let home = at("/home/u");
    assert_eq!(inside("/home/u/p", Some(&home)), 2);
    assert_eq!(inside("/home/u", Some(&home)), 1);
    assert_eq!(inside("/home", Some(&home)), 1);
    assert_eq!(inside("/", None), 1);
    assert_eq!(inside("/home/u/other", Some(&home)), 1);
}

#[test]
fn links_are_judged_by_where_they_lead() {
    let properties = json!({"mounts": ["type=bind,source=/home/u/src/p/link,target=/l"]});
    let configuration = configuration(&properties, &[]);
    assert_eq!(configuration.bind_sources(), ["/home/u/src/p", "/home/u/src/p/link"]);
    let mut host = view();
    assert_eq!(configuration.host_effects(None, &host), []);
    host.canonical.insert("/home/u/src/p/link".to_owned(), at("/etc"));
    let effects = configuration.host_effects(None, &host);
    assert_eq!(effects[0].value, "/home/u/src/p/link (leads to /etc) at /l");
    host.canonical.insert("/home/u/src/p/link".to_owned(), at("/run/user/1000/e.sock"));
    host.sockets.push(at("/run/user/1000/e.sock"));
    assert_eq!(configuration.host_effects(None, &host)[0].kind, EffectKind::EngineSocket);
}

#[test]
fn the_image_s_metadata_is_judged_too() {
    let metadata = Metadata::parse(
        r#"[{"id":"f","privileged":true,"entrypoint":"/e.sh"},{"mounts":["type=bind,source=/etc,target=/e"]}]"#,
    );
    let effects = configuration(&json!({}), &[]).host_effects(Some(&metadata), &view());
    let properties: Vec<&str> = effects.iter().map(|effect| effect.property.as_str()).collect();
    assert_eq!(
        properties,
        ["image metadata[1].mounts[0]", "image metadata[0].privileged", "image metadata[0].entrypoint"]
    );
}

#[test]
fn secrets_are_not_shown_and_do_not_count() {
    let properties = json!({
        "initializeCommand": "login ${localEnv:TOKEN}", "runArgs": ["--runtime", "${localEnv:TOKEN}"],
    });
    let of = |token: &str| configuration(&properties, &[("TOKEN", token)]).host_effects(None, &view());
    let effects = of("s3cret");
    assert!(!format!("{effects:?}").contains("s3cret"));
    assert!(effects.iter().any(|effect| effect.value == "login ${localEnv:TOKEN}"));
    assert_eq!(hash(&effects), hash(&of("other")));
}

#[test]
fn the_hash_is_of_the_effects_and_of_nothing_else() {
    let of = |properties: &Value| hash(&effects(properties));
    let one = of(&json!({"capAdd": ["A"], "initializeCommand": "x"}));
    assert_eq!(one, of(&json!({"initializeCommand": "x", "capAdd": ["A"], "postCreateCommand": "y"})));
    assert_ne!(one, of(&json!({"initializeCommand": "x ", "capAdd": ["A"]})));
    assert_ne!(one, of(&json!({"initializeCommand": "x"})));
    // Shown the same, yet not the same.
    assert_ne!(of(&json!({"initializeCommand": "\u{1b}"})), of(&json!({"initializeCommand": "\\u{1b}"})));
    // Stable: consent outlives a release.
    assert_eq!(hash(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(one, "fbb82d151491c78a0850a5ece787f55adc3c1b24fafc690f7c6009af9e325274");
}

#[test]
fn shown_texts_are_escaped() {
    let effects = effects(&json!({"initializeCommand": "a\u{202e}\u{1b}[2J"}));
    assert_eq!(effects[0].value, "a\\u{202e}\\u{1b}[2J");
}
