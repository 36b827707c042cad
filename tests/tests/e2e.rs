//! End-to-end tests on real engines, all in one binary: it links once, and its tests share engines and run side by
//! side. Each file of `e2e/` is a module here, which a test checks.
//!
//! A test takes its engine by `engine::for_tests(kind)` and its user by `Sandbox::on(engine)`; both clean up. Most
//! tests run on [`EngineKind::Docker`](gangplank_tests::EngineKind::Docker) only, a named subset on each kind.

#[cfg(test)]
#[path = "e2e"]
mod e2e {
    mod abuse;
    mod agent;
    mod agent_delivery;
    mod daemon;
    mod doors;
    mod exec;
    mod faults;
    mod folders;
    mod harness;
    mod host_environment;
    mod lifecycle;
    mod project;
    mod pull;
    mod raw;
    mod terminals;
    mod trust;
    mod up;
    mod walkthrough;
    mod watch;

    #[test]
    fn every_file_is_a_module() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e");
        let declared = include_str!("e2e.rs");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let module = name.strip_suffix(".rs").unwrap_or_else(|| panic!("{name} is no Rust file"));
            assert!(declared.contains(&format!("    mod {module};")), "{name} is not a module of e2e.rs");
            files += 1;
        }
        assert!(files > 1, "no test files found in {folder}");
    }
}
