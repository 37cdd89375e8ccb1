//! What is wrong with a cron expression, where, and what cures it.

/// An expression that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cron '{expression}': {place}{what}; {hint}")]
pub struct CronError {
    expression: String,
    place: String,
    what: String,
    hint: String,
}

impl CronError {
    /// A mistake of the whole expression.
    pub(super) fn whole(expression: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { expression: expression.to_owned(), place: String::new(), what: what.into(), hint: hint.into() }
    }

    /// A mistake of one field; `hint` is a sentence part that says the cure.
    pub(super) fn field(expression: &str, field: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place: format!("{field}: "), ..Self::whole(expression, what, hint) }
    }
}
