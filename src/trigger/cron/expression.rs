//! A cron expression: five fields with Unix meaning, six with seconds, or `@daily` and friends.

use crate::trigger::cron::CronError;
use crate::trigger::cron::field::{DAY, Field, HOUR, MINUTE, MONTH, SECOND, Unit, WEEKDAY};

const NICKNAMES: &[(&str, &str)] = &[
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The fields of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) second: Field,
    pub(super) minute: Field,
    pub(super) hour: Field,
    pub(super) day: Field,
    pub(super) month: Field,
    pub(super) weekday: Field,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The field, what is wrong with it, and the cure.
    pub(super) fn parse(text: &str) -> Result<Self, CronError> {
        let trimmed = text.trim();
        let spelled = if trimmed.starts_with('@') { nickname(trimmed)? } else { trimmed };
        let parts: Vec<&str> = spelled.split_whitespace().collect();
        let (second, rest) = match parts.as_slice() {
            rest @ [_, _, _, _, _] => ("0", rest),
            [second, rest @ ..] if rest.len() == 5 => (*second, rest),
            _ => {
                let hint = "write 'minute hour day-of-month month day-of-week', with seconds before them if wanted; \
                            years are not possible";
                return Err(CronError::whole(text, format!("it has {} fields", parts.len()), hint));
            }
        };
        let field = |part: &str, unit: &Unit| {
            Field::parse(part, unit).map_err(|(what, hint)| CronError::field(text, unit.name, what, hint))
        };
        Ok(Self {
            second: field(second, &SECOND)?,
            minute: field(rest[0], &MINUTE)?,
            hour: field(rest[1], &HOUR)?,
            day: field(rest[2], &DAY)?,
            month: field(rest[3], &MONTH)?,
            weekday: field(rest[4], &WEEKDAY)?,
        })
    }

    /// Whether it names fixed times: no `*` and no step in hour and minute.
    pub(super) fn is_fixed(&self) -> bool {
        !self.hour.interval && !self.minute.interval
    }

    /// Whether either day field may make a day match: both are restricted.
    pub(super) fn joins_days_by_or(&self) -> bool {
        !self.day.star && !self.weekday.star
    }
}

fn nickname(text: &str) -> Result<&'static str, CronError> {
    let known = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, spelled)| *spelled).ok_or_else(|| {
        let names: Vec<&str> = NICKNAMES.iter().map(|(name, _)| *name).collect();
        let nearest = crate::nearest::did_you_mean(text, names.iter().copied());
        CronError::whole(text, "it is not a known name", format!("write one of {}.{nearest}", names.join(", ")))
    })
}
