//! The agent's program reaches every container that can run it, and nothing else does.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gangplank_daemon::agent::delivery::{Delivery, NoAgent};
use gangplank_daemon::place::Place;
use gangplank_daemon::store::Store;
use gangplank_engine::exec::ExecSpec;
use gangplank_engine::{Endpoint, EngineId};
use gangplank_tests::engine::{Body, for_tests};
use gangplank_tests::{Engine, EngineKind, Image, Sandbox};
use serde_json::{Value, json};

use super::project::{Project, id_of};

const PROGRAM: &str = "/.gangplank/agent";

/// The mounts of a container that are of the agent's volume.
fn agents_mounts(container: &Value) -> Vec<Value> {
    let mounts = container["Mounts"].as_array().unwrap().iter();
    mounts.filter(|mount| mount["Name"].to_string().contains("gangplank-agent-")).cloned().collect()
}

/// The one volume of the agent's that the container mounts, read-only, where its label says.
fn agents_volume(container: &Value) -> String {
    let mounts = agents_mounts(container);
    assert_eq!(mounts.len(), 1, "{container:#}");
    assert_eq!(mounts[0]["RW"], false);
    assert_eq!(container["Config"]["Labels"]["dev.gangplank.agent"], PROGRAM);
    assert_eq!(mounts[0]["Destination"], "/.gangplank");
    mounts[0]["Name"].as_str().unwrap().to_owned()
}

/// Those of a list of the engine's with this label.
fn labelled(list: &Value, label: &str, value: &str) -> Vec<Value> {
    let list = list.as_array().into_iter().flatten();
    list.filter(|each| each["Labels"][label] == value).cloned().collect()
}

/// The names of all volumes of the sandbox's agents.
fn volumes(engine: &Engine, sandbox: &Sandbox) -> Vec<String> {
    let list = engine.api().get("/volumes").unwrap();
    let ours =
        labelled(&list["Volumes"], "dev.gangplank.agent.installation", &sandbox.installation().unwrap());
    let mut names: Vec<_> = ours.iter().map(|volume| volume["Name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// The containers that are there to fill a volume of the sandbox's.
fn fillers(engine: &Engine, sandbox: &Sandbox) -> Vec<Value> {
    let list = engine.api().get("/containers/json?all=true").unwrap();
    labelled(&list, "dev.gangplank.agent.filler", &sandbox.installation().unwrap())
}

/// How often the sandbox's daemons have filled a volume.
fn fillings(sandbox: &Sandbox) -> usize {
    let log = std::fs::read_to_string(sandbox.path("state/gangplank/daemon.log")).unwrap();
    log.matches("the agent's volume is filled").count()
}

/// Asks for the program in a container as the daemon does, and runs it there as the same user.
fn located(engine: &Engine, sandbox: &Sandbox, container: &str, user: &str) -> Result<String, NoAgent> {
    let environment: BTreeMap<String, String> =
        sandbox.environment().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let delivery = Delivery::new(Store::new(Place::prepare(&environment).unwrap()));
    let endpoint = Endpoint::from_id(&EngineId::new(engine.host()), &environment).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = gangplank_engine::Engine::connect(endpoint).await.unwrap();
        let details = engine.inspect_container(container).await.unwrap();
        let path = delivery.locate(&engine, &details, user).await?;
        let spec = ExecSpec {
            argv: vec![path.clone(), "--version".into()],
            user: Some(user.into()),
            working_dir: Some("/".into()),
            ..ExecSpec::default()
        };
        let output = engine.exec_output(container, &spec, b"", 4096).await.unwrap();
        assert_eq!(output.exit_code, 0, "{path}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(path)
    })
}

/// A container made behind the product's back, running.
fn plain_container(engine: &Engine, sandbox: &Sandbox, image: Image, more: &Value) -> String {
    let mut spec = json!({ "Image": image.on(engine).unwrap(), "Cmd": ["sleep", "1000000"] });
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let name = sandbox.name("plain");
    let api = engine.api();
    api.post(&format!("/containers/create?name={name}"), Body::Json(&spec)).unwrap();
    api.post(&format!("/containers/{name}/start"), Body::Empty).unwrap();
    name
}

fn one_filling_serves_all_workspaces(kind: EngineKind) {
    let engine = for_tests(kind);
    let sandbox = Sandbox::on(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folders = ["one", "two", "three"].map(|name| sandbox.workspace(name, &configuration));
    let up = |folder: &Path| sandbox.gangplank(["up"]).within(folder).run().success().json();
    let volume_of = |result: &Value| {
        let path = format!("/containers/{}/json", id_of(result));
        agents_volume(&engine.api().get(&path).unwrap())
    };
    let together = std::thread::scope(|scope| {
        let both = [scope.spawn(|| up(&folders[0])), scope.spawn(|| up(&folders[1]))];
        both.map(|up| up.join().unwrap())
    });
    let later = up(&folders[2]);
    let volume = volume_of(&later);
    for result in &together {
        assert_eq!(volume_of(result), volume);
    }
    assert_eq!(fillings(&sandbox), 1);
    assert_eq!(volumes(engine, &sandbox), [volume]);
    assert!(fillers(engine, &sandbox).is_empty());
    // Nor does another daemon fill it.
    sandbox.gangplank(["daemon", "stop"]).run().success();
    let rebuilt = sandbox.gangplank(["rebuild"]).within(&folders[2]).run().success().json();
    assert_ne!(id_of(&rebuilt), id_of(&later));
    assert_eq!(fillings(&sandbox), 1);
    for folder in &folders {
        sandbox.gangplank(["exec", PROGRAM, "--version"]).within(folder).run().success();
        sandbox
            .gangplank(["exec", "sh", "-c", "! touch /.gangplank/x 2>/dev/null"])
            .within(folder)
            .run()
            .success();
    }
    assert_eq!(located(engine, &sandbox, id_of(&rebuilt), "app").unwrap(), PROGRAM);
    assert_eq!(fillings(&sandbox), 1);
}

#[test]
fn one_filling_serves_all_workspaces_on_docker() {
    one_filling_serves_all_workspaces(EngineKind::Docker);
}

#[test]
fn one_filling_serves_all_workspaces_on_docker_classic() {
    one_filling_serves_all_workspaces(EngineKind::DockerClassic);
}

#[test]
fn one_filling_serves_all_workspaces_on_docker_20_10() {
    one_filling_serves_all_workspaces(EngineKind::Docker20);
}

#[test]
fn one_filling_serves_all_workspaces_on_podman() {
    one_filling_serves_all_workspaces(EngineKind::Podman);
}

/// An engine's socket that holds back what unpacks an archive, for as long as it is told to.
struct Gate {
    socket: PathBuf,
    closed: Arc<AtomicBool>,
    /// Told of each request that is held back.
    held: mpsc::Receiver<()>,
    /// Where its socket is.
    _place: Sandbox,
}

impl Gate {
    fn before(engine: &Engine) -> Gate {
        let place = Sandbox::on(engine);
        let socket = place.path("gate.sock");
        let (listener, behind) = (UnixListener::bind(&socket).unwrap(), engine.socket());
        let (closed, (tell, held)) = (Arc::new(AtomicBool::new(true)), mpsc::channel());
        let stays_closed = Arc::clone(&closed);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, behind) = (client.unwrap(), UnixStream::connect(&behind).unwrap());
                let (back_from, back_to) = (behind.try_clone().unwrap(), client.try_clone().unwrap());
                let (tell, closed) = (tell.clone(), Arc::clone(&stays_closed));
                std::thread::spawn(move || forward(back_from, back_to, |_| {}));
                std::thread::spawn(move || {
                    forward(client, behind, |bytes| {
                        let archive =
                            bytes.starts_with(b"PUT ") && bytes.windows(8).any(|part| part == b"/archive");
                        if archive && closed.load(Ordering::SeqCst) {
                            let _ = tell.send(());
                            while closed.load(Ordering::SeqCst) {
                                std::thread::sleep(Duration::from_millis(5));
                            }
                        }
                    });
                });
            }
        });
        Gate { socket, closed, held, _place: place }
    }

    /// Waits for a request that is held back; the deadline is for liveness only.
    fn await_held(&self) {
        self.held.recv_timeout(Duration::from_secs(60)).unwrap();
    }

    fn open(&self) {
        self.closed.store(false, Ordering::SeqCst);
    }
}

fn forward(mut from: UnixStream, mut to: UnixStream, mut see: impl FnMut(&[u8])) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        see(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn behind_gate(engine: &Engine) -> (Sandbox, Gate, PathBuf) {
    let gate = Gate::before(engine);
    let mut sandbox = Sandbox::at(&format!("unix://{}", gate.socket.display()));
    // Its own clean-up does not go through the gate.
    sandbox.also_uses(engine);
    let configuration = json!({ "image": Image::Busybox.on(engine).unwrap() }).to_string();
    let folder = sandbox.workspace("project", &configuration);
    (sandbox, gate, folder)
}

#[test]
fn a_daemon_killed_while_it_fills_leaves_nothing_that_the_next_does_not_mend() {
    let engine = for_tests(EngineKind::Docker);
    let (sandbox, gate, folder) = behind_gate(engine);
    let mut up = sandbox.gangplank(["up"]).within(&folder).spawn();
    gate.await_held();
    super::faults::kill_daemon(&sandbox);
    up.wait().unwrap();
    assert_eq!(fillers(engine, &sandbox).len(), 1);
    let half_done = volumes(engine, &sandbox);
    gate.open();
    let result = sandbox.gangplank(["up"]).within(&folder).run().success().json();
    let container = engine.api().get(&format!("/containers/{}/json", id_of(&result))).unwrap();
    assert_eq!([agents_volume(&container)].as_slice(), half_done);
    assert!(fillers(engine, &sandbox).is_empty());
    sandbox.gangplank(["exec", PROGRAM, "--version"]).within(&folder).run().success();
}

#[test]
fn a_cancelled_up_lets_the_filling_come_to_its_end() {
    let engine = for_tests(EngineKind::Docker);
    let (sandbox, gate, folder) = behind_gate(engine);
    let mut rpc = sandbox.rpc();
    let params = json!({ "workspace": { "workspaceFolder": folder } });
    let operation = rpc.call("workspace/up", &params).unwrap()["operationId"].clone();
    gate.await_held();
    let cancelled = rpc.call("operation/cancel", &json!({ "operationId": operation })).unwrap();
    assert_eq!(cancelled["state"], "cancelled");
    gate.open();
    super::project::wait_for(|| fillers(engine, &sandbox).is_empty(), "the helper stays");
    super::project::wait_for(|| fillings(&sandbox) == 1, "it was not filled");
    sandbox.gangplank(["up"]).within(&folder).run().success();
    assert_eq!(fillings(&sandbox), 1);
}

#[test]
fn a_volume_that_is_gone_is_made_anew_and_somebody_elses_is_not_used() {
    let project = Project::new(Image::Busybox, &json!({}));
    let api = project.engine.api();
    let volume = agents_volume(&project.inspect(id_of(&project.up(&[]))));
    let gone = || {
        project.run(&["down"]).success();
        api.delete(&format!("/volumes/{volume}")).unwrap();
    };
    gone();
    assert_eq!(agents_volume(&project.inspect(id_of(&project.up(&[])))), volume);
    assert_eq!(fillings(&project.sandbox), 2);
    project.run(&["exec", PROGRAM, "--version"]).success();

    gone();
    let theirs = json!({ "Name": volume, "Labels": { "dev.gangplank.agent": "x" } });
    api.post("/volumes/create", Body::Json(&theirs)).unwrap();
    let up = project.run(&["up"]).success().complains("was not made by this installation");
    let details = project.inspect(id_of(&up.json()));
    assert!(agents_mounts(&details).is_empty(), "{details:#}");
    assert!(details["Config"]["Labels"]["dev.gangplank.agent"].is_null());
    assert_eq!(fillings(&project.sandbox), 2);
    // That container gets it the other way.
    let path = located(project.engine, &project.sandbox, id_of(&up.json()), "root").unwrap();
    assert!(path.starts_with("/tmp/.gangplank-"), "{path}");
    gone();
}

#[test]
fn an_earlier_versions_volume_goes_when_nothing_uses_it() {
    let project = Project::new(Image::Busybox, &json!({}));
    let api = project.engine.api();
    let volume = agents_volume(&project.inspect(id_of(&project.up(&[]))));
    let installation = project.sandbox.installation().unwrap();
    let names = ["0000000000000001", "0000000000000002"].map(|version| {
        let name = format!("gangplank-agent-{version}-{installation}");
        let labels =
            json!({ "dev.gangplank.agent": version, "dev.gangplank.agent.installation": installation });
        api.post("/volumes/create", Body::Json(&json!({ "Name": name, "Labels": labels }))).unwrap();
        name
    });
    let mount = json!([{ "Type": "volume", "Source": names[0], "Target": "/x" }]);
    let user = plain_container(
        project.engine,
        &project.sandbox,
        Image::Busybox,
        &json!({ "HostConfig": { "Mounts": mount } }),
    );
    project.run(&["down"]).success();
    api.delete(&format!("/volumes/{volume}")).unwrap();
    project.up(&[]);
    let left = volumes(project.engine, &project.sandbox);
    let mut expected = vec![names[0].clone(), volume];
    expected.sort();
    assert_eq!(left, expected);
    api.delete(&format!("/containers/{user}?force=true")).unwrap();
}

#[test]
fn a_confined_container_runs_the_program() {
    let project = Project::new(
        Image::Busybox,
        &json!({
            "containerUser": "app",
            "mounts": ["type=tmpfs,target=/.gangplank/inner"],
            "runArgs": ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"],
        }),
    );
    let up = project.up(&["--trust"]);
    let details = project.inspect(id_of(&up));
    assert_eq!(details["Config"]["Labels"]["dev.gangplank.agent"], "/.gangplank-2/agent");
    let path = located(project.engine, &project.sandbox, id_of(&up), "app").unwrap();
    assert_eq!(path, "/.gangplank-2/agent");
}

#[test]
fn a_container_without_a_shell_runs_the_program_from_the_volume() {
    let project = Project::new(Image::Busybox, &json!({}));
    let volume = agents_volume(&project.inspect(id_of(&project.up(&[]))));
    // As the product would make it, if it kept to the image's own command.
    let made = |read_only: bool, name: &str| {
        let mount =
            json!([{ "Type": "volume", "Source": name, "Target": "/.gangplank", "ReadOnly": read_only }]);
        let more = json!({
            "Cmd": ["/sleep", "1000000"],
            "Labels": { "dev.gangplank.agent": PROGRAM },
            "HostConfig": { "Mounts": mount },
        });
        let container = plain_container(project.engine, &project.sandbox, Image::Empty, &more);
        let located = located(project.engine, &project.sandbox, &container, "1000");
        project.engine.api().delete(&format!("/containers/{container}?force=true")).unwrap();
        located
    };
    assert_eq!(made(true, &volume).unwrap(), PROGRAM);
    // One that it can write, or another, is not believed.
    assert!(matches!(made(false, &volume), Err(NoAgent::NoShell)));
    let other = project.sandbox.name("data");
    assert!(matches!(made(true, &other), Err(NoAgent::NoShell)));
}

fn another_tools_container_gets_the_program_through_a_shell(kind: EngineKind) {
    let engine = for_tests(kind);
    let sandbox = Sandbox::on(engine);
    // Labels alone are what an image may bring.
    let labels = json!({ "dev.gangplank.agent": "/bin/true" });
    let plain =
        plain_container(engine, &sandbox, Image::Busybox, &json!({ "User": "app", "Labels": labels }));
    let path = located(engine, &sandbox, &plain, "app").unwrap();
    assert!(path.starts_with("/tmp/.gangplank-") && path.ends_with("/agent"), "{path}");
    assert_ne!(located(engine, &sandbox, &plain, "root").unwrap(), path);
    let nobody = located(engine, &sandbox, &plain, "nosuchuser").unwrap_err();
    assert!(matches!(nobody, NoAgent::Engine(_)), "{nobody}");
}

#[test]
fn another_tools_container_gets_the_program_through_a_shell_on_docker() {
    another_tools_container_gets_the_program_through_a_shell(EngineKind::Docker);
}

#[test]
fn another_tools_container_gets_the_program_through_a_shell_on_docker_20_10() {
    another_tools_container_gets_the_program_through_a_shell(EngineKind::Docker20);
}

#[test]
fn another_tools_container_gets_the_program_through_a_shell_on_podman() {
    another_tools_container_gets_the_program_through_a_shell(EngineKind::Podman);
}

#[test]
fn debians_shell_does_it_too() {
    let engine = for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let plain = plain_container(engine, &sandbox, Image::Python, &json!({}));
    let path = located(engine, &sandbox, &plain, "vscode").unwrap();
    assert!(path.starts_with("/tmp/.gangplank-"), "{path}");
}

#[test]
fn where_nothing_can_run_or_nothing_fits_the_next_place_is_taken() {
    let engine = for_tests(EngineKind::Docker);
    for (options, place) in [("noexec", "/root/.gangplank-"), ("size=64k,exec", "/root/.gangplank-")] {
        let sandbox = Sandbox::on(engine);
        let host = json!({ "Tmpfs": { "/tmp": options } });
        let plain = plain_container(engine, &sandbox, Image::Busybox, &json!({ "HostConfig": host }));
        let path = located(engine, &sandbox, &plain, "root").unwrap();
        assert!(path.starts_with(place), "{options}: {path}");
        let spec = ["exec", "--container-id", &plain, "ls", "-A", "/tmp"];
        assert_eq!(sandbox.gangplank(spec).run().success().text(), "", "{options}");
    }
}

#[test]
fn why_there_is_no_agent_is_said() {
    let engine = for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let image = Image::Empty;
    let command = json!({ "Cmd": ["/sleep", "1000000"], "Labels": { "dev.gangplank.agent.missing": "the \u{1b}[2Jdisk is full" } });
    let plain = plain_container(engine, &sandbox, image, &command);
    let why = located(engine, &sandbox, &plain, "0").unwrap_err();
    let said = why.to_string();
    assert!(said.starts_with("the container has no /bin/sh that this user may run; "), "{said}");
    assert!(said.contains("disk is full") && !said.contains('\u{1b}'), "{said:?}");

    let locked = Sandbox::on(engine);
    let host = json!({ "ReadonlyRootfs": true });
    let plain = plain_container(engine, &locked, Image::Busybox, &json!({ "HostConfig": host }));
    let said = located(engine, &locked, &plain, "app").unwrap_err().to_string();
    assert!(said.starts_with("no folder in the container takes a program"), "{said}");
}

#[test]
fn nobody_else_mounts_the_agents_volume() {
    let project = Project::new(Image::Busybox, &json!({}));
    let volume = agents_volume(&project.inspect(id_of(&project.up(&[]))));
    project.run(&["down"]).success();
    let mount = format!("type=volume,source={volume},target=/x");
    let short = format!("{volume}:/x");
    // One that is not there is refused like one that is.
    let another = "type=volume,source=gangplank-agent-none,target=/x";
    for (configuration, property) in [
        (json!({ "mounts": [mount] }), "mounts[0]"),
        (json!({ "mounts": [another] }), "mounts[0]"),
        (json!({ "workspaceMount": mount, "workspaceFolder": "/x" }), "workspaceMount"),
        (json!({ "runArgs": ["-v", short] }), "runArgs[0]"),
        (json!({ "runArgs": [format!("--mount={mount}")] }), "runArgs[0]"),
    ] {
        project.configure(&configuration);
        let plan = project.run(&["plan", "--format", "json"]).success().json();
        let told = plan["hostEffects"]
            .as_array()
            .unwrap()
            .iter()
            .any(|effect| effect["kind"] == "agentVolume" && effect["property"] == property);
        assert!(told, "{property}: {plan:#}");
        project.run(&["up", "--trust"]).exits(1).complains(property).complains("Gangplank's own");
    }
    project.configure(&json!({}));
    project.run(&["up", "--trust", "--mount", &mount]).exits(1).complains(&volume);
    project.run(&["run", "--rm", "-v", &short, project.image, "true"]).exits(2).complains(&volume);
    assert!(project.containers().is_empty());
}
