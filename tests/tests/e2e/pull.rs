//! Images: got from a registry layer by layer, listed, removed; and what is said where that cannot be.

use gangplank_tests::engine::Body;
use gangplank_tests::{EngineKind, Image, Sandbox, engine, registry};
use serde_json::{Value, json};

use super::project::TemporaryImage;

/// The size of the upper layer: large enough for its download to be seen.
const LAYER: usize = 64 << 20;

/// An image in the registry with two layers of random bytes upon Busybox's, made on an engine that is not the one under
/// test: that has none of the two.
struct Offered {
    sandbox: Sandbox,
    reference: String,
    /// Last, so that it goes after the sandbox has removed the containers that use it.
    pulled: TemporaryImage,
}

impl Offered {
    fn new() -> Offered {
        let (engine, maker) =
            (engine::for_tests(EngineKind::Docker), engine::for_tests(EngineKind::DockerClassic));
        let mut sandbox = Sandbox::on(engine);
        sandbox.also_uses(maker);
        let api = maker.api();
        let base = Image::Busybox.on(maker).unwrap();
        let repository = format!("{}/{}/layers", registry::for_tests().address(), sandbox.unique());
        let reference = format!("{repository}:1");
        let layers = [(base, "small", 1 << 20), (&reference[..], "large", LAYER)];
        for (below, file, size) in layers {
            let name = sandbox.name(file);
            let fill = format!("head -c {size} /dev/urandom > /{file}");
            let container = json!({ "Image": below, "Cmd": ["sh", "-c", fill] });
            api.post(&format!("/containers/create?name={name}"), Body::Json(&container)).unwrap();
            api.post(&format!("/containers/{name}/start"), Body::Empty).unwrap();
            let ended = api.post(&format!("/containers/{name}/wait"), Body::Empty).unwrap();
            assert_eq!(ended["StatusCode"], 0);
            let commit = format!("/commit?container={name}&repo={repository}&tag=1");
            api.post(&commit, Body::Json(&json!({}))).unwrap();
            api.delete(&format!("/containers/{name}")).unwrap();
        }
        let pushed = api.post(&format!("/images/{repository}/push?tag=1"), Body::Empty);
        api.delete(&format!("/images/{reference}?noprune=true")).unwrap();
        pushed.unwrap();
        Offered { sandbox, pulled: TemporaryImage { engine, reference: reference.clone() }, reference }
    }

    fn is_on_the_engine(&self) -> bool {
        self.pulled.engine.api().get(&format!("/images/{}/json", self.reference)).is_ok()
    }
}

#[test]
fn a_pull_tells_of_every_layer_and_its_bytes() {
    let offered = Offered::new();
    let output =
        offered.sandbox.gangplank(["pull", "--format", "ndjson", &offered.reference]).run().success().text();
    assert!(offered.is_on_the_engine());
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| -> Vec<&Value> {
        lines.iter().map(|line| &line["event"]).filter(|event| event["type"] == kind).collect()
    };
    let progress = of("progress");
    let mut layers: Vec<&str> = progress
        .iter()
        .filter(|event| event["status"] == "Pull complete")
        .map(|event| event["item"].as_str().unwrap())
        .collect();
    layers.sort_unstable();
    layers.dedup();
    assert!(layers.len() >= 2, "both layers came to their end:\n{output}");
    let bytes: Vec<(u64, u64)> = progress
        .iter()
        .filter(|event| event["status"] == "Downloading")
        .filter_map(|event| Some((event["done"].as_u64()?, event["total"].as_u64()?)))
        .collect();
    assert!(
        bytes.iter().any(|(_, total)| *total >= LAYER as u64),
        "the large layer told its size:\n{output}"
    );
    assert!(bytes.iter().all(|(done, total)| done <= total), "{output}");
    let sequence: Vec<u64> = lines.iter().filter_map(|line| line["seq"].as_u64()).collect();
    assert!(sequence.is_sorted_by(|earlier, later| earlier < later), "{sequence:?}");
}

#[test]
fn what_was_pulled_is_listed_used_and_removed() {
    let offered = Offered::new();
    let (sandbox, reference) = (&offered.sandbox, &offered.reference[..]);
    let repository = reference.strip_suffix(":1").unwrap();
    let pull = |arguments: &[&str]| sandbox.gangplank([&["pull"], arguments].concat()).run().success();
    let first = pull(&["--format", "json", reference]).json();
    assert_eq!(first["changed"], true);
    assert_eq!(pull(&["--format", "json", reference]).json()["changed"], false);
    // Plain lines without a terminal; nothing but the name where quiet is asked for.
    let plain = pull(&[reference]).says_exactly(format!("{reference}\n")).errors();
    assert!(plain.lines().any(|line| line == format!("=> Pull {reference}")), "{plain}");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let quiet = pull(&["-q", reference]).says_exactly(format!("{reference}\n"));
    assert_eq!(quiet.errors(), "");

    let id = first["id"].as_str().unwrap();
    let listed = sandbox.gangplank(["images", reference]).run().success().text();
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..2], [repository, "1"], "{listed}");
    assert!(id.contains(row[2]), "{listed} has not {id}");
    sandbox
        .gangplank(["images", "-q", "--no-trunc", repository])
        .run()
        .success()
        .says_exactly(format!("{id}\n"));

    let name = sandbox.name("user");
    let size = ["run", "--name", &name, reference, "stat", "-c", "%s", "/large"];
    sandbox.gangplank(size).run().success().says_exactly(format!("{LAYER}\n"));
    sandbox.gangplank(["rmi", reference]).run().exits(1).complains("conflict").complains(&name[..12]);
    sandbox.gangplank(["rm", &name]).run().success();
    sandbox.gangplank(["rmi", reference]).run().success().says(&format!("Untagged: {reference}"));
    assert!(!offered.is_on_the_engine());
    sandbox.gangplank(["rmi", reference]).run().exits(3).complains("notFound").complains("gangplank images");
    sandbox.gangplank(["images", "-q", repository]).run().success().says_exactly("");
}

#[test]
fn a_terminal_shows_a_bar_for_each_layer() {
    let offered = Offered::new();
    let mut terminal = offered.sandbox.gangplank(["pull", &offered.reference]).on_terminal(120, 30);
    terminal.shows("Pull ");
    terminal.shows("MiB");
    terminal.shows("done");
    terminal.shows(&offered.reference);
    let _ = terminal.exits(0);
    assert!(offered.is_on_the_engine());
}

#[test]
fn up_and_run_pull_what_the_engine_has_not() {
    let offered = Offered::new();
    let (sandbox, reference) = (&offered.sandbox, &offered.reference[..]);
    let folder = sandbox.workspace("project", &json!({ "image": reference }).to_string());
    let up = sandbox.gangplank(["up"]).within(&folder).run().success();
    up.complains(&format!("=> Pull {reference}\n"));
    sandbox.gangplank(["down"]).within(&folder).run().success();
    sandbox.gangplank(["rmi", reference]).run().success();
    let name = sandbox.name("runner");
    sandbox
        .gangplank(["run", "--rm", "--name", &name, reference, "echo", "hello"])
        .run()
        .success()
        .says_exactly("hello\n")
        .complains("Pull");
}

#[test]
fn an_image_that_is_nowhere_and_a_registry_that_is_not_there_are_told_apart() {
    let engine = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let address = registry::for_tests().address();
    let unknown = format!("{address}/{}/unknown:1", sandbox.unique());
    let unknown_tag = registry::for_tests()
        .offer(Image::Busybox, &format!("{}/known:1", sandbox.unique()), engine)
        .unwrap()
        .replace("known:1", "known:2");
    // Nothing listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let unreachable = format!("127.0.0.1:{port}/some/image:1");
    for (image, kind, code) in [
        (&unknown, "imageNotFound", 3),
        (&unknown_tag, "imageNotFound", 3),
        (&unreachable, "registryUnreachable", 1),
    ] {
        let output = sandbox.gangplank(["pull", image]).run().exits(code).complains(kind);
        assert!(output.errors().contains(image), "{output}");
        assert!(output.errors().contains("hint:"), "{output}");
        let folder = sandbox.workspace("project", &json!({ "image": image }).to_string());
        let output = sandbox.gangplank(["up"]).within(&folder).run().exits(1);
        let result = output.json();
        assert_eq!(
            (&result["outcome"], &result["kind"], &result["step"]),
            (&json!("error"), &json!(kind), &json!("pull"))
        );
        let _ = sandbox.gangplank(["run", "--rm", image, "true"]).run().complains(kind);
    }
    sandbox.gangplank(["pull", "Not A Name"]).run().exits(2).complains("Not A Name");
}

#[test]
fn a_pull_that_hangs_is_cancelled_by_ctrl_c() {
    let sandbox = Sandbox::on(engine::for_tests(EngineKind::Docker));
    // A registry that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let image = format!("{}/silent:1", silent.local_addr().unwrap());
    let mut terminal = sandbox.gangplank(["pull", &image]).on_terminal(100, 30);
    let _asked = silent.accept().unwrap();
    terminal.types("\u{3}");
    let _ = terminal.exits(130);
    sandbox.gangplank(["ps"]).run().success();
}
