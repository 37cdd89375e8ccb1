//! Failed runs: tried again, given up, and the pause after too many of them.

use std::time::Duration;

use crate::config::{Overlap, ScheduleConfig};
use crate::trigger::tests::{Bench, account, assert_balanced, config, instant, poll, wake};
use crate::trigger::{Firing, LedgerRow, Triggers};

use super::*;

fn failing(attempts: u32, pause_after: Option<u32>) -> ScheduleConfig {
    let failures = Failures { attempts, backoff: Duration::from_secs(60), pause_after };
    ScheduleConfig { failures, ..config("0 * * * *") }
}

/// Starts what may start at `now` as the run `run`, which ends at once.
fn run(triggers: &Triggers, run: &str, outcome: Outcome, now: &str) -> (Firing, Vec<String>) {
    let now = instant(now);
    let firing = triggers.take_queued(now, 1).unwrap().pop().unwrap();
    // So that it is known by its name.
    triggers
        .state
        .with(|connection| connection.execute("UPDATE firing SET run = ?2 WHERE id = ?1", [&firing.id, run]))
        .unwrap();
    let notes = triggers.ended(&firing.id, outcome, now).unwrap();
    (firing, notes)
}

fn last(triggers: &Triggers) -> LedgerRow {
    triggers.explain("job", 1).unwrap().2.remove(0)
}

fn runs(triggers: &Triggers) -> Vec<(String, String)> {
    last(triggers).runs.into_iter().map(|run| (run.run, run.outcome.unwrap_or_default())).collect()
}

fn pair(run: &str, outcome: &str) -> (String, String) {
    (run.to_owned(), outcome.to_owned())
}

#[test]
fn a_failed_firing_is_tried_again_and_stays_one_firing() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(3, None), "2026-05-01T10:30:00Z");
    let due = instant("2026-05-01T11:00:00Z");
    triggers.schedules.look(due).unwrap();
    let (first, notes) = run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    assert_eq!(first.event["attempt"], 1);
    assert!(notes[0].contains("attempt 2 of 3 begins at 2026-05-01T11:01:00Z"), "{notes:?}");
    assert!(triggers.take_queued(due, 9).unwrap().is_empty());
    assert_eq!(wake(&triggers, due), Some(instant("2026-05-01T11:01:00Z")));
    let (second, _) = run(&triggers, "b", Outcome::TimedOut, "2026-05-01T11:01:00Z");
    assert_eq!((second.id, second.event["attempt"].as_u64()), (first.id, Some(2)));
    // The next waits twice as long.
    assert_eq!(wake(&triggers, instant("2026-05-01T11:01:00Z")), Some(instant("2026-05-01T11:03:00Z")));
    let (_, notes) = run(&triggers, "c", Outcome::Failed, "2026-05-01T11:03:00Z");
    assert!(notes.is_empty(), "{notes:?}");
    assert_eq!(runs(&triggers), [pair("a", "failed"), pair("b", "timed-out"), pair("c", "failed")]);
    let sums = account(&triggers);
    assert_eq!((sums.due, sums.started, sums.queued), (1, 1, 0));
    assert_balanced(&triggers);
}

#[test]
fn only_what_failed_or_was_out_of_time_is_tried_again() {
    for outcome in [Outcome::Refused, Outcome::Cancelled, Outcome::Uncertain, Outcome::Interrupted, Outcome::Succeeded]
    {
        let bench = Bench::new();
        let mut triggers = bench.open(&failing(3, None), "2026-05-01T10:30:00Z");
        triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
        run(&triggers, "a", outcome, "2026-05-01T11:00:00Z");
        let later = instant("2026-05-01T11:30:00Z");
        assert!(triggers.take_queued(later, 9).unwrap().is_empty(), "{outcome}");
        assert_eq!(runs(&triggers), [pair("a", outcome.name())]);
    }
}

#[test]
fn a_success_ends_the_attempts() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(5, None), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    run(&triggers, "b", Outcome::Succeeded, "2026-05-01T11:01:00Z");
    assert_eq!(runs(&triggers), [pair("a", "failed"), pair("b", "succeeded")]);
    assert_eq!(triggers.look_at("job").unwrap().0.unwrap().failures, 0);
}

#[test]
fn no_attempt_begins_outside_of_the_window() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(9, None), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    run(&triggers, "a", Outcome::Failed, "2026-05-01T11:59:30Z");
    assert_eq!(last(&triggers).next, None, "a minute later the window is over");
    // One that waits when the service goes away is given up by the next service.
    triggers.schedules.look(instant("2026-05-01T12:00:00Z")).unwrap();
    run(&triggers, "b", Outcome::Failed, "2026-05-01T12:00:00Z");
    let late = bench.open(&failing(9, None), "2026-05-01T13:30:00Z");
    late.recover(&|_| false).unwrap();
    assert!(late.take_queued(instant("2026-05-01T13:30:00Z"), 9).unwrap().is_empty());
    let row = last(&late);
    assert_eq!((row.state.as_str(), row.next), ("started", None));
    assert!(row.reason.unwrap().contains("not tried again"));
    assert_eq!(runs(&late), [pair("b", "failed")]);
    assert_balanced(&late);
}

#[test]
fn while_one_waits_to_be_tried_again_overlap_holds() {
    let bench = Bench::new();
    let long = Failures { attempts: 2, backoff: Duration::from_secs(3000), pause_after: None };
    let mut triggers = bench.open(&ScheduleConfig { failures: long, ..config("*/30 * * * *") }, "2026-05-01T10:50:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    assert!(poll(&mut triggers, "2026-05-01T11:30:00Z").is_empty());
    assert!(last(&triggers).reason.unwrap().contains("still going"));
    assert_eq!(poll(&mut triggers, "2026-05-01T11:50:00Z"), ["2026-05-01T11:00:00Z"]);

    // A later firing takes the place of one that waits.
    let bench = Bench::new();
    let config = ScheduleConfig { failures: long, overlap: Overlap::CancelOld, ..config("*/30 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:50:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    assert_eq!(poll(&mut triggers, "2026-05-01T11:30:00Z"), ["2026-05-01T11:30:00Z"]);
    assert!(poll(&mut triggers, "2026-05-01T11:50:00Z").is_empty());
    assert_balanced(&triggers);
}

#[test]
fn a_service_that_dies_loses_no_attempt() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(3, None), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    let (firing, _) = run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    assert_eq!(triggers.take_queued(instant("2026-05-01T11:01:00Z"), 9).unwrap().len(), 1);
    let triggers = bench.open(&failing(3, None), "2026-05-01T11:01:30Z");
    triggers.recover(&|_| false).unwrap();
    let (again, _) = run(&triggers, "b", Outcome::Succeeded, "2026-05-01T11:01:30Z");
    assert_eq!((again.id, again.event["attempt"].as_u64()), (firing.id, Some(2)));
}

#[test]
fn too_many_failures_in_a_row_pause_a_trigger_and_say_so() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(1, Some(2)), "2026-05-01T10:30:00Z");
    let fail = |triggers: &mut Triggers, hour: u32, outcome: Outcome| {
        let now = format!("2026-05-01T{hour}:00:00Z");
        triggers.schedules.look(instant(&now)).unwrap();
        run(triggers, "r", outcome, &now).1
    };
    assert!(fail(&mut triggers, 11, Outcome::Failed).is_empty());
    assert!(fail(&mut triggers, 12, Outcome::Succeeded).is_empty(), "a success begins a new row");
    assert!(fail(&mut triggers, 13, Outcome::Refused).is_empty());
    assert!(fail(&mut triggers, 14, Outcome::Cancelled).is_empty(), "who cancels says nothing of the job");
    let notes = fail(&mut triggers, 15, Outcome::Uncertain);
    assert!(notes[0].contains("failed 2 times in a row") && notes[0].contains("triggers resume job"), "{notes:?}");
    let standing = triggers.look_at("job").unwrap().0.unwrap();
    assert!(standing.paused);
    assert_eq!(standing.paused_why.as_deref(), Some("2 failures in a row"));
    assert_eq!(standing.paused_at, Some(instant("2026-05-01T15:00:00Z")));
    assert!(poll(&mut triggers, "2026-05-01T16:00:00Z").is_empty());

    triggers.resume("job", instant("2026-05-01T16:30:00Z")).unwrap();
    let standing = triggers.look_at("job").unwrap().0.unwrap();
    assert_eq!((standing.paused, standing.paused_why, standing.failures), (false, None, 0));
    assert_eq!(poll(&mut triggers, "2026-05-01T17:00:00Z").len(), 1);
    assert_balanced(&triggers);
}

#[test]
fn a_pause_gives_up_what_waits_to_be_tried_again() {
    let bench = Bench::new();
    let mut triggers = bench.open(&failing(3, None), "2026-05-01T10:30:00Z");
    triggers.schedules.look(instant("2026-05-01T11:00:00Z")).unwrap();
    run(&triggers, "a", Outcome::Failed, "2026-05-01T11:00:00Z");
    triggers.pause("job", instant("2026-05-01T11:00:30Z")).unwrap();
    assert!(triggers.take_queued(instant("2026-05-01T11:05:00Z"), 9).unwrap().is_empty());
    assert_eq!(runs(&triggers), [pair("a", "failed")]);
    assert!(last(&triggers).reason.unwrap().contains("paused"));
}

#[test]
fn no_more_runs_of_a_trigger_go_at_once_than_it_says() {
    let bench = Bench::new();
    let config = ScheduleConfig { overlap: Overlap::Parallel, max_runs: Some(2), ..config("*/10 * * * *") };
    let mut triggers = bench.open(&config, "2026-05-01T10:55:00Z");
    for minute in ["00", "10", "20"] {
        triggers.schedules.look(instant(&format!("2026-05-01T11:{minute}:00Z"))).unwrap();
    }
    let now = instant("2026-05-01T11:20:00Z");
    let taken = triggers.take_queued(now, 9).unwrap();
    assert_eq!(taken.len(), 2);
    assert!(triggers.take_queued(now, 9).unwrap().is_empty());
    triggers.ended(&taken[0].id, Outcome::Succeeded, now).unwrap();
    assert_eq!(triggers.take_queued(now, 9).unwrap().len(), 1);
}
