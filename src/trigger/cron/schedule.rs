//! The instants at which a schedule is due, by a written rule for the days on which clocks change.
//!
//! A *fixed* time (no `*` and no step in hour and minute) is due once: when the clock on the wall
//! first reaches or passes it. In a gap that is the first valid instant, in a fold the first pass.
//! An *interval* time is due whenever the clock on the wall shows it: never in a gap, in both
//! passes of a fold. Civil times that share an instant are one firing; the others are merged.

use std::iter;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::trigger::cron::CronError;
use crate::trigger::cron::civil::CivilTimes;
use crate::trigger::cron::expression::Expression;

/// A cron expression in a zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    expression: Expression,
    times: CivilTimes,
    zone: TimeZone,
}

/// An instant at which a schedule is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The instant.
    pub at: Timestamp,
    /// The civil time that it stands for: the first one, if several share the instant.
    pub civil: DateTime,
    /// How many more civil times fall on this instant.
    pub merged: u32,
}

impl Schedule {
    /// Reads `expression`; its times are those of clocks in `zone`.
    ///
    /// # Errors
    /// The expression is not understood, or what it names never occurs.
    pub fn parse(expression: &str, zone: TimeZone) -> Result<Self, CronError> {
        let parsed = Expression::parse(expression)?;
        let times = CivilTimes::new(&parsed)
            .map_err(|cause| CronError::whole(expression, cause, "write fields as in '0 2 * * *' or '*/5 * * * *'"))?;
        if times.next_from(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)).is_none() {
            let hint = "choose a day that one of its months has";
            return Err(CronError::field(expression, "day of month", "no such day ever occurs", hint));
        }
        Ok(Self { expression: parsed, times, zone })
    }

    /// The zone of its clocks.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// What is due later than `after` and not later than `until`, in order.
    pub fn due_between(&self, after: Timestamp, until: Timestamp) -> DueTimes<'_> {
        DueTimes::new(self, after, until)
    }

    /// What is due first later than `after`; none once the calendar ends, in 2100.
    pub fn next_after(&self, after: Timestamp) -> Option<Due> {
        self.due_between(after, Timestamp::MAX).next()
    }

    /// What a clock change does to a due instant, if one touches it, and what was merged into it.
    pub fn note(&self, due: &Due) -> Option<String> {
        let note = match self.zone.to_ambiguous_timestamp(due.civil).offset() {
            AmbiguousOffset::Gap { .. } => {
                let civil = due.civil.strftime("%H:%M:%S").to_string();
                let civil = civil.strip_suffix(":00").unwrap_or(&civil);
                Some(format!("{civil} does not exist that day: it runs at the first valid instant"))
            }
            AmbiguousOffset::Fold { before, .. } if self.zone.to_offset(due.at) == before => {
                Some("first of two passes".to_owned())
            }
            AmbiguousOffset::Fold { .. } => Some("second of two passes".to_owned()),
            AmbiguousOffset::Unambiguous { .. } => None,
        };
        let merged = (due.merged > 0).then(|| format!("with {} merged", due.merged));
        let notes: Vec<String> = note.into_iter().chain(merged).collect();
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// A due instant for people: in its zone, with a note where a clock change touches it.
    pub fn explain(&self, due: &Due) -> String {
        let local = due.at.to_zoned_datetime(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
        self.note(due).map_or_else(|| local.clone(), |note| format!("{local}  ({note})"))
    }
}

/// The due instants of a span of time. It walks from one change of the zone's offset to the next:
/// within such a segment civil times and instants have the same order.
#[derive(Debug)]
pub struct DueTimes<'a> {
    schedule: &'a Schedule,
    until: Timestamp,
    offset: Offset,
    /// When the segment ends.
    end: Option<Timestamp>,
    /// From where on civil times of the segment are still to come.
    from: DateTime,
    /// How far the clock on the wall has ever come: fixed times before it have been due.
    reached: DateTime,
}

impl<'a> DueTimes<'a> {
    fn new(schedule: &'a Schedule, after: Timestamp, until: Timestamp) -> Self {
        let zone = &schedule.zone;
        let offset = zone.to_offset(after);
        let local = offset.to_datetime(after);
        let from = local.saturating_add(SignedDuration::from_nanos(1));
        // No zone has turned its clocks back by more than a day.
        let lookback = after.saturating_sub(SignedDuration::from_hours(48)).unwrap_or(Timestamp::MIN);
        let next = after.saturating_add(SignedDuration::from_nanos(1)).unwrap_or(after);
        let reached = zone
            .preceding(next)
            .map(|transition| transition.timestamp())
            .take_while(|at| *at > lookback)
            .map(|at| before(zone, at).to_datetime(at))
            .fold(from, DateTime::max);
        let end = zone.following(after).next().map(|transition| transition.timestamp());
        Self { schedule, until, offset, end, from, reached }
    }

    /// Enters the segment that begins at `start`; what a gap there swallowed of fixed times is due at once.
    fn enter(&mut self, start: Timestamp) -> Option<Due> {
        let zone = &self.schedule.zone;
        self.reached = self.reached.max(self.offset.to_datetime(start));
        self.offset = zone.to_offset(start);
        self.end = zone.following(start).next().map(|transition| transition.timestamp());
        self.from = self.offset.to_datetime(start);
        if !self.schedule.expression.is_fixed() || self.reached >= self.from {
            return None;
        }
        let times = &self.schedule.times;
        let first_valid = self.from;
        let next = |from: DateTime| times.next_from(from).filter(|civil| *civil <= first_valid);
        let mut swallowed =
            iter::successors(next(self.reached), |civil| next(civil.saturating_add(SignedDuration::from_secs(1))));
        let first = swallowed.next()?;
        if first == first_valid {
            return None;
        }
        let merged = u32::try_from(swallowed.count()).unwrap_or(u32::MAX);
        self.from = first_valid.saturating_add(SignedDuration::from_secs(1));
        Some(Due { at: start, civil: first, merged })
    }
}

/// The offset that holds just before `at`.
fn before(zone: &TimeZone, at: Timestamp) -> Offset {
    zone.to_offset(at.saturating_sub(SignedDuration::from_nanos(1)).unwrap_or(at))
}

impl Iterator for DueTimes<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        loop {
            let from = if self.schedule.expression.is_fixed() { self.from.max(self.reached) } else { self.from };
            let civil = self.schedule.times.next_from(from)?;
            let at = self.offset.to_timestamp(civil).ok()?;
            match self.end {
                Some(end) if at >= end => {
                    if end > self.until {
                        return None;
                    }
                    if let Some(due) = self.enter(end) {
                        return Some(due);
                    }
                }
                _ if at > self.until => return None,
                _ => {
                    self.from = civil.saturating_add(SignedDuration::from_secs(1));
                    return Some(Due { at, civil, merged: 0 });
                }
            }
        }
    }
}
