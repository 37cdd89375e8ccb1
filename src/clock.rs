//! The clock: the only module that reads wall time.
//!
//! Everything else is handed a [`Clock`] or a time, so that a dry run, a replay and a test can
//! each have a time of their own.

use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

/// A source of the present instant.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        set_wrong().and_then(|by| now.checked_add(by).ok()).unwrap_or(now)
    }
}

/// By how much a test has set the system's clock wrong: `BEADLE_TEST_CLOCK=-2h`, or `=@FILE` for a clock that
/// jumps whenever the file says something else. Builds for use have the true one.
#[cfg(debug_assertions)]
fn set_wrong() -> Option<SignedDuration> {
    use std::sync::OnceLock;
    static WRONG: OnceLock<Option<String>> = OnceLock::new();
    let text = WRONG.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's own switch; builds for use do not read it")]
        std::env::var("BEADLE_TEST_CLOCK").ok()
    });
    match text.as_ref()?.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).ok()?.trim().parse().ok(),
        None => text.as_ref()?.parse().ok(),
    }
}

#[cfg(not(debug_assertions))]
const fn set_wrong() -> Option<SignedDuration> {
    None
}

/// A clock that stands where it was set, for tests and replays.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock on by `by`.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.saturating_add(by).unwrap_or(*now);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
