//! Why a message did not arrive, and whether another attempt may help.

use std::time::Duration;

/// A message that did not arrive.
#[derive(Clone, Debug, PartialEq)]
pub struct Undelivered {
    /// Why, in words that hold nothing of a URL: it may be the secret.
    pub why: String,
    /// Whether another attempt may help.
    pub again: bool,
    /// Whether nobody knows if it has arrived after all.
    pub was_lost: bool,
    /// How long the other side wants to be left alone before.
    pub after: Option<Duration>,
}

impl Undelivered {
    /// Another attempt would end the same.
    pub fn for_good(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: false, was_lost: false, after: None }
    }

    /// Another attempt may help.
    pub fn for_now(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: true, was_lost: false, after: None }
    }

    /// The same, and it may have arrived all the same.
    #[must_use]
    pub fn lost(self, was_lost: bool) -> Self {
        Self { was_lost, ..self }
    }
}
