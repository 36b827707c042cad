//! The watch of real folders, with the real kernel.

use super::*;
use crate::feed::Reader;

struct Case {
    folder: tempfile::TempDir,
    reader: Reader<WatchEvent>,
    _stop: StopOnDrop,
}

async fn watching(prepare: impl Fn(&Path)) -> Case {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let feed = Feed::new(1000, 1_000_000);
    let reader = feed.read_since(None);
    let stop = start(folder.path().canonicalize().unwrap(), false, feed);
    let mut case = Case { folder, reader, _stop: stop };
    assert!(matches!(case.next().await, WatchEvent::Ready { .. }));
    case
}

impl Case {
    async fn next(&mut self) -> WatchEvent {
        tokio::time::timeout(Duration::from_secs(30), self.reader.next())
            .await
            .expect("an event")
            .unwrap()
            .event
    }

    /// Waits until all of `paths` were told as created.
    async fn sees_created(&mut self, mut paths: HashSet<String>) {
        while !paths.is_empty() {
            if let WatchEvent::Changes { changes } = self.next().await {
                for change in changes.iter().filter(|change| change.kind == FileChangeKind::Created) {
                    paths.remove(&change.path);
                }
            }
        }
    }
}

#[tokio::test]
async fn files_in_fresh_directories_are_all_told() {
    let mut case = watching(|_| {}).await;
    let deep = case.folder.path().join("a/b/c");
    std::fs::create_dir_all(&deep).unwrap();
    let mut expected = HashSet::from(["a".to_owned()]);
    for number in 0..50 {
        std::fs::write(deep.join(number.to_string()), "x").unwrap();
        expected.insert(format!("a/b/c/{number}"));
    }
    case.sees_created(expected).await;
}

#[tokio::test]
async fn rules_of_any_size_cost_little_and_are_told() {
    let mut case = watching(|_| {}).await;
    let rules = std::fs::File::create(case.folder.path().join(".gitignore")).unwrap();
    rules.set_len(1 << 40).unwrap();
    std::fs::write(case.folder.path().join("a.log"), "x").unwrap();
    let mut events = vec![case.next().await];
    while !matches!(events.last(), Some(WatchEvent::Degraded { .. })) {
        events.push(case.next().await);
    }
    let Some(WatchEvent::Degraded { reason }) = events.last() else { unreachable!() };
    assert!(reason.contains(".gitignore"), "{reason}");
}

#[tokio::test]
async fn reading_and_ignored_files_are_silent_and_a_configuration_is_named() {
    let mut case = watching(|folder| {
        std::fs::write(folder.join(".gitignore"), "*.log\n").unwrap();
        std::fs::write(folder.join("read.me"), "x").unwrap();
        std::fs::create_dir(folder.join("node_modules")).unwrap();
    })
    .await;
    std::fs::read(case.folder.path().join("read.me")).unwrap();
    std::fs::write(case.folder.path().join("x.log"), "x").unwrap();
    std::fs::write(case.folder.path().join("node_modules/x"), "x").unwrap();
    std::fs::write(case.folder.path().join(".devcontainer.json"), "{}").unwrap();
    let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
    assert!(changes.iter().all(|change| change.path == ".devcontainer.json"), "{changes:?}");
    assert_eq!(
        case.next().await,
        WatchEvent::ConfigurationChanged { paths: vec![".devcontainer.json".into()] }
    );
}

#[tokio::test]
async fn a_rename_is_told_with_both_names() {
    let mut case = watching(|folder| std::fs::write(folder.join("old"), "x").unwrap()).await;
    std::fs::rename(case.folder.path().join("old"), case.folder.path().join("new")).unwrap();
    let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
    let told: Vec<_> =
        changes.iter().map(|change| (change.kind, change.from.as_deref(), change.path.as_str())).collect();
    assert_eq!(told, [(FileChangeKind::Renamed, Some("old"), "new")]);
}

#[tokio::test]
async fn a_directory_that_is_renamed_is_told_once_and_watched_on() {
    let mut case = watching(|folder| {
        std::fs::create_dir(folder.join("old")).unwrap();
        long_ago(&folder.join("old"));
    })
    .await;
    std::fs::rename(case.folder.path().join("old"), case.folder.path().join("new")).unwrap();
    let WatchEvent::Changes { changes } = case.next().await else { panic!("changes come first") };
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0].kind, FileChangeKind::Renamed);
    std::fs::write(case.folder.path().join("new/file"), "x").unwrap();
    case.sees_created(HashSet::from(["new/file".to_owned()])).await;
}

/// As if nothing had been made or removed in it for long.
fn long_ago(directory: &Path) {
    std::fs::File::open(directory).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
}

#[tokio::test]
async fn what_happens_in_a_directory_just_renamed_is_told_under_its_new_name() {
    const TRIALS: usize = 40;
    let mut case = watching(|folder| {
        for number in 0..TRIALS {
            std::fs::create_dir_all(folder.join(format!("old{number}/deep"))).unwrap();
            std::fs::write(folder.join(format!("old{number}/before")), "x").unwrap();
            long_ago(&folder.join(format!("old{number}/deep")));
        }
    })
    .await;
    let at = |path: String| case.folder.path().join(path);
    let mut expected = HashSet::new();
    for number in 0..TRIALS {
        std::fs::rename(at(format!("old{number}")), at(format!("new{number}"))).unwrap();
        // At once, and a little later each time: before, while and after the kernel's watch is replaced.
        for _ in 0..number * 200 {
            std::hint::spin_loop();
        }
        for file in [format!("new{number}/file"), format!("new{number}/deep/file")] {
            std::fs::write(at(file.clone()), "x").unwrap();
            expected.insert(file);
        }
        std::fs::create_dir(at(format!("new{number}/made"))).unwrap();
        std::fs::write(at(format!("new{number}/made/file")), "x").unwrap();
        expected.extend([format!("new{number}/made"), format!("new{number}/made/file")]);
    }
    while !expected.is_empty() {
        let WatchEvent::Changes { changes } = case.next().await else { continue };
        for change in changes {
            let old = change.path.starts_with("old");
            assert!(!old, "told under a name that is gone: {change:?}");
            if change.kind == FileChangeKind::Created {
                expected.remove(&change.path);
            }
        }
    }
}

#[tokio::test]
async fn what_was_in_a_renamed_directory_before_is_not_told_as_new() {
    let mut case = watching(|folder| {
        std::fs::create_dir_all(folder.join("old/deep")).unwrap();
        for number in 0..20 {
            std::fs::write(folder.join(format!("old/deep/{number}")), "x").unwrap();
        }
        long_ago(&folder.join("old/deep"));
        long_ago(&folder.join("old"));
        // Until the file system's clock says that they are older than the watch.
        let last = folder.join("old/deep/19").metadata().unwrap().modified().unwrap();
        let now = || tempfile::tempdir().unwrap().path().metadata().unwrap().modified().unwrap();
        while now() <= last + 2 * CLOCK_STEP {}
    })
    .await;
    let at = |path: &str| case.folder.path().join(path);
    std::fs::rename(at("old"), at("between")).unwrap();
    std::fs::rename(at("between"), at("new")).unwrap();
    std::fs::write(at("last"), "x").unwrap();
    let mut told = Vec::new();
    while !told.iter().any(|(_, path)| path == "last") {
        if let WatchEvent::Changes { changes } = case.next().await {
            told.extend(changes.into_iter().map(|change| (change.kind, change.path)));
        }
    }
    assert!(told.iter().all(|(kind, path)| *kind != FileChangeKind::Created || path == "last"), "{told:?}");
    std::fs::write(case.folder.path().join("new/deep/later"), "x").unwrap();
    case.sees_created(HashSet::from(["new/deep/later".to_owned()])).await;
}

#[tokio::test]
async fn what_is_deleted_from_a_directory_just_renamed_is_told_or_a_rescan_is() {
    for trial in 0..40 {
        let mut case = watching(|folder| {
            std::fs::create_dir_all(folder.join("old/deep")).unwrap();
            std::fs::write(folder.join("old/deep/file"), "x").unwrap();
        })
        .await;
        let at = |path: &str| case.folder.path().join(path);
        std::fs::rename(at("old"), at("new")).unwrap();
        for _ in 0..trial * 200 {
            std::hint::spin_loop();
        }
        std::fs::remove_file(at("new/deep/file")).unwrap();
        std::fs::write(at("last"), "x").unwrap();
        let (mut told, mut last) = (false, false);
        // What is looked for after a rename may be told after what came later.
        while !(told && last) {
            match case.next().await {
                WatchEvent::Rescanned { .. } => told = true,
                WatchEvent::Changes { changes } => {
                    let deleted = FileChangeKind::Deleted;
                    told |=
                        changes.iter().any(|change| change.kind == deleted && change.path == "new/deep/file");
                    last |= changes.iter().any(|change| change.path == "last");
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn an_ignored_directory_that_is_deleted_or_moved_away_is_not_told() {
    let outer = tempfile::tempdir().unwrap();
    let mut case = watching(|folder| {
        std::fs::write(folder.join(".gitignore"), "build/\n").unwrap();
        std::fs::create_dir(folder.join("build")).unwrap();
        std::fs::write(folder.join("build/x"), "x").unwrap();
        std::fs::create_dir(folder.join("source")).unwrap();
    })
    .await;
    let at = |path: &str| case.folder.path().join(path);
    std::fs::remove_dir_all(at("build")).unwrap();
    std::fs::create_dir(at("build")).unwrap();
    std::fs::rename(at("build"), outer.path().join("build")).unwrap();
    // A file of that name is not ignored.
    std::fs::write(at("build"), "x").unwrap();
    std::fs::rename(at("source"), outer.path().join("source")).unwrap();
    let mut told = Vec::new();
    while !told.iter().any(|(_, path)| path == "source") {
        if let WatchEvent::Changes { changes } = case.next().await {
            told.extend(changes.into_iter().map(|change| (change.kind, change.path)));
        }
    }
    let build: Vec<_> = told.iter().filter(|(_, path)| path.starts_with("build")).collect();
    assert_eq!(build, [&(FileChangeKind::Created, "build".to_owned())], "{told:?}");
    assert!(told.contains(&(FileChangeKind::Deleted, "source".to_owned())), "{told:?}");
}

#[test]
fn a_directory_that_was_replaced_is_watched_again_after_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    std::fs::create_dir(root.join("replaced")).unwrap();
    let (sender, messages) = channel();
    let mut watcher = Watcher::new(root.clone(), false, Feed::new(1000, 1_000_000), sender).unwrap();
    watcher.add_tree(&root, false);
    let await_event = |path: &str| loop {
        let message = messages.recv_timeout(Duration::from_secs(30)).expect(path);
        let Message::Event(Ok(event)) = message else { continue };
        if event.paths.contains(&root.join(path)) {
            break;
        }
    };
    // The kernel's queue overflowed: what it said about this directory never came.
    std::fs::remove_dir(root.join("replaced")).unwrap();
    await_event("replaced");
    std::fs::create_dir(root.join("replaced")).unwrap();
    watcher.lost("an overflow");
    std::fs::write(root.join("replaced/file"), "x").unwrap();
    await_event("replaced/file");
}

#[tokio::test]
async fn a_folder_that_is_replaced_is_watched_again() {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().canonicalize().unwrap().join("root");
    std::fs::create_dir(&root).unwrap();
    let feed = Feed::new(1000, 1_000_000);
    let reader = feed.read_since(None);
    let stop = start(root.clone(), false, feed);
    let mut case = Case { folder: outer, reader, _stop: stop };
    assert!(matches!(case.next().await, WatchEvent::Ready { .. }));
    std::fs::remove_dir(&root).unwrap();
    while case.next().await != WatchEvent::FolderGone {}
    std::fs::create_dir(&root).unwrap();
    while !matches!(case.next().await, WatchEvent::Rescanned { .. }) {}
    std::fs::write(root.join("after"), "x").unwrap();
    case.sees_created(HashSet::from(["after".to_owned()])).await;
}
