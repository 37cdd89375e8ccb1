//! Lengths of time as people write them: `500ms`, `30s`, `1h30m`, `2d`.

use std::time::Duration;

use jiff::SignedDuration;

/// The length that `text` says; never negative.
///
/// # Errors
/// A sentence that says how lengths are written.
pub fn parse(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("'{text}' is not a length of time: write it as 500ms, 30s, 10m, 1h30m or 2d");
    let trimmed = text.trim();
    let (days, rest) = match trimmed.split_once('d') {
        Some((days, rest)) if days.bytes().all(|byte| byte.is_ascii_digit()) && !days.is_empty() => {
            (days.parse::<i64>().map_err(|_| wrong())?, rest)
        }
        _ => (0, trimmed),
    };
    let rest = if rest.trim().is_empty() && trimmed.contains('d') {
        SignedDuration::ZERO
    } else {
        rest.trim().parse().map_err(|_| wrong())?
    };
    let whole = days.checked_mul(24).map(SignedDuration::from_hours).and_then(|days| days.checked_add(rest));
    whole.filter(|length| !length.is_negative()).ok_or_else(wrong)
}

/// The same, as the standard library's type.
///
/// # Errors
/// As [`parse`].
pub fn parse_std(text: &str) -> Result<Duration, String> {
    parse(text).map(to_std)
}

/// As the standard library's type; negative lengths are none.
pub fn to_std(length: SignedDuration) -> Duration {
    Duration::try_from(length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1d12h", 129_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text).unwrap().as_millis(), millis, "{text}");
        }
        for text in ["", "30", "-3s", "d", "one hour", "1x", "99999999999999999999d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
