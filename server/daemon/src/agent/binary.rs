//! The agent's program, embedded at build time, and what it is called.

use std::sync::LazyLock;

/// The program: static, for the architecture that this daemon was built for.
pub(super) static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gangplank-agent"));

/// The architecture it runs on, in the engine's words.
pub(super) const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };

/// The first 16 hexadecimal digits of the program's blake3 hash: its name wherever it is kept.
pub(super) static VERSION: LazyLock<String> =
    LazyLock::new(|| blake3::hash(PROGRAM).to_hex().as_str().chars().take(16).collect());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_static() {
        // ELF64: the program headers' offset at 32, their size at 54, their number at 56.
        let number = |at: usize, length: usize| {
            let bytes = &PROGRAM[at..at + length];
            bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
        };
        assert_eq!(&PROGRAM[..5], b"\x7fELF\x02");
        let (at, size, count) = (number(32, 8), number(54, 2), number(56, 2));
        let kinds: Vec<usize> = (0..count).map(|index| number(at + index * size, 4)).collect();
        const LOADED: usize = 1;
        const INTERPRETER: usize = 3;
        assert!(kinds.contains(&LOADED));
        assert!(!kinds.contains(&INTERPRETER), "{kinds:?}");
    }
}
