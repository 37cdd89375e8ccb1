//! Times that an appliance takes in whole minutes or hours only.

use jiff::{Timestamp, TimestampRound, Unit};

use crate::catalog::{Row, TimeForm, Type};
use crate::value::{Map, Value};

/// Cuts times to what the row's forms can say, outward: a begin goes down and an end goes up, so that
/// nothing of the span is lost. Says what was cut.
pub fn widen(row: &'static Row, args: &mut Map) -> Vec<String> {
    let mut notices = Vec::new();
    for param in row.params {
        let Type::Time(form) = param.ty else { continue };
        let (unit, word, up) = match form {
            TimeForm::IsoMinute => (Unit::Minute, "minutes", false),
            TimeForm::IsoMinuteEnd => (Unit::Minute, "minutes", true),
            TimeForm::IsoHour => (Unit::Hour, "hours", false),
            TimeForm::IsoHourEnd => (Unit::Hour, "hours", true),
            _ => continue,
        };
        let Some(Value::Time(time)) = args.get_mut(param.name) else { continue };
        let cut = round(*time, unit, up);
        if cut != *time {
            let name = param.name;
            notices.push(format!("{}: {name} {time:.0} became {cut:.0}, as it takes whole {word} only", row.name));
            *time = cut;
        }
    }
    notices
}

fn round(time: Timestamp, unit: Unit, up: bool) -> Timestamp {
    let mode = if up { jiff::RoundMode::Ceil } else { jiff::RoundMode::Floor };
    time.round(TimestampRound::new().smallest(unit).mode(mode)).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_grows_to_whole_units_and_never_shrinks() {
        let time = |text: &str| -> Timestamp { text.parse().unwrap() };
        let at = time("2026-11-24T10:20:30.5Z");
        assert_eq!(round(at, Unit::Hour, false), time("2026-11-24T10:00:00Z"));
        assert_eq!(round(at, Unit::Hour, true), time("2026-11-24T11:00:00Z"));
        assert_eq!(round(at, Unit::Minute, true), time("2026-11-24T10:21:00Z"));
        assert_eq!(round(time("2026-11-24T10:00:00Z"), Unit::Hour, true), time("2026-11-24T10:00:00Z"));
        assert_eq!(round(time("1960-01-01T00:00:01Z"), Unit::Hour, false), time("1960-01-01T00:00:00Z"));
    }
}
