//! Schedules through the ledger: restarts, clock jumps, pauses, and the accounting law.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::config::{Failures, Missed, Overlap, ScheduleConfig};
use crate::state::State;
use crate::trigger::{Account, Firing, Outcome, ScheduleDefinition, TriggerError, Triggers};

pub(super) fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn config(cron: &str) -> ScheduleConfig {
    ScheduleConfig {
        playbook: "backup".into(),
        cron: cron.into(),
        timezone: "UTC".into(),
        params: toml::Table::new(),
        destroy: false,
        overlap: Overlap::Skip,
        missed: Missed::Latest,
        window: Duration::from_secs(3600),
        jitter: Duration::ZERO,
        timeout: None,
        failures: Failures::default(),
        max_runs: None,
    }
}

pub(super) struct Bench {
    _folder: tempfile::TempDir,
    pub(super) state: Arc<State>,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(folder.path()).unwrap());
        Self { _folder: folder, state }
    }

    pub(super) fn open(&self, config: &ScheduleConfig, now: &str) -> Triggers {
        let definition = ScheduleDefinition::new("job", config).unwrap();
        Triggers::open(Arc::clone(&self.state), vec![definition], Vec::new(), instant(now)).unwrap()
    }
}

/// Starts and ends whatever may start; answers with the due instants.
fn work(triggers: &Triggers, now: Timestamp) -> Vec<String> {
    let mut done = Vec::new();
    loop {
        let taken = triggers.take_queued(now, 10).unwrap();
        if taken.is_empty() {
            return done;
        }
        for firing in taken {
            triggers.ended(&firing.id, Outcome::Succeeded, now).unwrap();
            done.push(firing.due.map_or_else(|| "by hand".to_owned(), |due| due.to_string()));
        }
    }
}

/// When the service would look again.
pub(super) fn wake(triggers: &Triggers, now: Timestamp) -> Option<Timestamp> {
    [triggers.next_start(now).unwrap(), triggers.schedules.next()].into_iter().flatten().min()
}

pub(super) fn poll(triggers: &mut Triggers, now: &str) -> Vec<String> {
    let now = instant(now);
    triggers.schedules.look(now).unwrap();
    while wake(triggers, now).is_some_and(|at| at <= now) {
        triggers.schedules.look(now).unwrap();
    }
    work(triggers, now)
}

pub(super) fn account(triggers: &Triggers) -> Account {
    triggers.explain("job", 0).unwrap().1
}

pub(super) fn assert_balanced(triggers: &Triggers) {
    let sums = account(triggers);
    assert_eq!(sums.due, sums.queued + sums.started + sums.merged + sums.skipped, "{sums:?}");
}

#[test]
fn a_new_definition_owes_nothing_of_the_past() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    assert_eq!(wake(&triggers, instant("2026-05-01T10:30:00Z")), Some(instant("2026-05-01T11:00:00Z")));
    assert!(poll(&mut triggers, "2026-05-01T10:30:00Z").is_empty());
    assert_eq!(poll(&mut triggers, "2026-05-01T11:00:00Z"), ["2026-05-01T11:00:00Z"]);
    assert!(poll(&mut triggers, "2026-05-01T11:00:01Z").is_empty(), "never twice");
}

#[test]
fn a_restart_owes_what_it_missed() {
    let bench = Bench::new();
    drop(bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z"));
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T15:20:00Z");
    assert_eq!(poll(&mut triggers, "2026-05-01T15:20:00Z"), ["2026-05-01T15:00:00Z"]);
    let (_, sums, rows) = triggers.explain("job", 10).unwrap();
    assert_eq!((sums.due, sums.started, sums.skipped), (5, 1, 4));
    assert_eq!(rows[0].late, Some(20 * 60 * 1_000_000));
    assert_eq!((rows[1].state.as_str(), rows[1].count), ("skipped", 4), "one row for the stretch");
}

#[test]
fn an_edited_schedule_owes_from_its_edit_on() {
    let bench = Bench::new();
    drop(bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z"));
    let mut triggers = bench.open(&config("30 * * * *"), "2026-05-01T15:20:00Z");
    assert!(poll(&mut triggers, "2026-05-01T15:20:00Z").is_empty());
    assert_eq!(poll(&mut triggers, "2026-05-01T15:30:00Z"), ["2026-05-01T15:30:00Z"]);
}

#[test]
fn changed_parameters_forgive_nothing() {
    let bench = Bench::new();
    drop(bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z"));
    let edited = ScheduleConfig { playbook: "other".into(), ..config("0 * * * *") };
    let mut triggers = bench.open(&edited, "2026-05-01T11:20:00Z");
    assert_eq!(poll(&mut triggers, "2026-05-01T11:20:00Z"), ["2026-05-01T11:00:00Z"]);
}

#[test]
fn a_clock_set_back_repeats_nothing_and_does_not_fall_silent() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    assert_eq!(poll(&mut triggers, "2026-05-01T11:00:00Z").len(), 1);
    // The clock runs away by four years, and is corrected.
    assert_eq!(poll(&mut triggers, "2030-05-01T12:00:00Z").len(), 1);
    assert!(poll(&mut triggers, "2026-05-01T11:05:00Z").is_empty());
    assert_eq!(poll(&mut triggers, "2026-05-01T12:00:00Z"), ["2026-05-01T12:00:00Z"]);
    // An hour back is no correction: 12:00 has been.
    assert!(poll(&mut triggers, "2026-05-01T11:30:00Z").is_empty());
    assert!(poll(&mut triggers, "2026-05-01T12:00:00Z").is_empty());
    assert_eq!(poll(&mut triggers, "2026-05-01T13:00:00Z"), ["2026-05-01T13:00:00Z"]);
    assert_balanced(&triggers);
}

#[test]
fn a_correction_does_not_repeat_what_was_started() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    for hour in 11..=20 {
        assert_eq!(poll(&mut triggers, &format!("2026-05-01T{hour}:00:00Z")).len(), 1);
    }
    for hour in 12..=20 {
        assert!(poll(&mut triggers, &format!("2026-05-01T{hour}:00:00Z")).is_empty(), "{hour}");
    }
    assert_eq!(poll(&mut triggers, "2026-05-01T21:00:00Z").len(), 1);
    assert_eq!(account(&triggers).due, 11);
    assert_balanced(&triggers);
}

#[test]
fn a_running_one_is_in_the_way_of_the_next() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    let taken = triggers.take_queued(instant("2026-05-01T11:00:00Z"), 1).unwrap();
    assert!(poll(&mut triggers, "2026-05-01T12:00:00Z").is_empty());
    assert_eq!(triggers.unended().unwrap(), taken);
    triggers.ended(&taken[0].id, Outcome::Failed, instant("2026-05-01T12:30:00Z")).unwrap();
    assert_eq!(poll(&mut triggers, "2026-05-01T13:00:00Z").len(), 1);
    assert_eq!(account(&triggers).skipped, 1);
}

#[test]
fn cancel_old_names_the_run_to_cancel_and_waits_for_its_end() {
    let bench = Bench::new();
    let config = ScheduleConfig { overlap: Overlap::CancelOld, ..config("0 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
    let (one, two) = (instant("2026-05-01T11:00:00Z"), instant("2026-05-01T12:00:00Z"));
    triggers.schedules.look(one).unwrap();
    let old = triggers.take_queued(one, 9).unwrap().remove(0);
    assert!(triggers.to_cancel(one).unwrap().is_empty());
    triggers.schedules.look(two).unwrap();
    assert_eq!(triggers.to_cancel(two).unwrap(), vec![old.clone()]);
    assert!(triggers.take_queued(two, 9).unwrap().is_empty());
    triggers.ended(&old.id, Outcome::Failed, two).unwrap();
    assert_eq!(triggers.take_queued(two, 9).unwrap().len(), 1);
}

#[test]
fn a_firing_that_waited_beyond_its_window_is_skipped() {
    let bench = Bench::new();
    let config = ScheduleConfig { overlap: Overlap::Queue, ..config("0 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    assert!(triggers.take_queued(instant("2026-05-01T12:00:01Z"), 9).unwrap().is_empty());
    let (_, sums, rows) = triggers.explain("job", 1).unwrap();
    assert_eq!((sums.skipped, sums.queued), (1, 0));
    assert!(rows[0].reason.as_deref().unwrap().contains("window"));
}

#[test]
fn a_firing_that_waits_for_another_to_end_is_looked_at_when_its_window_ends() {
    let bench = Bench::new();
    let config = ScheduleConfig { overlap: Overlap::Queue, ..config("0 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    assert_eq!(triggers.take_queued(instant("2026-05-01T11:00:00Z"), 9).unwrap().len(), 1);
    let due = instant("2026-05-01T12:00:00Z");
    triggers.schedules.look(due).unwrap();
    assert!(triggers.take_queued(due, 9).unwrap().is_empty());
    let ends = triggers.next_expiry(due).unwrap().unwrap();
    assert_eq!(ends, instant("2026-05-01T13:00:00.000001Z"));
    assert!(triggers.expire(instant("2026-05-01T13:00:00Z")).unwrap().is_empty(), "within its window to the last");
    assert_eq!(triggers.expire(ends).unwrap().len(), 1);
    assert_eq!(triggers.next_expiry(ends).unwrap(), None);
}

#[test]
fn a_service_that_dies_before_the_run_exists_starts_it_again() {
    let bench = Bench::new();
    let now = instant("2026-05-01T11:00:00Z");
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.schedules.look(now).unwrap();
    let taken = triggers.take_queued(now, 9).unwrap();
    drop(triggers);
    let triggers = bench.open(&config("0 * * * *"), "2026-05-01T11:00:00Z");
    assert!(triggers.take_queued(now, 9).unwrap().is_empty());
    triggers.recover(&|_| false).unwrap();
    let again = triggers.take_queued(now, 9).unwrap();
    assert_eq!(again[0].id, taken[0].id);
    assert_ne!(again[0].run, taken[0].run, "a run of its own");
}

#[test]
fn a_service_that_dies_after_the_run_began_never_starts_another() {
    let bench = Bench::new();
    let now = instant("2026-05-01T11:00:00Z");
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.schedules.look(now).unwrap();
    let taken = triggers.take_queued(now, 9).unwrap();
    drop(triggers);
    let triggers = bench.open(&config("0 * * * *"), "2026-05-01T11:00:00Z");
    triggers.recover(&|run| Some(run) == taken[0].run.as_deref()).unwrap();
    assert!(triggers.take_queued(now, 9).unwrap().is_empty());
    assert_eq!(triggers.unended().unwrap(), taken);
    assert_eq!(account(&triggers), Account { due: 1, started: 1, ..Account::default() });
}

#[test]
fn a_firing_whose_run_cannot_be_made_is_skipped_with_the_reason() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    let taken = triggers.take_queued(instant("2026-05-01T11:00:07Z"), 9).unwrap();
    assert_eq!(taken[0].event["late"], 7);
    triggers.skip(&taken[0].id, "there is no playbook 'backup'").unwrap();
    triggers.recover(&|_| false).unwrap();
    assert!(triggers.take_queued(instant("2026-05-01T11:00:08Z"), 9).unwrap().is_empty());
    let row = triggers.explain("job", 1).unwrap().2.remove(0);
    assert_eq!((row.reason.as_deref(), row.runs.len()), (Some("there is no playbook 'backup'"), 0));
    let latest = bench.state.with(|connection| super::history::latest_run(connection, "job")).unwrap();
    assert!(latest.is_none(), "a run that never began is not going");
    assert_balanced(&triggers);
}

#[test]
fn a_removed_schedule_starts_nothing_that_it_left_behind() {
    let bench = Bench::new();
    let now = instant("2026-05-01T11:00:00Z");
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.schedules.look(now).unwrap();
    let without = Triggers::open(Arc::clone(&bench.state), Vec::new(), Vec::new(), now).unwrap();
    assert!(without.take_queued(now, 9).unwrap().is_empty());
    assert_eq!(account(&triggers).skipped, 1);
}

#[test]
fn a_pause_skips_and_says_so_and_a_firing_by_hand_runs_all_the_same() {
    let bench = Bench::new();
    let mut triggers = bench.open(&config("0 * * * *"), "2026-05-01T10:30:00Z");
    triggers.pause("job", instant("2026-05-01T10:40:00Z")).unwrap();
    assert!(poll(&mut triggers, "2026-05-01T11:00:00Z").is_empty());
    let by_hand = |name: &str| Firing::by_hand(name, None, instant("2026-05-01T11:10:00Z"));
    triggers.fire(&by_hand("job"), instant("2026-05-01T11:10:00Z")).unwrap();
    assert_eq!(work(&triggers, instant("2026-05-01T11:10:00Z")), ["by hand"]);
    triggers.resume("job", instant("2026-05-01T12:30:00Z")).unwrap();
    assert_eq!(poll(&mut triggers, "2026-05-01T13:00:00Z"), ["2026-05-01T13:00:00Z"]);
    assert_eq!(account(&triggers).skipped, 2);
    assert_balanced(&triggers);
    let error = triggers.fire(&by_hand("jab"), instant("2026-05-01T13:00:00Z")).unwrap_err();
    assert!(matches!(&error, TriggerError::Unknown { .. }) && error.to_string().contains("'job'"), "{error}");
}

#[test]
fn jitter_is_the_same_each_time_and_delays_the_start() {
    let bench = Bench::new();
    let config = ScheduleConfig { jitter: Duration::from_secs(600), ..config("0 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:30:00Z");
    let due = instant("2026-05-01T11:00:00Z");
    let jitter = triggers.schedules.get("job").unwrap().jitter(due);
    assert!(jitter > SignedDuration::ZERO && jitter < SignedDuration::from_secs(600));
    triggers.schedules.look(due).unwrap();
    assert!(triggers.take_queued(due, 9).unwrap().is_empty());
    assert_eq!(wake(&triggers, due), Some(due + jitter));
    assert_eq!(triggers.take_queued(due + jitter, 9).unwrap().len(), 1);
}

#[test]
fn ten_thousand_due_at_once_are_all_queued_and_start_in_order_of_name_as_places_allow() {
    let bench = Bench::new();
    let (before, now) = (instant("2026-05-01T10:30:00Z"), instant("2026-05-01T11:00:00Z"));
    let names: Vec<String> = (0..10_000).map(|number| format!("job-{number:05}")).collect();
    let schedule = config("0 * * * *");
    let definitions = names.iter().map(|name| ScheduleDefinition::new(name, &schedule).unwrap()).collect();
    let mut triggers = Triggers::open(Arc::clone(&bench.state), definitions, Vec::new(), before).unwrap();
    assert_eq!(triggers.schedules.look(now).unwrap().queued.len(), 10_000);
    let rows = bench.state.with(|connection| {
        connection.query_row("SELECT count(*) FROM ledger WHERE state = 'queued'", [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(rows.unwrap(), 10_000);
    let (mut started, mut going) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        let taken = triggers.take_queued(now, 8 - going.len()).unwrap();
        started.extend(taken.iter().map(|firing| firing.trigger.clone()));
        going.extend(taken);
        let first = going.remove(0);
        triggers.ended(&first.id, Outcome::Succeeded, now).unwrap();
    }
    let rest = triggers.take_queued(now, 10_000).unwrap();
    started.extend(rest.into_iter().map(|firing| firing.trigger));
    assert_eq!(started, names);
    assert!(triggers.take_queued(now, 10_000).unwrap().is_empty());
}

#[test]
fn a_long_stretch_of_seconds_is_counted_in_parts_into_one_row() {
    let bench = Bench::new();
    drop(bench.open(&config("* * * * * *"), "2026-05-01T00:00:00Z"));
    let now = instant("2026-05-01T14:00:00Z");
    let mut triggers = bench.open(&config("* * * * * *"), &now.to_string());
    let mut looks = 0;
    while wake(&triggers, now).is_some_and(|at| at <= now) {
        triggers.schedules.look(now).unwrap();
        looks += 1;
    }
    assert!(looks > 1, "{looks}");
    let (_, sums, rows) = triggers.explain("job", 100).unwrap();
    assert_eq!((sums.due, sums.queued), (14 * 3600, 1));
    // Beyond the window, not the latest, started, and in the way of each other.
    assert!(rows.len() <= 4, "{rows:?}");
    assert_balanced(&triggers);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_balances_and_starts_nothing_twice(
        steps in prop::collection::vec((-40_000_i64..80_000, any::<bool>(), any::<bool>()), 1..25),
        cron in prop::sample::select(vec!["0 * * * *", "*/7 * * * *", "30 2 * * *", "0,30 1,2 * * *"]),
        overlap in prop::sample::select(vec![Overlap::Skip, Overlap::Queue, Overlap::Parallel, Overlap::CancelOld]),
        missed in prop::sample::select(vec![Missed::None, Missed::Latest, Missed::All]),
    ) {
        let bench = Bench::new();
        let config = ScheduleConfig { overlap, missed, timezone: "Europe/Berlin".into(), ..config(cron) };
        let mut now = instant("2026-03-27T12:00:00Z");
        let mut triggers = bench.open(&config, &now.to_string());
        let mut started = Vec::new();
        for (seconds, restart, works) in steps {
            now += SignedDuration::from_secs(seconds);
            if restart {
                triggers = bench.open(&config, &now.to_string());
                triggers.recover(&|_| false).unwrap();
            }
            triggers.schedules.look(now).unwrap();
            if works {
                started.extend(work(&triggers, now));
            }
            assert_balanced(&triggers);
        }
        let all = started.len();
        started.sort();
        started.dedup();
        prop_assert_eq!(all, started.len(), "no instant started twice");
    }
}
