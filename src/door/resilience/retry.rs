//! When a request is sent again, and after how long.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::catalog::{Effect, LostAnswer, Row};

/// How often a request is sent at most.
pub const ATTEMPTS: u32 = 4;

/// For how long a lost answer may be settled by sending again.
pub const SETTLE: Duration = Duration::from_secs(300);

/// The longest wait that is waited out when an appliance asks for it.
const LONGEST: Duration = Duration::from_secs(600);

/// How a lost answer of this request is settled.
pub fn rule(row: Option<&'static Row>, effect: Effect) -> LostAnswer {
    match (row, effect) {
        // A raw request carries a right, and no rule: what it does when sent twice is not known.
        (None, Effect::Read) => LostAnswer::Idempotent,
        (None, _) => LostAnswer::Never,
        (Some(row), _) => row.lost_answer,
    }
}

/// Whether an answer with this status allows another attempt: of a read and of what may be sent
/// twice anyway, or when the appliance itself says that it has not begun.
pub fn may_retry(status: u16, rule: LostAnswer, effect: Effect, retry_after: bool) -> bool {
    match status {
        429 => true,
        503 => effect == Effect::Read || rule == LostAnswer::Idempotent || retry_after,
        502 | 504 => effect == Effect::Read || rule == LostAnswer::Idempotent,
        _ => false,
    }
}

/// How long to wait before the next attempt: what the appliance says, or longer each time.
pub fn wait(attempt: u32, retry_after: Option<&str>, now: Timestamp) -> Duration {
    if let Some(asked) = retry_after.and_then(|text| asked(text, now)) {
        return asked;
    }
    let base = 200_u64 << attempt.saturating_sub(1).min(5);
    // Half of it at random, so that many waiting runs do not come back at once.
    Duration::from_millis(base / 2 + fastrand::u64(0..=base / 2))
}

/// Whether an appliance asks to wait for longer than a call waits: to come back sooner would be what it asks not to do.
pub fn is_too_long(retry_after: Option<&str>, now: Timestamp) -> bool {
    retry_after.and_then(|text| asked(text, now)).is_some_and(|asked| asked > LONGEST)
}

/// `Retry-After`: seconds, or a date.
fn asked(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appliances_wish_is_read_as_seconds_or_date() {
        let now: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        assert_eq!(wait(1, Some("7"), now), Duration::from_secs(7));
        assert_eq!(wait(1, Some("Tue, 24 Nov 2026 03:00:09 GMT"), now), Duration::from_secs(9));
        assert!(is_too_long(Some("601"), now) && !is_too_long(Some("600"), now) && !is_too_long(None, now));
        assert!(wait(3, Some("soon"), now) <= Duration::from_millis(800));
    }

    #[test]
    fn a_change_is_not_sent_again_after_a_gateway_error() {
        assert!(!may_retry(504, LostAnswer::Never, Effect::Change, false));
        assert!(!may_retry(503, LostAnswer::Detectable, Effect::Change, false));
        assert!(may_retry(503, LostAnswer::Detectable, Effect::Change, true));
        assert!(may_retry(502, LostAnswer::Idempotent, Effect::Read, false));
    }
}
