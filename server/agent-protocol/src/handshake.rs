//! How both sides prove that they hold the agent's key, before anything else is read.
//!
//! Whoever shares the container's namespaces may be able to connect to an agent, and to play one. So a connection proves
//! nothing: daemon and agent each send a nonce, and an HMAC-SHA256 over both nonces, both ranges of versions, the
//! container and the user, under a key that only these two hold. An answer is of use for one connection only.
//!
//! ```text
//! daemon → agent   "GPAG" 1 · lowest u16 · highest u16 · nonce 32
//! agent  → daemon  "GPAG" 1 · lowest u16 · highest u16 · nonce 32 · proof 32
//! daemon → agent   proof 32
//! ```
//! The agent answers the last with [`Welcome`](crate::message::Welcome). This layout never changes.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// What every hello begins with: the magic and the layout's number.
pub const MAGIC: [u8; 5] = *b"GPAG\x01";
/// Length of a hello from the daemon.
pub const HELLO_LENGTH: usize = MAGIC.len() + 4 + 32;
/// Length of the agent's answer.
pub const ANSWER_LENGTH: usize = HELLO_LENGTH + PROOF_LENGTH;
/// Length of a proof.
pub const PROOF_LENGTH: usize = 32;

/// The versions of [`crate::message`] that this build speaks.
pub const OWN_VERSIONS: Versions = Versions { lowest: 1, highest: 1 };

/// The key of one agent, 256 bits. Neither printed nor compared outside the proofs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key of these random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// A range of versions, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// The lowest.
    pub lowest: u16,
    /// The highest.
    pub highest: u16,
}

impl Versions {
    /// The highest version that both speak; none when they have only the frozen core in common.
    #[must_use]
    pub fn agreed(self, other: Self) -> Option<u16> {
        let highest = self.highest.min(other.highest);
        (highest >= self.lowest.max(other.lowest)).then_some(highest)
    }
}

/// Whose agent it is: part of what is proven, so that an agent cannot pass for another container's or user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The container's full id.
    pub container_id: String,
    /// The user as it was named to the engine, as in `exec -u`.
    pub user: String,
}

/// What a side says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello {
    /// The versions it speaks.
    pub versions: Versions,
    /// 32 random bytes, never used twice.
    pub nonce: [u8; 32],
}

/// Why a handshake ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// These bytes are no hello of ours.
    #[error("the other side does not speak the agent's protocol")]
    NotOurs,
    /// The proof is not that of a holder of the key.
    #[error("the other side could not prove that it holds the key")]
    NotProven,
}

impl Hello {
    /// The hello in bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HELLO_LENGTH] {
        let mut bytes = [0; HELLO_LENGTH];
        let (magic, rest) = bytes.split_at_mut(MAGIC.len());
        magic.copy_from_slice(&MAGIC);
        let (lowest, rest) = rest.split_at_mut(2);
        lowest.copy_from_slice(&self.versions.lowest.to_be_bytes());
        let (highest, nonce) = rest.split_at_mut(2);
        highest.copy_from_slice(&self.versions.highest.to_be_bytes());
        nonce.copy_from_slice(&self.nonce);
        bytes
    }

    /// The hello in these bytes.
    ///
    /// # Errors
    /// [`HandshakeError::NotOurs`].
    pub fn decode(bytes: &[u8]) -> Result<Self, HandshakeError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(HandshakeError::NotOurs)?;
        let (lowest, rest) = rest.split_first_chunk::<2>().ok_or(HandshakeError::NotOurs)?;
        let (highest, rest) = rest.split_first_chunk::<2>().ok_or(HandshakeError::NotOurs)?;
        let nonce = <[u8; 32]>::try_from(rest).map_err(|_| HandshakeError::NotOurs)?;
        let versions =
            Versions { lowest: u16::from_be_bytes(*lowest), highest: u16::from_be_bytes(*highest) };
        Ok(Self { versions, nonce })
    }
}

/// Both hellos with the key and the identity: from here on both sides compute the same.
#[derive(Debug)]
pub struct Handshake<'a> {
    /// The agent's key.
    pub key: &'a Key,
    /// Whose agent it is.
    pub identity: &'a Identity,
    /// The daemon's hello.
    pub daemon: Hello,
    /// The agent's hello.
    pub agent: Hello,
}

impl Handshake<'_> {
    /// The agent's hello with its proof, in bytes.
    #[must_use]
    pub fn agent_answer(&self) -> [u8; ANSWER_LENGTH] {
        let mut bytes = [0; ANSWER_LENGTH];
        let (hello, proof) = bytes.split_at_mut(HELLO_LENGTH);
        hello.copy_from_slice(&self.agent.encode());
        proof.copy_from_slice(&self.mac(b"agent").finalize().into_bytes());
        bytes
    }

    /// The daemon's proof.
    #[must_use]
    pub fn daemon_proof(&self) -> [u8; PROOF_LENGTH] {
        self.mac(b"daemon").finalize().into_bytes().into()
    }

    /// Checks the agent's proof; in time that says nothing of it.
    ///
    /// # Errors
    /// [`HandshakeError::NotProven`].
    pub fn check_agent(&self, proof: &[u8]) -> Result<(), HandshakeError> {
        self.mac(b"agent").verify_slice(proof).map_err(|_| HandshakeError::NotProven)
    }

    /// Checks the daemon's proof; in time that says nothing of it.
    ///
    /// # Errors
    /// [`HandshakeError::NotProven`].
    pub fn check_daemon(&self, proof: &[u8]) -> Result<(), HandshakeError> {
        self.mac(b"daemon").verify_slice(proof).map_err(|_| HandshakeError::NotProven)
    }

    /// Each part after its length, so that no two different sets of parts give the same bytes.
    fn mac(&self, role: &[u8]) -> Hmac<Sha256> {
        // A key of any length is taken: HMAC hashes or pads it.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key.0).expect("HMAC takes keys of every length");
        let (daemon, agent) = (self.daemon.encode(), self.agent.encode());
        let parts: [&[u8]; 5] =
            [role, &daemon, &agent, self.identity.container_id.as_bytes(), self.identity.user.as_bytes()];
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

/// Splits the agent's answer.
///
/// # Errors
/// [`HandshakeError::NotOurs`].
pub fn agent_answer(bytes: &[u8]) -> Result<(Hello, &[u8]), HandshakeError> {
    let (hello, proof) = bytes.split_at_checked(HELLO_LENGTH).ok_or(HandshakeError::NotOurs)?;
    if proof.len() != PROOF_LENGTH {
        return Err(HandshakeError::NotOurs);
    }
    Ok((Hello::decode(hello)?, proof))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(user: &str) -> Identity {
        Identity { container_id: "c".into(), user: user.into() }
    }

    fn hello(fill: u8) -> Hello {
        Hello { versions: Versions { lowest: 1, highest: 3 }, nonce: [fill; 32] }
    }

    #[test]
    fn a_hello_round_trips_and_nothing_else_is_one() {
        let bytes = hello(7).encode();
        assert_eq!(Hello::decode(&bytes), Ok(hello(7)));
        for length in 0..bytes.len() {
            assert_eq!(Hello::decode(&bytes[..length]), Err(HandshakeError::NotOurs), "cut at {length}");
        }
        assert_eq!(Hello::decode(&[bytes.as_slice(), b"x"].concat()), Err(HandshakeError::NotOurs));
        assert_eq!(
            Hello::decode(b"HTTP/1.1 400 Bad Request\r\n\r\n......................"),
            Err(HandshakeError::NotOurs)
        );
    }

    #[test]
    fn only_a_holder_of_the_key_proves_it_and_only_for_this_connection() {
        let (key, user) = (Key::new([1; 32]), identity("1000"));
        let here = Handshake { key: &key, identity: &user, daemon: hello(1), agent: hello(2) };
        let answer = here.agent_answer();
        let (said, proof) = agent_answer(&answer).unwrap();
        assert_eq!(said, here.agent);
        assert_eq!(here.check_agent(proof), Ok(()));
        assert_eq!(here.check_daemon(&here.daemon_proof()), Ok(()));
        // Neither side's proof is the other's.
        assert_eq!(here.check_daemon(proof), Err(HandshakeError::NotProven));
        let (other_key, other_user) = (Key::new([2; 32]), identity("0"));
        for other in [
            Handshake { key: &other_key, identity: &user, ..here },
            Handshake { key: &key, identity: &other_user, ..here },
            Handshake { key: &key, identity: &user, daemon: hello(9), ..here },
            Handshake { key: &key, identity: &user, agent: hello(9), ..here },
        ] {
            assert_eq!(
                here.check_agent(&other.agent_answer()[HELLO_LENGTH..]),
                Err(HandshakeError::NotProven)
            );
            assert_eq!(here.check_daemon(&other.daemon_proof()), Err(HandshakeError::NotProven));
        }
        assert_eq!(here.check_daemon(&[]), Err(HandshakeError::NotProven));
    }

    #[test]
    fn a_changed_range_of_versions_is_noticed() {
        let (key, user) = (Key::new([1; 32]), identity("1000"));
        let here = Handshake { key: &key, identity: &user, daemon: hello(1), agent: hello(2) };
        let lowered = Hello { versions: Versions { lowest: 1, highest: 1 }, ..here.daemon };
        let seen = Handshake { daemon: lowered, ..here };
        assert_eq!(here.check_agent(&seen.agent_answer()[HELLO_LENGTH..]), Err(HandshakeError::NotProven));
    }

    #[test]
    fn the_highest_common_version_is_agreed_on() {
        let range = |lowest, highest| Versions { lowest, highest };
        assert_eq!(range(1, 3).agreed(range(2, 5)), Some(3));
        assert_eq!(range(2, 5).agreed(range(1, 3)), Some(3));
        assert_eq!(range(1, 1).agreed(range(1, 1)), Some(1));
        assert_eq!(range(1, 2).agreed(range(3, 4)), None);
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", Key::new([65; 32])), "Key(…)");
    }
}
