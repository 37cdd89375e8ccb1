//! The chain of a run's changes: each link is the hash of the one before and of what was recorded, so
//! that nothing can be altered, left out or put in without a trace.

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// What a chain begins with.
pub const BEGIN: Hash = [0; 32];

/// Where a run's chain stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// How many links it has.
    pub links: u64,
    /// The last of them.
    pub head: Hash,
}

impl Default for Chain {
    fn default() -> Self {
        Self { links: 0, head: BEGIN }
    }
}

impl Chain {
    /// Adds what was recorded, part by part, and gives the number and the hash of the new link.
    pub fn add(&mut self, parts: &[&[u8]]) -> (u64, Hash) {
        let mut hasher = Sha256::new();
        hasher.update(self.head);
        for part in parts {
            // With their lengths, so that no two lists of parts are the same bytes.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        self.head = hasher.finalize().into();
        self.links += 1;
        (self.links, self.head)
    }
}

/// What the beginning of a run adds: its id and what it is pinned to.
pub fn of_run<'a>(id: &'a str, pinned: &'a [u8]) -> [&'a [u8]; 3] {
    [b"run", id.as_bytes(), pinned]
}

/// What an intent adds: its place, what it is in words, what it was about, and what was there before.
pub fn of_intent<'a>(
    number: &'a [u8; 8],
    key: &'a str,
    words: &'a str,
    digest: &'a [u8],
    action: &'a [u8],
    before: &'a [u8],
) -> [&'a [u8]; 7] {
    [b"intent", number, key.as_bytes(), words.as_bytes(), digest, action, before]
}

/// What an outcome adds.
pub fn of_outcome<'a>(number: &'a [u8; 8], outcome: &'a [u8]) -> [&'a [u8]; 3] {
    [b"outcome", number, outcome]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let link = |parts: &[&[u8]]| Chain::default().add(parts).1;
        assert_ne!(link(&[b"ab", b"c"]), link(&[b"a", b"bc"]));
        let mut chain = Chain::default();
        let first = chain.add(&[b"a"]);
        let second = chain.add(&[b"a"]);
        assert_eq!((first.0, second.0), (1, 2));
        assert_ne!(first.1, second.1, "a link depends on the one before");
    }
}
