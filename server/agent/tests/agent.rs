//! The built program, run as the engine would run it: as bridges whose standard input and output carry the protocol.
//! Every test has an agent of its own, and ends it with all that it started.

#[cfg(test)]
#[path = "agent"]
mod agent {
    mod client;

    mod handshake;
    mod hostile;
    mod input;
    mod lifetime;
    mod processes;
    mod sessions;
    mod shared;
    mod terminals;
}
