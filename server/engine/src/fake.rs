//! A fake engine for the tests of this crate.
