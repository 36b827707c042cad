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

/// The view of a host without any link, where everything that the configuration names is there.
fn view_for(configuration: &Configuration) -> HostView {
    let place = |path: &str| Some(Place { path: HostPath::new(path).ok()?, exists: true });
    let sources = configuration.bind_sources().into_iter();
    let files = configuration.run_options.env_files.iter();
    HostView {
        places: sources.filter_map(|source| Some((source.clone(), place(&source)?))).collect(),
        env_files: files
            .map(|file| {
                let path = at("/home/u/src/p/app").join(file);
                (file.clone(), EnvFile { place: place(path.as_str()), host_reads: Vec::new() })
            })
            .collect(),
        ..view()
    }
}

fn effects(properties: &Value) -> Vec<HostEffect> {
    let configuration = configuration(properties, &[("HOME", "/home/u"), ("TOKEN", "s3cret")]);
    configuration.host_effects(None, &view_for(&configuration))
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
            "hostMount mounts[0]: type=bind,source=/etc,target=/e,ro",
        ),
        (
            json!({"mounts": [{"type": "bind", "source": "${localWorkspaceFolder}/../../x", "target": "/e"}]}),
            "hostMount mounts[0]: type=bind,source=${localWorkspaceFolder}/../../x,target=/e (leads to /home/u/src/x)",
        ),
        (
            json!({"mounts": ["type=bind,source=/var/run/docker.sock,target=/s"]}),
            "engineSocket mounts[0]: type=bind,source=/var/run/docker.sock,target=/s",
        ),
        (
            json!({"mounts": ["source=gangplank-agent-1,target=/a"]}),
            "agentVolume mounts[0]: source=gangplank-agent-1,target=/a",
        ),
        (
            json!({"workspaceMount": "type=bind,source=/home/u,target=/w"}),
            "hostMount workspaceMount: type=bind,source=/home/u,target=/w",
        ),
        (json!({"runArgs": ["--cap-add=ALL"]}), "privilege runArgs[0]: --cap-add=ALL"),
        (json!({"runArgs": ["--init", "--device", "/dev/fuse"]}), "privilege runArgs[1]: --device /dev/fuse"),
        (json!({"runArgs": ["--gpus", "all"]}), "privilege runArgs[0]: --gpus all"),
        (json!({"runArgs": ["--privileged"]}), "privilege runArgs[0]: --privileged"),
        (json!({"runArgs": ["--network=host"]}), "namespace runArgs[0]: --network=host"),
        (json!({"runArgs": ["--net", "other"]}), "namespace runArgs[0]: --net other"),
        (json!({"runArgs": ["--pid=host"]}), "namespace runArgs[0]: --pid=host"),
        (json!({"runArgs": ["--ipc", "container:x"]}), "namespace runArgs[0]: --ipc container:x"),
        (json!({"runArgs": ["--group-add", "keep-groups"]}), "privilege runArgs[0]: --group-add keep-groups"),
        (json!({"runArgs": ["--userns=host"]}), "namespace runArgs[0]: --userns=host"),
        (
            json!({"runArgs": ["--add-host", "h:host-gateway"]}),
            "namespace runArgs[0]: --add-host h:host-gateway",
        ),
        (json!({"runArgs": ["-e", "TOKEN"]}), "hostEnvironment runArgs[0]: TOKEN"),
        (
            json!({"runArgs": ["--env-file", ".env"]}),
            "runFlag runArgs[0]: --env-file .env (leads to /home/u/src/p/app/.env)",
        ),
        (json!({"runArgs": ["--env-file=/etc/e"]}), "runFlag runArgs[0]: --env-file=/etc/e"),
        (
            json!({"runArgs": ["--add-host=x:[host-gateway]"]}),
            "namespace runArgs[0]: --add-host=x:[host-gateway]",
        ),
        (json!({"runArgs": ["--add-host", "x:elsewhere"]}), "namespace runArgs[0]: --add-host x:elsewhere"),
        (
            json!({"runArgs": ["-v", "/home/u/src/p:/x:O,upperdir=/etc"]}),
            "hostMount runArgs[0]: -v /home/u/src/p:/x:O,upperdir=/etc",
        ),
        (json!({"runArgs": ["-v", "cache:/x:U"]}), "hostMount runArgs[0]: -v cache:/x:U"),
        (
            json!({"runArgs": ["--mount", "type=bind,source=/home/u/src/p,target=/x,bind-propagation=shared"]}),
            "hostMount runArgs[0]: --mount type=bind,source=/home/u/src/p,target=/x,bind-propagation=shared",
        ),
        (
            json!({"mounts": ["type=bind,source=/home/u/src/p,target=/x,bind-propagation=rshared"]}),
            "hostMount mounts[0]: type=bind,source=/home/u/src/p,target=/x,bind-propagation=rshared",
        ),
        (json!({"runArgs": ["--volumes-from=x"]}), "runFlag runArgs[0]: --volumes-from=x"),
        (json!({"runArgs": ["-p", "80:80"]}), "runFlag runArgs[0]: -p 80:80"),
        (json!({"runArgs": ["--restart=always"]}), "runFlag runArgs[0]: --restart=always"),
        (
            json!({"runArgs": ["-l", "devcontainer.local_folder=/x"]}),
            "runFlag runArgs[0]: -l devcontainer.local_folder=/x",
        ),
        (json!({"runArgs": ["-v", "/:/host:ro"]}), "hostMount runArgs[0]: -v /:/host:ro"),
        (
            json!({"runArgs": ["-v", "gangplank-agent-x:/a"]}),
            "agentVolume runArgs[0]: -v gangplank-agent-x:/a",
        ),
        (
            json!({"runArgs": ["--mount", "type=bind,source=/home/u/.ssh,target=/s"]}),
            "hostMount runArgs[0]: --mount type=bind,source=/home/u/.ssh,target=/s",
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
            "-v", "cache:/c:nocopy,z", "-v", "/home/u/src/p:/d:ro,Z,cached,rslave", "--add-host=db=10.0.0.3",
            "--add-host", "db6:[::1]", "--mount", "type=bind,source=/home/u/src/p,target=/f,bind-propagation=rprivate", "--tmpfs", "/x", "-it", "--cap-drop=ALL", "--read-only", "--group-add", "video",
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
    let place = |path, exists| Place { path: at(path), exists };
    let mut host = view_for(&configuration);
    assert_eq!(configuration.host_effects(None, &host), []);
    let mut judged = |lead: Option<Place>| {
        host.places.remove("/home/u/src/p/link");
        host.places.extend(lead.map(|place| ("/home/u/src/p/link".to_owned(), place)));
        host.sockets = vec![at("/run/user/1000/e.sock")];
        configuration.host_effects(None, &host).remove(0)
    };
    let there = judged(Some(place("/etc", true)));
    assert_eq!(there.value, "type=bind,source=/home/u/src/p/link,target=/l (leads to /etc)");
    // What is not there yet is not shown, and is the same once it is.
    let missing = judged(Some(place("/etc", false)));
    assert_eq!(missing.value, "type=bind,source=/home/u/src/p/link,target=/l");
    assert_eq!(hash(&[there]), hash(std::slice::from_ref(&missing)));
    assert_ne!(hash(&[missing]), hash(&[judged(Some(place("/usr", false)))]));
    // What nobody can tell is no path of the workspace, whatever its text.
    assert_eq!(judged(None).reason, "a path of the host; it cannot be told where it leads");
    assert_eq!(judged(Some(place("/run/user/1000/e.sock", true))).kind, EffectKind::EngineSocket);
}

#[test]
fn volumes_count_by_what_they_are() {
    let properties = json!({
        "mounts": ["source=data,target=/d", "source=etc,target=/e"], "runArgs": ["-v", "etc:/f", "-v", "ours:/o"],
    });
    let configuration = configuration(&properties, &[]);
    assert_eq!(configuration.named_volumes(), ["data", "etc", "ours"]);
    let mut host = view_for(&configuration);
    assert_eq!(configuration.host_effects(None, &host), []);
    host.volumes.insert("etc".to_owned(), VolumeReach::Device("/etc".to_owned()));
    host.volumes.insert("ours".to_owned(), VolumeReach::Own);
    let effects = configuration.host_effects(None, &host);
    let told: Vec<_> = effects.iter().map(|effect| (effect.kind, effect.value.as_str())).collect();
    assert_eq!(
        told,
        [
            (EffectKind::HostMount, "source=etc,target=/e (leads to /etc)"),
            (EffectKind::HostMount, "-v etc:/f (leads to /etc)"),
            (EffectKind::AgentVolume, "-v ours:/o"),
        ]
    );
}

#[test]
fn a_file_of_variables_counts_by_where_it_leads_and_what_it_passes_on() {
    let configuration = configuration(&json!({"runArgs": ["--env-file", ".env"]}), &[]);
    let judged = |path: Option<&str>, host_reads: &[&str]| {
        let place = path.map(|path| Place { path: at(path), exists: true });
        let host_reads = host_reads.iter().map(ToString::to_string).collect();
        let env_files = [(".env".to_owned(), EnvFile { place, host_reads })].into();
        configuration.host_effects(None, &HostView { env_files, ..view_for(&configuration) })
    };
    let inside = judged(Some("/home/u/src/p/app/.env"), &[]);
    assert_eq!(inside[0].reason, "reads a file of the host");
    let outside = judged(Some("/etc/secret"), &[]);
    assert_eq!(outside[0].reason, "reads a file of the host outside the workspace");
    assert_ne!(hash(&inside), hash(&outside));
    assert_eq!(judged(None, &[])[0].reason, "reads a file of the host; it cannot be told where it leads");
    let reads = judged(Some("/home/u/src/p/app/.env"), &["TOKEN"]);
    assert_eq!((reads[0].kind, reads[0].value.as_str()), (EffectKind::HostEnvironment, "TOKEN"));
}

#[test]
fn mounts_are_shown_as_they_are_written() {
    let properties = json!({
        "mounts": [{"type": "bind", "source": "/gone/${localEnv:TOKEN}", "target": "/a"}],
        "runArgs": ["-v", "/gone/${localEnv:TOKEN}:/b"],
    });
    let of = |token: &str| {
        let configuration = configuration(&properties, &[("TOKEN", token)]);
        let mut host = view_for(&configuration);
        host.places.values_mut().for_each(|place| place.exists = false);
        configuration.host_effects(None, &host)
    };
    let effects = of("s3cret");
    assert!(!format!("{effects:?}").contains("s3cret"));
    let mounts = effects.iter().filter(|effect| effect.kind == EffectKind::HostMount);
    let values: Vec<&str> = mounts.map(|effect| effect.value.as_str()).collect();
    assert_eq!(
        values,
        ["type=bind,source=/gone/${localEnv:TOKEN},target=/a", "-v /gone/${localEnv:TOKEN}:/b"]
    );
    // Another place is another effect.
    assert_ne!(hash(&effects), hash(&of("other")));
}

#[test]
fn the_image_s_metadata_is_judged_too() {
    let metadata = Metadata::parse(
        r#"[{"id":"f","privileged":true,"entrypoint":"/e.sh"},{"mounts":["type=bind,source=/etc,target=/e"]}]"#,
    );
    let configuration = configuration(&json!({}), &[]);
    let effects = configuration.host_effects(Some(&metadata), &view_for(&configuration));
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
