//! How instants and lengths are shown beside triggers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A civil time of a zone with its offset, to the second.
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The same without the offset.
pub fn short(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A length of time in its two largest units: `850ms`, `12s`, `3m20s`, `2h5m`, `3d4h`.
pub fn length(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0 => format!("{}ms", length.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => pair(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn pair(large: i64, unit: &str, small: i64, smaller: &str) -> String {
    if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{smaller}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short() {
        for (millis, text) in [
            (0, "0ms"),
            (850, "850ms"),
            (12_400, "12s"),
            (200_000, "3m20s"),
            (7_500_000, "2h5m"),
            (273_600_000, "3d4h"),
        ] {
            assert_eq!(length(SignedDuration::from_millis(millis)), text);
        }
    }
}
