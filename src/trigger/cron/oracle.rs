//! The due instants against two others, in every zone of the database and over twenty years: croner, and a
//! walk along the clock on the wall, minute by minute, that knows nothing but the written rule.
//!
//! Two differences from croner are meant. It takes a list or a range of hours or minutes for an interval, and
//! here it names fixed times: such expressions are left to the walk. And where a gap ends on another day than
//! it began, croner drops a time of a day that a day field names; here it runs at the first valid instant.
//! At a gap of three hours croner gives up for good: the zone that has some is left to the walk, too.

use chrono::{DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone as ChronoZone};
use jiff::civil::date;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use crate::trigger::cron::expression::Expression;
use crate::trigger::cron::{Due, Schedule};

/// A zone of jiff's database for chrono, so that both sides know the same rules.
#[derive(Clone, Debug)]
struct Zone(TimeZone);

#[derive(Clone, Debug)]
struct ZoneOffset(TimeZone, FixedOffset);

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.1
    }
}

impl Zone {
    fn offset(&self, offset: jiff::tz::Offset) -> ZoneOffset {
        ZoneOffset(self.0.clone(), FixedOffset::east_opt(offset.seconds()).unwrap())
    }
}

impl ChronoZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        Self(offset.0.clone())
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let civil = jiff::tz::Offset::UTC.to_datetime(Timestamp::from_second(local.and_utc().timestamp()).unwrap());
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => MappedLocalTime::Single(self.offset(offset)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            // Where a zone's rule takes over from its list without a change, as in Nuuk in 2023, jiff tells of a fold
            // in which the earlier offset was never in force.
            AmbiguousOffset::Fold { before, after }
                if before.to_timestamp(civil).is_ok_and(|at| self.0.to_offset(at) != before) =>
            {
                MappedLocalTime::Single(self.offset(after))
            }
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(self.offset(before), self.offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_hms_opt(0, 0, 0).unwrap())
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.offset(self.0.to_offset(Timestamp::from_second(utc.and_utc().timestamp()).unwrap()))
    }
}

/// What croner agrees on what kind of time it is.
const COMPARED: [&str; 20] = [
    "30 2 * * *",
    "0 0 * * *",
    "0 1 * * *",
    "0 3 * * *",
    "45 1 * * 0",
    "59 23 * * *",
    "15 2 29 * *",
    "0 12 1 1 *",
    "30 2 13 * 5",
    "5 0 * mar,oct *",
    "30 23 * * sat",
    "20 30 2 * * *",
    "*/15 * * * *",
    "0 * * * *",
    "30 */2 * * *",
    "*/30 2 * * *",
    "*/20 1-3 * * 0",
    "0 0-23/3 * * 1-5",
    "10 * 25-31 * 2",
    "*/10 * 1-7 4,10 *",
];

/// The zone whose clocks were set forward by three hours.
const THREE_HOURS: &str = "Antarctica/Casey";

/// What only the walk is asked about: lists and ranges, which are fixed times here.
const LISTED: [&str; 5] =
    ["0,30 1,2 * * *", "45 0-3 * * *", "0,15,30,45 2 * * 0", "10-50 0,23 * * *", "0 1,2 29-31 * *"];

/// Zones by name; those that are another one's equal in these years are left out.
fn zones(all: bool) -> Vec<(String, TimeZone)> {
    let (mut zones, mut seen) = (Vec::new(), std::collections::HashSet::new());
    for name in jiff::tz::db().available() {
        let Ok(zone) = TimeZone::get(name.as_str()) else { continue };
        let changes: Vec<(i64, i32)> =
            changes(&zone).iter().map(|at| (at.as_second(), zone.to_offset(*at).seconds())).collect();
        if seen.insert((zone.to_offset(span().0).seconds(), changes)) || all {
            zones.push((name.as_str().to_owned(), zone));
        }
    }
    zones
}

fn span() -> (Timestamp, Timestamp) {
    ("2016-01-01T00:00:00Z".parse().unwrap(), "2036-01-01T00:00:00Z".parse().unwrap())
}

fn changes(zone: &TimeZone) -> Vec<Timestamp> {
    let (from, until) = span();
    zone.following(from).map(|change| change.timestamp()).take_while(|at| *at < until).collect()
}

fn ours(expression: &str, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<i64> {
    let schedule = Schedule::parse(expression, zone.clone()).unwrap();
    // A gap that ends on another day: croner has none of these.
    let moved = |due: &Due| zone.to_datetime(due.at).date() != due.civil.date() && !expression.ends_with("* * *");
    schedule.due_between(from, until).filter(|due| !moved(due)).map(|due| due.at.as_second()).collect()
}

fn theirs(expression: &str, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<i64> {
    let start = DateTime::from_timestamp(from.as_second(), 0).unwrap().with_timezone(&Zone(zone.clone()));
    let times = expression.parse::<croner::Cron>().unwrap();
    times.iter_after(start).map(|time| time.timestamp()).take_while(|at| *at <= until.as_second()).collect()
}

/// The written rule, read off the clock on the wall: an interval time whenever it shows it, a fixed time when
/// it first shows it or a later time. Seconds are 0.
fn walked(expression: &str, zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<i64> {
    let on_utc = Schedule::parse(expression, TimeZone::UTC).unwrap();
    let wall = |at: Timestamp| jiff::tz::Offset::UTC.to_timestamp(zone.to_datetime(at)).unwrap();
    let minute = SignedDuration::from_mins(1);
    let fixed = Expression::parse(expression).unwrap().is_fixed();
    // How far the clock on the wall has come before: it may have been set back.
    let mut at = from - SignedDuration::from_hours(48);
    let mut reached = wall(at);
    while at < from {
        at += minute;
        reached = reached.max(wall(at));
    }
    let mut due = Vec::new();
    while at < until {
        at += minute;
        let now = wall(at);
        let shows = if fixed {
            let passed = on_utc.due_between(reached, now.max(reached)).next().is_some();
            reached = reached.max(now);
            passed
        } else {
            on_utc.due_between(now - minute, now).next().is_some_and(|due| due.at == now)
        };
        if shows {
            due.push(at.as_second());
        }
    }
    due
}

fn differences(name: &str, expression: &str, ours: &[i64], others: &[i64]) -> Option<String> {
    let only = |list: &[i64], other: &[i64]| -> Vec<String> {
        let only = list.iter().filter(|at| !other.contains(at)).take(3);
        only.map(|at| Timestamp::from_second(*at).unwrap().to_string()).collect()
    };
    (ours != others)
        .then(|| format!("{name} {expression}: {:?} here, {:?} there", only(ours, others), only(others, ours)))
}

fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong[..wrong.len().min(30)].join("\n"));
}

#[test]
fn days_on_which_clocks_change_are_those_of_croner_in_every_zone() {
    let zones = zones(false);
    assert!(zones.len() > 100, "{}", zones.len());
    let mut wrong = Vec::new();
    for (number, (name, zone)) in zones.iter().enumerate() {
        let changes = changes(zone);
        // Another change and other expressions for each zone; the long test has them all.
        for change in changes.iter().skip(number % 7).step_by(11).take(4) {
            let (from, until) = (*change - SignedDuration::from_hours(30), *change + SignedDuration::from_hours(30));
            for expression in COMPARED.iter().skip(number % 4).step_by(4) {
                let (ours, theirs) = (ours(expression, zone, from, until), theirs(expression, zone, from, until));
                wrong.extend(differences(name, expression, &ours, &theirs));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn the_rule_is_what_a_walk_along_the_clock_on_the_wall_finds() {
    let mut wrong = Vec::new();
    for (number, (name, zone)) in zones(false).iter().enumerate() {
        let changes = changes(zone);
        let expressions: Vec<&str> =
            COMPARED.iter().filter(|text| text.split(' ').count() == 5).chain(&LISTED).copied().collect();
        for change in changes.iter().skip(number % 5).step_by(17).take(1) {
            let (from, until) = (*change - SignedDuration::from_hours(3), *change + SignedDuration::from_hours(3));
            for expression in [expressions[number % expressions.len()], LISTED[number % LISTED.len()]] {
                let schedule = Schedule::parse(expression, zone.clone()).unwrap();
                let ours: Vec<i64> = schedule.due_between(from, until).map(|due| due.at.as_second()).collect();
                wrong.extend(differences(name, expression, &ours, &walked(expression, zone, from, until)));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
#[ignore = "takes minutes: tests/long/time.sh runs it"]
fn twenty_years_are_those_of_croner_in_every_zone() {
    let (from, until) = span();
    let mut wrong = Vec::new();
    for (name, zone) in zones(true).into_iter().filter(|(name, _)| name != THREE_HOURS) {
        for expression in COMPARED {
            let (ours, theirs) = (ours(expression, &zone, from, until), theirs(expression, &zone, from, until));
            wrong.extend(differences(&name, expression, &ours, &theirs));
        }
    }
    assert_none(&wrong);
}

#[test]
#[ignore = "takes minutes: tests/long/time.sh runs it"]
fn every_change_of_every_zone_is_what_a_walk_finds() {
    let mut wrong = Vec::new();
    for (name, zone) in zones(false) {
        for change in changes(&zone) {
            let (from, until) = (change - SignedDuration::from_hours(30), change + SignedDuration::from_hours(30));
            for expression in COMPARED.iter().filter(|text| text.split(' ').count() == 5).chain(&LISTED) {
                let schedule = Schedule::parse(expression, zone.clone()).unwrap();
                let ours: Vec<i64> = schedule.due_between(from, until).map(|due| due.at.as_second()).collect();
                wrong.extend(differences(&name, expression, &ours, &walked(expression, &zone, from, until)));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn fixed_times_are_those_of_croner_in_every_zone_for_three_years() {
    let start = date(2024, 1, 1).at(12, 0, 0, 0);
    let mut wrong = Vec::new();
    for (name, zone) in zones(false) {
        let from = zone.to_timestamp(start).unwrap();
        let until = from + SignedDuration::from_hours(24 * 3 * 365);
        for expression in ["30 2 * * *", "45 1 * * 0"] {
            let (ours, theirs) = (ours(expression, &zone, from, until), theirs(expression, &zone, from, until));
            wrong.extend(differences(&name, expression, &ours, &theirs));
        }
    }
    assert_none(&wrong);
}
