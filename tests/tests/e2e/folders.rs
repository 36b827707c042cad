//! Folders with awkward names, beneath a git root, replaced under a running container, or not on the engine's machine.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gangplank_tests::engine::Body;
use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

use super::project::{TemporaryImage, wait_for};

#[test]
fn spaces_unicode_colons_and_commas_in_paths_are_just_letters() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    for name in ["with space", "grün 漢字", "a:b", "c,d", "quote'\"$x"] {
        let folder = sandbox.workspace(name, &configuration);
        std::fs::write(folder.join("file"), name).unwrap();
        sandbox.gangplank(["up"]).within(&folder).run().success();
        sandbox.gangplank(["exec", "cat", "file"]).within(&folder).run().success().says_exactly(name);
        sandbox.gangplank(["down"]).within(&folder).run().success();
    }
}

#[test]
fn a_symlinked_folder_is_opened_by_the_name_it_was_given() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("real", &configuration);
    let link = sandbox.path("work/link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    let named = link.display().to_string();
    let up = || sandbox.gangplank(["up", "--workspace-folder", &named]).run().success().json();
    let first = up();
    assert_eq!(first["remoteWorkspaceFolder"], "/workspaces/link");
    let id = first["containerId"].as_str().unwrap();
    let details = engine.api().get(&format!("/containers/{id}/json")).unwrap();
    assert_eq!(details["Config"]["Labels"]["devcontainer.local_folder"], named);
    std::fs::write(folder.join("file"), "through the link").unwrap();
    let cat = ["exec", "--workspace-folder", &named, "cat", "file"];
    sandbox.gangplank(cat).run().success().says_exactly("through the link");
    assert_eq!(up(), first);

    // Led elsewhere, the link is another folder, which the container must not go on without.
    let other = sandbox.workspace("other", &configuration);
    std::fs::write(other.join("file"), "elsewhere").unwrap();
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&other, &link).unwrap();
    up();
    sandbox.gangplank(cat).run().success().says_exactly("elsewhere");
}

#[test]
fn the_git_root_is_mounted_and_the_folder_beneath_it_opened() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("root/inner", &configuration);
    let root = folder.parent().unwrap();
    std::fs::create_dir(root.join(".git")).unwrap();
    std::fs::write(root.join("at-root"), "").unwrap();
    let result = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    assert_eq!(result["remoteWorkspaceFolder"], "/workspaces/root/inner");
    sandbox.gangplank(["exec", "ls", ".."]).within(&folder).run().success().says("at-root");

    sandbox.gangplank(["down"]).within(&folder).run().success();
    let up = ["up", "--mount-workspace-git-root=false"];
    let result = sandbox.gangplank(up).within(&folder).run().success().json();
    assert_eq!(result["remoteWorkspaceFolder"], "/workspaces/inner");
    sandbox.gangplank(["exec", "pwd"]).within(&folder).run().success().says_exactly("/workspaces/inner\n");
}

#[test]
fn a_folder_replaced_under_a_running_container_is_noticed_and_mended() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("project", &configuration);
    let up = || sandbox.gangplank(["up"]).within(&folder).run().success();
    let id = up().json()["containerId"].clone();

    let replacements: [&dyn Fn(); 2] = [&|| std::fs::remove_dir_all(&folder).unwrap(), &|| {
        std::fs::rename(&folder, folder.with_extension("old")).unwrap();
    }];
    for (number, replace) in replacements.iter().enumerate() {
        replace();
        let _ = sandbox.workspace("project", &configuration);
        std::fs::write(folder.join("new"), number.to_string()).unwrap();
        sandbox.gangplank(["exec", "cat", "new"]).within(&folder).run().complains("gangplank up");
        assert_eq!(up().complains("was replaced").json()["containerId"], id);
        sandbox
            .gangplank(["exec", "cat", "new"])
            .within(&folder)
            .run()
            .success()
            .says_exactly(number.to_string());
    }
}

#[test]
fn an_engine_over_tcp_gets_a_bind_mount_only_for_a_folder_that_it_sees() {
    let engine = engine::for_tests(EngineKind::Docker);
    let port = relay(engine.socket());
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("project", &configuration);
    let host = format!("tcp://127.0.0.1:{port}");
    sandbox.gangplank(["up"]).within(&folder).env("DOCKER_HOST", &host).run().success();
    sandbox.gangplank(["down"]).within(&folder).env("DOCKER_HOST", &host).run().success();
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".devcontainer"], "the proof left something behind");

    // The same in a mount namespace in which the folder's parent is another one than the engine's.
    let binary = gangplank_tests::sandbox::binary().unwrap();
    let script = format!(
        "mount -t tmpfs none {parent} && mkdir -p {folder}/.devcontainer && cd {folder} && \
         printf '%s' '{configuration}' > {folder}/.devcontainer/devcontainer.json && \
         {binary} up --workspace-folder {folder}; status=$?; {binary} daemon stop; exit $status",
        parent = folder.parent().unwrap().display(),
        folder = folder.display(),
        binary = binary.display()
    );
    sandbox.gangplank(["daemon", "stop"]).run().success();
    let output = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", &script])
        .env_clear()
        .envs(sandbox.environment())
        .env("DOCKER_HOST", &host)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("workspaceNotOnEngine"), "{said}");
}

#[test]
fn the_proof_leaves_nothing_behind_when_it_is_cut_off() {
    let engine = engine::for_tests(EngineKind::Docker);
    let answers = Arc::new(AtomicBool::new(false));
    let host = format!("tcp://127.0.0.1:{}", relay_holding(engine.socket(), Arc::clone(&answers)));
    let sandbox = Sandbox::on(engine);
    let image = Image::Busybox.on(engine).unwrap();
    let folder = sandbox.workspace("project", &json!({ "image": image }).to_string());
    let proofs = || {
        let all = engine.api().get("/containers/json?all=true").unwrap();
        let ours = |container: &&serde_json::Value| {
            container["Labels"]["dev.gangplank.nonce"] == "1"
                && container["Mounts"].to_string().contains(folder.to_str().unwrap())
        };
        all.as_array().unwrap().iter().filter(ours).count()
    };
    let files = || std::fs::read_dir(&folder).unwrap().count();

    // Cancelled between the container's creation and the engine's answer to it.
    let mut terminal =
        sandbox.gangplank(["up"]).within(&folder).env("DOCKER_HOST", &host).on_terminal(100, 30);
    wait_for(|| proofs() == 1, "no proof was made");
    terminal.types("\u{3}");
    let _ = terminal.exits(130);
    answers.store(true, Ordering::SeqCst);
    wait_for(|| proofs() == 0 && files() == 1, "the proof is still there");

    // What a daemon left that was killed meanwhile goes with the next proof.
    let file = folder.join(".gangplank-nonce-0123");
    std::fs::write(&file, "").unwrap();
    let left = json!({
        "Image": image, "Labels": { "dev.gangplank.nonce": "1" },
        "HostConfig": { "Mounts": [{ "Type": "bind", "Source": file, "Target": "/x" }] },
    });
    let api = engine.api();
    api.post(&format!("/containers/create?name={}", sandbox.name("proof")), Body::Json(&left)).unwrap();
    // An image brings the label too, and its containers are somebody's.
    let holder = sandbox.name("holder");
    api.post(&format!("/containers/create?name={holder}"), Body::Json(&json!({ "Image": image }))).unwrap();
    let labels = json!({ "Labels": { "dev.gangplank.nonce": "1" } });
    let strange = format!("{}/nonce", sandbox.unique());
    let commit = format!("/commit?container={holder}&repo={strange}&tag=1");
    api.post(&commit, Body::Json(&labels)).unwrap();
    let _image = TemporaryImage { engine, reference: format!("{strange}:1") };
    let strangers = ["runs", "waits"].map(|name| sandbox.name(name));
    for name in &strangers {
        let container = json!({ "Image": format!("{strange}:1"), "Cmd": ["sleep", "1000"] });
        api.post(&format!("/containers/create?name={name}"), Body::Json(&container)).unwrap();
    }
    api.post(&format!("/containers/{}/start", strangers[0]), Body::Empty).unwrap();
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    sandbox.gangplank(["up"]).within(&folder).env("DOCKER_HOST", &host).run().success();
    assert_eq!((proofs(), files()), (0, 1));
    for name in &strangers {
        api.get(&format!("/containers/{name}/json")).unwrap();
        api.delete(&format!("/containers/{name}?force=true")).unwrap();
    }
}

/// A TCP port of loopback that leads to the engine's socket, until the test process ends.
pub(super) fn relay(socket: std::path::PathBuf) -> u16 {
    relay_holding(socket, Arc::new(AtomicBool::new(true)))
}

/// The same; answers to the creation of containers pass only once `answers` says so.
fn relay_holding(socket: std::path::PathBuf, answers: Arc<AtomicBool>) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let engine = std::os::unix::net::UnixStream::connect(&socket).unwrap();
            let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
            let (mut from_engine, mut to_engine) = (engine.try_clone().unwrap(), engine);
            let creates = Arc::new(AtomicBool::new(false));
            let (sees, held, answers) = (Arc::clone(&creates), creates, Arc::clone(&answers));
            std::thread::spawn(move || {
                let path = b"/containers/create";
                let see = |bytes: &[u8]| {
                    if bytes.windows(path.len()).any(|part| part == path) {
                        sees.store(true, Ordering::SeqCst);
                    }
                };
                // Either side may go at any time.
                let _ = copy(&mut from_client, &mut to_engine, see);
                let _ = to_engine.shutdown(std::net::Shutdown::Write);
            });
            std::thread::spawn(move || {
                let wait = |_: &[u8]| {
                    while held.load(Ordering::SeqCst) && !answers.load(Ordering::SeqCst) {
                        std::thread::sleep(std::time::Duration::from_millis(5));
                    }
                };
                let _ = copy(&mut from_engine, &mut to_client, wait);
                let _ = to_client.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    port
}

/// Copies to the end; `each` has every piece before it is passed on.
fn copy(from: &mut impl Read, to: &mut impl Write, each: impl Fn(&[u8])) -> std::io::Result<()> {
    let mut buffer = [0; 64 * 1024];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => {
                each(&buffer[..length]);
                to.write_all(&buffer[..length])?;
            }
        }
    }
}
