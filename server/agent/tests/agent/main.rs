//! The built program, run as the engine would run it: as bridges whose standard input and output carry the protocol.
//! Every test has an agent of its own, and ends it with all that it started.

#[cfg(test)]
mod client;

#[cfg(test)]
mod handshake;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod input;
#[cfg(test)]
mod lifetime;
#[cfg(test)]
mod output;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod terminals;
