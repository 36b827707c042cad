//! Agents in containers: brought there, connected to, and spoken with.

mod binary;
