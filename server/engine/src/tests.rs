//! Tests of the whole crate against a fake engine: what goes over the wire, and what comes of it.

mod absence;
mod filling;
mod finding;
mod negotiation;
mod pulling;
mod remote;
mod streams;
