//! The agent in a container.

fn main() {}
