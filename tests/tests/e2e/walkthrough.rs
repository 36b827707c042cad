//! The walk through Docker's everyday commands, in order, as the introduction to containers tells it: an image from a
//! registry, containers in the foreground and in the background, a folder shared with the host.

use std::path::Path;

use gangplank_tests::sandbox::Output;
use gangplank_tests::{EngineKind, Image, Sandbox, engine, registry};

/// The walk of one user on one engine.
struct Walk {
    sandbox: Sandbox,
    image: String,
}

impl Walk {
    fn run(&self, arguments: &[&str]) -> Output {
        self.sandbox.gangplank(arguments).run()
    }

    fn pulls(&self) {
        self.run(&["pull", &self.image]).success();
        let (name, tag) = self.image.rsplit_once(':').unwrap();
        let images = self.run(&["images"]).success().text();
        let listed = images.lines().any(|line| line.contains(name) && line.contains(tag));
        assert!(listed, "{} is not listed:\n{images}", self.image);
    }

    fn runs_a_command_to_its_end(&self) {
        let name = self.sandbox.name("once");
        self.run(&["run", "--name", &name, &self.image, "echo", "hello from the container"])
            .success()
            .says_exactly("hello from the container\n");
        self.run(&["ps"]).success().does_not_say(&name);
        let all = self.run(&["ps", "-a"]).success().text();
        let line = all.lines().find(|line| line.contains(&name));
        let exited = line.is_some_and(|line| line.to_lowercase().contains("exited"));
        assert!(exited, "{name} is not shown as exited:\n{all}");
        self.run(&["rm", &name]).success();
        self.run(&["ps", "-a"]).success().does_not_say(&name);
    }

    fn feeds_a_command_from_a_pipe(&self) {
        let name = self.sandbox.name("piped");
        let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(100_000).collect();
        self.sandbox
            .gangplank(["run", "--rm", "-i", "--name", &name, &self.image, "cat"])
            .input(every_byte.clone())
            .run()
            .success()
            .says_exactly(every_byte);
        self.run(&["ps", "-a"]).success().does_not_say(&name);
    }

    fn works_in_a_terminal(&self) {
        let name = self.sandbox.name("interactive");
        let arguments = ["run", "--rm", "-it", "--name", &name, &self.image, "bash", "--norc"];
        let mut terminal = self.sandbox.gangplank(arguments).on_terminal(97, 31);
        // what is typed is echoed, so the answers differ from the questions; older engines learn a terminal's size only
        // after the command has started
        terminal
            .types("until [ \"$(stty size)\" = '31 97' ]; do sleep 0.1; done; echo its si''ze is right\r");
        terminal.shows("its size is right");
        terminal.types("tty && echo on a $((1+1))nd terminal\r");
        terminal.shows("on a 2nd terminal");
        terminal.types("exit 7\r");
        terminal.exits(7);
    }

    fn works_in_the_background(&self) {
        let name = self.sandbox.name("background");
        let id = self.run(&["run", "-itd", "--name", &name, &self.image, "bash"]).success().text();
        assert!(id.trim().len() >= 12, "`run -d` prints the container's id, not {id:?}");
        self.run(&["ps"]).success().says(&name);

        let shell = ["exec", "--container-id", &name, "-it", "bash", "--norc"];
        let mut terminal = self.sandbox.gangplank(shell).on_terminal(80, 24);
        terminal.types("python\r");
        terminal.shows(">>> ");
        terminal.types("print(6 * 7, 'is the answer')\r");
        terminal.shows("42 is the answer");
        terminal.types("exit()\r");
        terminal.types("echo python is $((40+2))\r");
        terminal.shows("python is 42");
        terminal.types("exit\r");
        terminal.exits(0);

        self.run(&["stop", "--time", "1", &name]).success();
        self.run(&["ps"]).success().does_not_say(&name);
        self.run(&["ps", "-a"]).success().says(&name);
        self.run(&["rm", &name]).success();
        self.run(&["ps", "-a"]).success().does_not_say(&name);
    }

    fn shares_a_folder(&self) {
        let name = self.sandbox.name("shared");
        let main = self.sandbox.write("folder/main.py", "print('This is main.py')\n");
        let folder = main.parent().unwrap();
        let volume = format!("{}:/my_project", folder.display());
        self.run(&["run", "-itd", "--name", &name, "-v", &volume, &self.image, "bash"]).success();
        self.run(&["exec", "--container-id", &name, "python", "/my_project/main.py"])
            .success()
            .says_exactly("This is main.py\n");
        let made = "/my_project/created_in_container.py";
        self.run(&["exec", "--container-id", &name, "touch", made]).success();
        self.run(&["stop", "--time", "1", &name]).success();
        self.run(&["rm", &name]).success();
        assert!(folder.join("created_in_container.py").is_file(), "the file is on the host afterwards");
        assert!(Path::new(&main).is_file(), "and so is what was there before");
    }
}

fn walk_on(kind: EngineKind) {
    let engine = engine::for_tests(kind);
    let registry = registry::for_tests();
    let main = engine::for_tests(EngineKind::Docker);
    let sandbox = Sandbox::on(engine);
    let offered = format!("{}/python:3", sandbox.unique());
    let image = registry.offer(Image::Python, &offered, main).unwrap();
    let walk = Walk { sandbox, image };
    walk.pulls();
    walk.runs_a_command_to_its_end();
    walk.feeds_a_command_from_a_pipe();
    walk.works_in_a_terminal();
    walk.works_in_the_background();
    walk.shares_a_folder();
    engine.api().delete(&format!("/images/{}?noprune=true", walk.image)).unwrap();
}

#[test]
fn the_walk_on_docker() {
    walk_on(EngineKind::Docker);
}

#[test]
fn the_walk_on_docker_classic() {
    walk_on(EngineKind::DockerClassic);
}

#[test]
fn the_walk_on_docker_20_10() {
    walk_on(EngineKind::Docker20);
}

#[test]
fn the_walk_on_podman() {
    walk_on(EngineKind::Podman);
}
