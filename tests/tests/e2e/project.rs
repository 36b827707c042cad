//! What tests of one opened folder share: the folder, its configuration and what there is of it on the engine.

use std::cell::RefCell;
use std::path::PathBuf;

use gangplank_tests::engine::Body;
use gangplank_tests::sandbox::Output;
use gangplank_tests::{Engine, EngineKind, Image, Sandbox, engine};
use serde_json::{Value, json};

/// One folder on one engine.
pub(super) struct Project {
    pub(super) engine: &'static Engine,
    pub(super) sandbox: Sandbox,
    pub(super) folder: PathBuf,
    pub(super) image: &'static str,
    /// Last, so that they go after the sandbox has removed the containers that use them.
    images: RefCell<Vec<TemporaryImage>>,
}

impl Project {
    /// A folder whose configuration is the image and `more`.
    pub(super) fn new(image: Image, more: &Value) -> Project {
        Project::on(EngineKind::Docker, image, more)
    }

    /// The same on another engine.
    pub(super) fn on(kind: EngineKind, image: Image, more: &Value) -> Project {
        let engine = engine::for_tests(kind);
        let sandbox = Sandbox::on(engine);
        let image = image.on(engine).unwrap();
        let folder = sandbox.path("work/project");
        let project = Project { engine, sandbox, folder, image, images: RefCell::default() };
        project.configure(more);
        project
    }

    /// Writes the configuration anew: the image and `more`, which may name another image.
    pub(super) fn configure(&self, more: &Value) {
        let mut configuration = json!({ "image": self.image });
        configuration.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.sandbox.write("project/.devcontainer/devcontainer.json", configuration.to_string());
    }

    /// `gangplank` in the folder, in an environment that has `GP_X=1`.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.gangplank(arguments).within(&self.folder).env("GP_X", "1").run()
    }

    /// The result of an `up` that succeeds.
    pub(super) fn up(&self, more: &[&str]) -> Value {
        self.run(&[&["up"], more].concat()).success().json()
    }

    pub(super) fn inspect(&self, id: &str) -> Value {
        self.engine.api().get(&format!("/containers/{id}/json")).unwrap()
    }

    /// What a script in the container prints.
    pub(super) fn in_container(&self, script: &str) -> String {
        self.run(&["exec", "sh", "-c", script]).success().text()
    }

    /// The containers with this folder's label.
    pub(super) fn containers(&self) -> Vec<Value> {
        let all = self.engine.api().get("/containers/json?all=true").unwrap();
        let folder = self.folder.display().to_string();
        let ours = |container: &&Value| container["Labels"]["devcontainer.local_folder"] == folder.as_str();
        all.as_array().unwrap().iter().filter(ours).cloned().collect()
    }

    /// The file into which hooks of these tests write.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The reference of an image like the project's with another container configuration (`Cmd`, `Labels`).
    pub(super) fn image_with(&self, configuration: &Value) -> String {
        let api = self.engine.api();
        let container = self.sandbox.name("image");
        let create = format!("/containers/create?name={container}");
        api.post(&create, Body::Json(&json!({ "Image": self.image }))).unwrap();
        let repository = format!("{}/image", self.sandbox.unique());
        let tag = self.images.borrow().len();
        let commit = format!("/commit?container={container}&repo={repository}&tag={tag}");
        let committed = api.post(&commit, Body::Json(configuration));
        api.delete(&format!("/containers/{container}")).unwrap();
        committed.unwrap();
        self.goes_at_last(format!("{repository}:{tag}"))
    }

    /// Gives the project's image another name too.
    pub(super) fn name_image(&self, reference: &str) {
        let (repository, tag) = reference.rsplit_once(':').unwrap();
        let tagging = format!("/images/{}/tag?repo={repository}&tag={tag}", self.image);
        self.engine.api().post(&tagging, Body::Empty).unwrap();
        self.goes_at_last(reference.to_owned());
    }

    fn goes_at_last(&self, reference: String) -> String {
        self.images.borrow_mut().push(TemporaryImage { engine: self.engine, reference: reference.clone() });
        reference
    }
}

/// An image that goes when this is dropped.
pub(super) struct TemporaryImage {
    pub(super) engine: &'static Engine,
    pub(super) reference: String,
}

impl Drop for TemporaryImage {
    fn drop(&mut self) {
        // gone already is as good
        let _ = self.engine.api().delete(&format!("/images/{}?force=true&noprune=true", self.reference));
    }
}

pub(super) fn id_of(result: &Value) -> &str {
    result["containerId"].as_str().unwrap()
}

/// Waits for a state; the deadline is for liveness only.
pub(super) fn wait_for(mut state: impl FnMut() -> bool, never: &str) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !state() {
        assert!(std::time::Instant::now() < end, "{never}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
