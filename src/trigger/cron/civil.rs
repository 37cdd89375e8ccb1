//! The civil times that an expression names, in order: what calendar and clock on the wall show,
//! without any zone.
//!
//! The `cron` crate enumerates them, on UTC as a calendar without gaps and folds. It is given
//! numbers only, because it counts Sunday as 1, and joins the two day fields by AND: where OR is
//! meant, two of its schedules are merged. It knows the years up to 2100.

use std::str::FromStr;

use chrono::{Datelike, TimeDelta, TimeZone, Timelike, Utc};
use jiff::civil::DateTime;

use crate::trigger::cron::expression::Expression;

/// An endless (until 2100) list of civil times.
#[derive(Clone, Debug)]
pub(super) struct CivilTimes {
    joined: Vec<cron::Schedule>,
}

impl CivilTimes {
    /// The times of an expression.
    ///
    /// # Errors
    /// The enumerator's own words: it refuses what was accepted here.
    pub(super) fn new(expression: &Expression) -> Result<Self, String> {
        let list = |numbers: &mut dyn Iterator<Item = u8>| {
            numbers.map(|number| number.to_string()).collect::<Vec<_>>().join(",")
        };
        let second = list(&mut expression.second.numbers());
        let minute = list(&mut expression.minute.numbers());
        let hour = list(&mut expression.hour.numbers());
        let day = list(&mut expression.day.numbers());
        let month = list(&mut expression.month.numbers());
        let weekday = list(&mut expression.weekday.numbers().map(|sunday_is_0| sunday_is_0 + 1));
        let days = if expression.joins_days_by_or() {
            vec![(day.as_str(), "*"), ("*", weekday.as_str())]
        } else {
            vec![(day.as_str(), weekday.as_str())]
        };
        let spell = |(day, weekday): (&str, &str)| {
            cron::Schedule::from_str(&format!("{second} {minute} {hour} {day} {month} {weekday}"))
                .map_err(|error| error.to_string())
        };
        Ok(Self { joined: days.into_iter().map(spell).collect::<Result<_, _>>()? })
    }

    /// The first time at or after `from`.
    pub(super) fn next_from(&self, from: DateTime) -> Option<DateTime> {
        let (date, time) = (from.date(), from.time());
        let whole = Utc
            .with_ymd_and_hms(
                i32::from(date.year()),
                u32::try_from(date.month()).ok()?,
                u32::try_from(date.day()).ok()?,
                u32::try_from(time.hour()).ok()?,
                u32::try_from(time.minute()).ok()?,
                u32::try_from(time.second()).ok()?,
            )
            .single()?;
        let before = if time.subsec_nanosecond() == 0 { whole - TimeDelta::seconds(1) } else { whole };
        let next = self.joined.iter().filter_map(|times| times.after(&before).next()).min()?;
        DateTime::new(
            i16::try_from(next.year()).ok()?,
            i8::try_from(next.month()).ok()?,
            i8::try_from(next.day()).ok()?,
            i8::try_from(next.hour()).ok()?,
            i8::try_from(next.minute()).ok()?,
            i8::try_from(next.second()).ok()?,
            0,
        )
        .ok()
    }
}
