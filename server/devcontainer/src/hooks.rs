//! The six lifecycle hooks: what they are called, in which order they run, which of them hold up the rest.

use std::fmt;

/// A lifecycle hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LifecycleHook {
    /// On the host, at every start of `up`, before the container is looked for.
    Initialize,
    /// Once per container, first.
    OnCreate,
    /// Once per container, after [`LifecycleHook::OnCreate`]; again when content is prebuilt.
    UpdateContent,
    /// Once per container, after the user's content is there.
    PostCreate,
    /// Each time the container starts.
    PostStart,
    /// Each time a client attaches.
    PostAttach,
}

/// When a hook has to run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    /// Every time: no marker is kept.
    Always,
    /// Once for each container: the marker holds the engine's `Created`, byte for byte.
    PerContainer,
    /// Once for each start: the marker holds the engine's `State.StartedAt`, byte for byte.
    PerStart,
}

impl LifecycleHook {
    /// All hooks in the order in which they run.
    pub const ALL: [Self; 6] = [
        Self::Initialize,
        Self::OnCreate,
        Self::UpdateContent,
        Self::PostCreate,
        Self::PostStart,
        Self::PostAttach,
    ];

    /// The property of devcontainer.json, which is also the hook's name.
    pub fn property(self) -> &'static str {
        match self {
            Self::Initialize => "initializeCommand",
            Self::OnCreate => "onCreateCommand",
            Self::UpdateContent => "updateContentCommand",
            Self::PostCreate => "postCreateCommand",
            Self::PostStart => "postStartCommand",
            Self::PostAttach => "postAttachCommand",
        }
    }

    /// The hook of a property.
    pub fn of_property(property: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.property() == property)
    }

    /// When it runs again.
    pub fn recurrence(self) -> Recurrence {
        match self {
            Self::Initialize | Self::PostAttach => Recurrence::Always,
            Self::OnCreate | Self::UpdateContent | Self::PostCreate => Recurrence::PerContainer,
            Self::PostStart => Recurrence::PerStart,
        }
    }

    /// The file name of its marker in the reference's data folder (`~/.devcontainer`), where one is kept. A marker
    /// that exists and is empty means "do not run".
    pub fn marker(self) -> Option<String> {
        match self.recurrence() {
            Recurrence::Always => None,
            Recurrence::PerContainer | Recurrence::PerStart => Some(format!(".{}Marker", self.property())),
        }
    }

    /// Whether it runs on the host.
    pub fn runs_on_host(self) -> bool {
        self == Self::Initialize
    }

    /// Whether the workspace counts as ready only after this hook, under `wait_for`. The others may go on in the
    /// background.
    pub fn blocks(self, wait_for: WaitFor) -> bool {
        self <= wait_for.hook()
    }
}

impl fmt::Display for LifecycleHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.property())
    }
}

/// The value of `waitFor`: the last hook to wait for. Every hook but [`LifecycleHook::PostAttach`] can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitFor(LifecycleHook);

impl WaitFor {
    /// The values that `waitFor` can have.
    pub const VALUES: [&'static str; 5] = [
        "initializeCommand",
        "onCreateCommand",
        "updateContentCommand",
        "postCreateCommand",
        "postStartCommand",
    ];

    /// Reads the property's value; `None` when it names no hook that can be waited for.
    pub fn parse(value: &str) -> Option<Self> {
        Self::VALUES.contains(&value).then(|| LifecycleHook::of_property(value)).flatten().map(Self)
    }

    /// The last hook that blocks.
    pub fn hook(self) -> LifecycleHook {
        self.0
    }
}

impl Default for WaitFor {
    fn default() -> Self {
        Self(LifecycleHook::UpdateContent)
    }
}

/// One command: what to start, with what arguments. Never joined, never split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// One text for a shell, as its single argument.
    Shell(String),
    /// A program and its arguments, started without a shell. Not empty.
    Argv(Vec<String>),
}

impl Command {
    /// The arguments to start, on the side the hook runs on.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
            Self::Argv(argv) => argv.clone(),
        }
    }
}

impl fmt::Display for Command {
    /// For people: a shell's text as it is, arguments quoted where they need it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(text) => f.write_str(text),
            Self::Argv(argv) => f.write_str(&shell_words::join(argv)),
        }
    }
}

/// What a hook's property asks for. An empty string (or one of white space only), array or object asks for nothing
/// and is not represented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LifecycleCommand {
    /// A string or an array.
    One(Command),
    /// An object: named commands that run side by side, in the order of the text. One failure fails the hook, after
    /// all have ended.
    Parallel(Vec<(String, Command)>),
}

impl LifecycleCommand {
    /// The commands, with their names where they have one.
    pub fn commands(&self) -> Vec<(Option<&str>, &Command)> {
        match self {
            Self::One(command) => vec![(None, command)],
            Self::Parallel(commands) => {
                commands.iter().map(|(name, command)| (Some(name.as_str()), command)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_markers_and_order() {
        let names: Vec<&str> = LifecycleHook::ALL.iter().map(|hook| hook.property()).collect();
        assert_eq!(names[0], "initializeCommand");
        assert_eq!(names[5], "postAttachCommand");
        let markers: Vec<Option<String>> = LifecycleHook::ALL.iter().map(|hook| hook.marker()).collect();
        assert_eq!(markers[0], None);
        assert_eq!(markers[1].as_deref(), Some(".onCreateCommandMarker"));
        assert_eq!(markers[4].as_deref(), Some(".postStartCommandMarker"));
        assert_eq!(markers[5], None);
        assert!(LifecycleHook::ALL.is_sorted());
        for hook in LifecycleHook::ALL {
            assert_eq!(LifecycleHook::of_property(hook.property()), Some(hook));
        }
    }

    #[test]
    fn hooks_up_to_wait_for_block() {
        let blocking =
            |wait_for: WaitFor| LifecycleHook::ALL.iter().filter(|hook| hook.blocks(wait_for)).count();
        assert_eq!(blocking(WaitFor::default()), 3);
        assert_eq!(blocking(WaitFor::parse("initializeCommand").unwrap()), 1);
        assert_eq!(blocking(WaitFor::parse("postStartCommand").unwrap()), 5);
        assert_eq!(WaitFor::parse("postAttachCommand"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_one_argument(text in "[^\0]*", arguments in prop::collection::vec("[^\0]*", 1..4)) {
            prop_assert_eq!(Command::Shell(text.clone()).argv(), ["/bin/sh", "-c", &text]);
            prop_assert_eq!(&Command::Argv(arguments.clone()).argv(), &arguments);
            let shown = Command::Argv(arguments.clone()).to_string();
            prop_assert_eq!(shell_words::split(&shown).unwrap(), arguments);
        }
    }
}
