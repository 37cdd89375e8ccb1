//! The clock: the only module that reads wall time.
//!
//! Everything else is handed a [`Clock`] or a time, so that a dry run, a replay and a test can
//! each have a time of their own.

use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// The instant that a text says in the notation of ISO 8601, with its offset (`2026-11-24T03:00:00Z`) or its zone
/// (`2026-11-24T04:00[Europe/Berlin]`); a day alone begins at midnight UTC.
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let exact = || text.parse::<Timestamp>().ok();
    let zoned = || text.parse::<ZonedDateTime>().ok().map(|zoned| zoned.timestamp());
    // A time of day without a zone would be read as a day, and dropped.
    let day = || text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-').then(|| text.parse::<Date>().ok())?;
    let midnight = |day: Date| day.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    exact().or_else(zoned).or_else(|| day().and_then(midnight))
}

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
        now.checked_add(wrong_by()).unwrap_or(now)
    }
}

/// A test's switch: `BEADLE_TEST_CLOCK=-2h` sets the system's clock wrong by so much, `=@FILE` has it jump whenever
/// the file says something else.
#[cfg(debug_assertions)]
fn switch() -> Option<&'static str> {
    use std::sync::OnceLock;
    static SWITCH: OnceLock<Option<String>> = OnceLock::new();
    let text = SWITCH.get_or_init(|| {
        #[expect(clippy::disallowed_methods, reason = "a test's own switch; builds for use do not read it")]
        std::env::var("BEADLE_TEST_CLOCK").ok()
    });
    text.as_deref()
}

/// By how much a test has set the system's clock wrong. Builds for use have the true one.
#[cfg(debug_assertions)]
pub fn wrong_by() -> SignedDuration {
    let wrong = switch().and_then(|text| match text.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(file).ok()?.trim().parse().ok(),
        None => text.parse().ok(),
    });
    wrong.unwrap_or_default()
}

/// Builds for use have the true one.
#[cfg(not(debug_assertions))]
pub const fn wrong_by() -> SignedDuration {
    SignedDuration::ZERO
}

/// Whether a test may set the clock while the process lives, of which no system tells.
#[cfg(debug_assertions)]
pub fn may_jump() -> bool {
    switch().is_some_and(|text| text.starts_with('@'))
}

/// In builds for use the system tells.
#[cfg(not(debug_assertions))]
pub const fn may_jump() -> bool {
    false
}

/// From which length on a test has waits end the process that waits: `BEADLE_TEST_LONG_WAIT=2s`. Builds for
/// use have their own length.
#[cfg(debug_assertions)]
pub fn set_long() -> Option<std::time::Duration> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch; builds for use do not read it")]
    let text = std::env::var("BEADLE_TEST_LONG_WAIT").ok()?;
    crate::duration::parse_std(&text).ok()
}

/// Builds for use have their own length.
#[cfg(not(debug_assertions))]
pub const fn set_long() -> Option<std::time::Duration> {
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
