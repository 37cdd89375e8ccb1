//! The secret as a value: it can be handed to a call and nothing else.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A secret and the reference it came from.
///
/// Printing, debugging and string building give `***`. Two secrets are equal when their
/// references are: the text itself is never compared, so that a script cannot guess at it.
#[derive(Clone)]
pub struct Secret {
    reference: Arc<str>,
    text: Arc<Zeroizing<String>>,
    is_handle: bool,
}

impl Secret {
    /// A secret with the text `text` that came from `reference` (such as `env:SEG_PASSWORD`).
    pub fn new(reference: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        Self { reference: reference.into(), text: Arc::new(Zeroizing::new(text.into())), is_handle: false }
    }

    /// What stands for a secret whose text another process keeps: it has a reference alone.
    pub fn handle(reference: impl Into<Arc<str>>) -> Self {
        Self { is_handle: true, ..Self::new(reference, "") }
    }

    /// Whether another process keeps the text. Nothing can be said of it here.
    pub fn is_handle(&self) -> bool {
        self.is_handle
    }

    /// Where the secret came from; safe to show and to journal.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The secret text, for the one request that needs it.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.reference == other.reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("env:X", "canary-value");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
    }
}
