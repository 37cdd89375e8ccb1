//! The rules of cron: on real zones, against another implementation, and over made-up expressions.

use chrono::{DateTime as ChronoTime, Utc};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::trigger::cron::{Due, Schedule};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn due(expression: &str, zone_name: &str, after: &str, until: &str) -> Vec<Due> {
    let schedule = Schedule::parse(expression, zone(zone_name)).unwrap();
    schedule.due_between(instant(after), instant(until)).collect()
}

fn instants(expression: &str, zone_name: &str, after: &str, until: &str) -> Vec<String> {
    due(expression, zone_name, after, until).iter().map(|due| due.at.to_string()).collect()
}

#[test]
fn a_fixed_time_in_a_gap_runs_at_the_first_valid_instant() {
    for (zone, day, first_valid) in [
        ("Europe/Berlin", "2026-03-29", "2026-03-29T01:00:00Z"),
        ("America/New_York", "2026-03-08", "2026-03-08T07:00:00Z"),
    ] {
        let from = format!("{day}T00:00:00Z");
        let until = format!("{day}T23:00:00Z");
        assert_eq!(instants("30 2 * * *", zone, &from, &until), [first_valid], "{zone}");
    }
    // Half an hour: 02:00 becomes 02:30.
    let lord_howe = instants("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-04T12:00:00Z");
    assert_eq!(lord_howe, ["2026-10-03T15:30:00Z"]);
}

#[test]
fn a_fixed_time_in_a_fold_runs_at_its_first_pass_only() {
    let berlin = instants("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
    assert_eq!(berlin, ["2026-10-25T00:30:00Z"]);
    let lord_howe = instants("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-05T00:00:00Z");
    assert_eq!(lord_howe, ["2026-04-04T14:45:00Z"]);
}

#[test]
fn lists_and_ranges_name_fixed_times() {
    for expression in ["45 1,2 * * *", "45 1-2 * * *"] {
        let berlin = instants(expression, "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(berlin, ["2026-10-24T23:45:00Z", "2026-10-25T00:45:00Z"], "{expression}");
    }
}

#[test]
fn starting_within_the_second_pass_does_not_repeat_the_first() {
    let berlin = instants("45 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", "2026-10-25T12:00:00Z");
    assert!(berlin.is_empty(), "{berlin:?}");
}

#[test]
fn an_interval_time_is_dropped_in_a_gap_and_runs_in_both_passes() {
    let gap = instants("*/30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
    assert!(gap.is_empty(), "{gap:?}");
    let fold = instants("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
    assert_eq!(fold, ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]);
    let hourly = instants("@hourly", "Europe/Berlin", "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z");
    assert_eq!(hourly, ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]);
}

#[test]
fn civil_times_on_one_instant_are_one_firing() {
    let firings = due("0,30 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z");
    let merged: Vec<_> = firings.iter().map(|due| (due.at.to_string(), due.merged)).collect();
    // 02:00, 02:30 and 03:00 share the instant; 03:30 has its own.
    assert_eq!(merged, [("2026-03-29T01:00:00Z".to_owned(), 2), ("2026-03-29T01:30:00Z".to_owned(), 0)]);
}

#[test]
fn a_skipped_day_is_made_up_for_when_the_next_begins() {
    // Samoa went from the 29th to the 31st of December 2011.
    let apia = due("30 2 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T00:00:00Z");
    let civil: Vec<_> = apia.iter().map(|due| (due.at.to_string(), due.civil.date())).collect();
    assert_eq!(
        civil,
        [
            ("2011-12-29T12:30:00Z".to_owned(), date(2011, 12, 29)),
            ("2011-12-30T10:00:00Z".to_owned(), date(2011, 12, 30)),
            ("2011-12-30T12:30:00Z".to_owned(), date(2011, 12, 31)),
        ]
    );
}

#[test]
fn ramadan_and_gaza_fire_once_each_day() {
    for name in ["Africa/Casablanca", "Asia/Gaza"] {
        let days: Vec<_> = due("30 2 * * *", name, "2026-01-01T12:00:00Z", "2027-12-31T12:00:00Z")
            .iter()
            .map(|due| due.civil.date())
            .collect();
        assert_eq!(days.len(), 729, "{name}");
        assert!(days.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]), "{name}");
    }
}

#[test]
fn every_zone_fires_a_nightly_job_once_for_each_day_of_the_year() {
    let mut wrong = Vec::new();
    let mut zones = 0;
    for name in jiff::tz::db().available() {
        let Ok(zone) = TimeZone::get(name.as_str()) else { continue };
        zones += 1;
        let start = zone.to_timestamp(date(2026, 1, 1).at(0, 0, 0, 0)).unwrap();
        let end = zone.to_timestamp(date(2027, 1, 1).at(0, 0, 0, 0)).unwrap();
        let schedule = Schedule::parse("30 2 * * *", zone).unwrap();
        let days: Vec<_> = schedule.due_between(start, end).map(|due| due.civil.date()).collect();
        if days.len() != 365 || !days.windows(2).all(|pair| pair[0] < pair[1]) {
            wrong.push(format!("{name:?}: {}", days.len()));
        }
    }
    assert!(zones > 400, "{zones}");
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn days_are_joined_by_or_only_when_both_are_restricted() {
    let days = |expression| {
        due(expression, "UTC", "2026-05-31T23:00:00Z", "2026-06-30T23:00:00Z")
            .iter()
            .map(|due| due.civil.day())
            .collect::<Vec<_>>()
    };
    assert_eq!(days("0 0 13 * fri"), [5, 12, 13, 19, 26]);
    assert_eq!(days("0 0 */2 * fri"), [5, 19], "a field that begins with * restricts by AND");
    assert_eq!(days("0 0 13 * *"), [13]);
    assert_eq!(days("0 0 * * 0"), [7, 14, 21, 28]);
    assert_eq!(days("0 0 * * 7"), days("0 0 * * sun"));
    assert_eq!(days("0 0 * * sat-sun"), [6, 7, 13, 14, 20, 21, 27, 28]);
    assert_eq!(days("@weekly"), days("0 0 * * 0"));
}

#[test]
fn far_away_days_and_seconds_are_found() {
    let leap = Schedule::parse("0 0 29 2 *", TimeZone::UTC).unwrap();
    assert_eq!(leap.next_after(instant("2096-03-01T00:00:00Z")), None, "2100 has no 29 February and is the last year");
    assert_eq!(leap.next_after(instant("2026-01-01T00:00:00Z")).unwrap().at, instant("2028-02-29T00:00:00Z"));
    assert_eq!(
        instants("*/20 0 0 * * *", "UTC", "2026-01-01T00:00:00.5Z", "2026-01-01T12:00:00Z"),
        ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z"]
    );
}

#[test]
fn mistakes_name_the_field_and_the_cure() {
    for (expression, parts) in [
        ("0 0 L * *", &["day of month", "28-31"][..]),
        ("0 0 15W * *", &["day of month", "weekday"]),
        ("0 0 * * 5#2", &["day of week", "n-th"]),
        ("0 0 * * 5L", &["day of week", "28-31"]),
        ("0 0 ? * *", &["day of month", "write *"]),
        ("0 0 0 * * * 2030", &["7 fields", "years"]),
        ("0 0 * *", &["4 fields"]),
        ("", &["0 fields"]),
        ("0 0 30 2 *", &["day of month", "no such day"]),
        ("0 0 31 4,6 *", &["no such day"]),
        ("60 0 * * *", &["minute", "0 to 59"]),
        ("0 24 * * *", &["hour", "0 to 23"]),
        ("0 22-4 * * *", &["hour", "backwards"]),
        ("5/10 * * * *", &["minute", "5-59/10"]),
        ("*/0 * * * *", &["minute", "step"]),
        ("*/90 * * * *", &["minute", "step"]),
        ("0 0 * foo *", &["month", "jan"]),
        ("@dayly", &["@daily"]),
        ("1,,2 * * * *", &["minute"]),
        ("+5 * * * *", &["minute"]),
    ] {
        let error = Schedule::parse(expression, TimeZone::UTC).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{expression}: {error}");
    }
}

#[test]
fn explanations_say_what_a_clock_change_does() {
    let schedule = Schedule::parse("30 2 * * *", zone("Europe/Berlin")).unwrap();
    let gap = schedule.next_after(instant("2026-03-28T12:00:00Z")).unwrap();
    assert!(schedule.explain(&gap).contains("does not exist"), "{}", schedule.explain(&gap));
    let fold = schedule.next_after(instant("2026-10-24T12:00:00Z")).unwrap();
    assert!(schedule.explain(&fold).contains("first of two"), "{}", schedule.explain(&fold));
}

/// What croner says, on UTC, where no clock change parts the two.
fn oracle(expression: &str, after: Timestamp, count: usize) -> Vec<Timestamp> {
    let cron = expression.parse::<croner::Cron>().unwrap();
    let start = ChronoTime::<Utc>::from_timestamp(after.as_second(), 0).unwrap();
    cron.iter_after(start).take(count).map(|time| Timestamp::from_second(time.timestamp()).unwrap()).collect()
}

fn part(least: u8, most: u8) -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("*".to_owned()),
        3 => (least..=most).prop_map(|number| number.to_string()),
        2 => (least..=most, least..=most).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (least..=most, least..=most).prop_map(|(a, b)| format!("{a},{b}")),
        1 => (1..=most / 2).prop_map(|step| format!("*/{step}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn civil_times_are_those_of_croner(
        minute in part(0, 59), hour in part(0, 23), day in part(1, 28), month in part(1, 12), weekday in part(0, 6),
        start in 946_684_800_i64..2_500_000_000,
    ) {
        // A `*/n` day field beside a restricted one is where the two differ on purpose.
        prop_assume!(!day.starts_with("*/") && !weekday.starts_with("*/"));
        let expression = format!("{minute} {hour} {day} {month} {weekday}");
        let after = Timestamp::from_second(start).unwrap();
        let schedule = Schedule::parse(&expression, TimeZone::UTC).unwrap();
        let ours: Vec<_> = schedule.due_between(after, Timestamp::MAX).map(|due| due.at).take(20).collect();
        prop_assert_eq!(ours, oracle(&expression, after, 20), "{}", expression);
    }

    #[test]
    fn cutting_a_span_anywhere_loses_and_doubles_nothing(
        minute in part(0, 59), hour in part(0, 23), cut in 0_i64..(86_400 * 3),
        zone_name in prop::sample::select(vec!["Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "UTC"]),
        start in prop::sample::select(vec!["2026-03-07T00:00:00Z", "2026-03-28T00:00:00Z", "2026-04-03T00:00:00Z",
            "2026-10-03T00:00:00Z", "2026-10-24T00:00:00Z", "2026-10-31T00:00:00Z"]),
    ) {
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), zone(zone_name)).unwrap();
        let start = instant(start);
        let (middle, end) = (start + SignedDuration::from_secs(cut), start + SignedDuration::from_hours(72));
        let whole: Vec<_> = schedule.due_between(start, end).collect();
        let mut parts: Vec<_> = schedule.due_between(start, middle).collect();
        parts.extend(schedule.due_between(middle, end));
        prop_assert_eq!(&whole, &parts);
        prop_assert!(whole.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
}
