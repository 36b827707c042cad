//! Folders with awkward names, beneath a git root, replaced under a running container, or not on the engine's machine.

use gangplank_tests::{EngineKind, Image, Sandbox, engine};
use serde_json::json;

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

/// A TCP port of loopback that leads to the engine's socket, until the test process ends.
fn relay(socket: std::path::PathBuf) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let engine = std::os::unix::net::UnixStream::connect(&socket).unwrap();
            let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
            let (mut from_engine, mut to_engine) = (engine.try_clone().unwrap(), engine);
            std::thread::spawn(move || {
                // Either side may go at any time.
                let _ = std::io::copy(&mut from_client, &mut to_engine);
                let _ = to_engine.shutdown(std::net::Shutdown::Write);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from_engine, &mut to_client);
                let _ = to_client.shutdown(std::net::Shutdown::Write);
            });
        }
    });
    port
}
