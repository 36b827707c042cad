//! A bridge: bytes both ways between standard input and output and the core's socket. It interprets nothing and holds no
//! key.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::{Failure, NO_CORE};

/// Bridges to the core of this name.
pub(crate) fn bridge(name: &str) -> Result<(), Failure> {
    protect()?;
    relay(&connect(name)?)
}

/// Keeps others of the same user out of this process's memory.
pub(crate) fn protect() -> Result<(), Failure> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(Failure::of("the program's memory cannot be protected"))
}

/// The abstract socket of this name: it needs neither a writable directory nor `/proc`.
pub(crate) fn address(name: &str) -> Result<SocketAddr, Failure> {
    SocketAddr::from_abstract_name(name).map_err(Failure::of("the name is not one of a socket"))
}

/// Connects to the core of this name.
pub(crate) fn connect(name: &str) -> Result<UnixStream, Failure> {
    UnixStream::connect_addr(&address(name)?).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => {
            Failure { code: NO_CORE, message: format!("there is no agent of the name {name}") }
        }
        _ => Failure::of("the agent cannot be reached")(error),
    })
}

/// Standard input as a file: unbuffered, so that what is read for one purpose takes nothing of the next.
pub(crate) fn standard_input() -> Result<File, Failure> {
    std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(Failure::of("standard input cannot be read"))
}

/// Copies until standard input ends or the socket is closed. Whichever side breaks, the bridge has done its work.
pub(crate) fn relay(socket: &UnixStream) -> Result<(), Failure> {
    let mut input = standard_input()?;
    let mut writer = socket.try_clone().map_err(Failure::of("the agent's socket cannot be used"))?;
    let mut output: File = std::io::stdout()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .map_err(Failure::of("standard output cannot be written"))?;
    std::thread::spawn(move || {
        let _ = copy(&mut input, &mut writer);
        // Output may wait for a reader that never comes.
        std::process::exit(0);
    });
    let mut reader = socket;
    let _ = copy(&mut reader, &mut output);
    Ok(())
}

/// Not the standard library's: between a socket and a pipe it takes `splice`, which may wait although there are bytes.
fn copy(reader: &mut impl Read, writer: &mut impl Write) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => writer.write_all(&buffer[..length])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
