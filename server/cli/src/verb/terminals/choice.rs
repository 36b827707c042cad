//! Which process is meant by a name, an id, or the beginning of one.

use gangplank_protocol::process::Process;
use gangplank_protocol::{ErrorData, ErrorKind};

use crate::failure::Failure;

/// What ids begin with, and need not be typed.
const ID: &str = "p-";

/// The process that `text` means: an id, the name of one that runs, or the beginning of the id of only one that runs.
///
/// # Errors
/// `notFound`, or `conflict` when several could be meant.
pub(crate) fn choose<'a>(processes: &'a [Process], text: &str) -> Result<&'a Process, Failure> {
    if let Some(process) = processes.iter().find(|process| process.process_id == text) {
        return Ok(process);
    }
    let running = || processes.iter().filter(|process| process.exit.is_none());
    let named: Vec<&Process> = running().filter(|process| process.name.as_deref() == Some(text)).collect();
    if !named.is_empty() {
        return only(&named, text);
    }
    let digits = text.strip_prefix(ID).unwrap_or(text);
    let begins = |process: &&Process| {
        process.process_id.strip_prefix(ID).is_some_and(|id| !digits.is_empty() && id.starts_with(digits))
    };
    only(&running().filter(begins).collect::<Vec<_>>(), text)
}

/// The oldest running process of this name in a container.
pub(crate) fn running_named<'a>(
    processes: &'a [Process],
    container_id: &str,
    name: &str,
) -> Option<&'a Process> {
    processes.iter().find(|process| {
        process.exit.is_none()
            && process.container_id == container_id
            && process.name.as_deref() == Some(name)
    })
}

fn only<'a>(found: &[&'a Process], text: &str) -> Result<&'a Process, Failure> {
    let data = match found {
        [one] => return Ok(one),
        [] => ErrorData::new(ErrorKind::NotFound, format!("nothing that runs is called {text}"))
            .hint("`gangplank terminals` lists terminals, `gangplank attach` every process"),
        several => {
            let ids: Vec<&str> = several.iter().map(|process| process.process_id.as_str()).collect();
            ErrorData::new(ErrorKind::Conflict, format!("{text} may mean any of {}", ids.join(", ")))
                .hint("name one by its whole id")
        }
    };
    Err(Failure::Operation(Box::new(data)))
}

#[cfg(test)]
pub(super) mod tests {
    use gangplank_protocol::engine::EngineId;
    use gangplank_protocol::process::ProcessExit;

    use super::*;

    pub(crate) fn process(id: &str, name: Option<&str>) -> Process {
        Process {
            process_id: id.into(),
            engine: EngineId("unix:///e".into()),
            container_id: "c1".into(),
            argv: vec!["sh".into()],
            tty: true,
            started_at: 0,
            clients: 0,
            client_pid: None,
            output_bytes: 0,
            resumable: true,
            name: name.map(str::to_owned),
            title: None,
            cwd: None,
            foreground: None,
            commands: Vec::new(),
            exit: None,
        }
    }

    fn ended(mut process: Process) -> Process {
        process.exit = Some(ProcessExit::default());
        process
    }

    #[test]
    fn one_is_meant_by_its_id_its_name_or_the_beginning_of_its_id() {
        let all = [
            process("p-ab12-01", Some("web")),
            process("p-ab12-02", None),
            process("p-cd34-01", Some("ab12")),
            ended(process("p-ef56-01", Some("old"))),
        ];
        let chosen = |text: &str| choose(&all, text).map(|process| process.process_id.clone()).ok();
        for (text, id) in [
            ("web", Some("p-ab12-01")),
            ("p-ab12-02", Some("p-ab12-02")),
            ("p-c", Some("p-cd34-01")),
            ("cd", Some("p-cd34-01")),
            // a name goes before the beginning of an id
            ("ab12", Some("p-cd34-01")),
            // one that has ended is meant by its whole id alone
            ("p-ef56-01", Some("p-ef56-01")),
            ("old", None),
            ("ef", None),
            ("ab12-0", None),
            ("p-", None),
            ("", None),
        ] {
            assert_eq!(chosen(text).as_deref(), id, "{text}");
        }
    }

    #[test]
    fn what_may_mean_several_is_refused_with_all_of_them() {
        let all = [process("p-1", Some("x")), process("p-2", Some("x"))];
        let message = choose(&all, "x").unwrap_err().to_string();
        assert!(message.contains("p-1") && message.contains("p-2"), "{message}");
        assert_eq!(choose(&all, "y").unwrap_err().exit_code(), crate::exit::NOT_FOUND);
    }

    #[test]
    fn a_name_counts_in_its_own_container() {
        let all = [ended(process("p-1", Some("x"))), process("p-2", Some("x")), process("p-3", Some("x"))];
        assert_eq!(running_named(&all, "c1", "x").map(|process| &*process.process_id), Some("p-2"));
        assert!(running_named(&all, "c2", "x").is_none());
    }
}
