//! Unguessable identifiers: of streams, operations, processes, epochs.

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `prefix` followed by 128 random bits in hexadecimal.
///
/// # Panics
/// When the kernel has no randomness to give, which Linux does not let happen once it has booted.
#[expect(
    clippy::expect_used,
    reason = "getrandom on a booted Linux does not fail, and nothing safe could be done without it"
)]
pub fn random(prefix: &str) -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the kernel gives randomness");
    format!("{prefix}{}", hex(&bytes))
}

/// 32 random bytes, for keys and for what is used once.
///
/// # Panics
/// As [`random`].
#[expect(
    clippy::expect_used,
    reason = "getrandom on a booted Linux does not fail, and nothing safe could be done without it"
)]
pub fn nonce() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).expect("the kernel gives randomness");
    bytes
}
