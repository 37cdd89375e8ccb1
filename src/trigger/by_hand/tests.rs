//! Runs that a person goes on with: told by the terminal, by the service, or by both.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::config::{Config, Environment, Failures, ScheduleConfig};
use crate::trigger::tests::{Bench, assert_balanced, config, instant};
use crate::trigger::watch::Failure;
use crate::trigger::{LedgerRow, Outcome, RunEnd, Triggers, WatchDefinition, fold};

fn failing(attempts: u32) -> ScheduleConfig {
    let failures = Failures { attempts, backoff: Duration::from_secs(60), pause_after: Some(9) };
    ScheduleConfig { failures, ..config("0 * * * *") }
}

/// A trigger whose firing of eleven o'clock has failed; with the firing and its run.
fn failed(bench: &Bench, attempts: u32) -> (Triggers, String, String) {
    let mut triggers = bench.open(&failing(attempts), "2026-05-01T10:30:00Z");
    let now = instant("2026-05-01T11:00:00Z");
    triggers.schedules.look(now).unwrap();
    let firing = triggers.take_queued(now, 1).unwrap().pop().unwrap();
    let run = firing.run.unwrap();
    end(&triggers, &firing.id, &run, Outcome::Failed);
    (triggers, firing.id, run)
}

fn end(triggers: &Triggers, firing: &str, run: &str, outcome: Outcome) {
    let end = RunEnd { firing, run: Some(run), outcome, failure: None };
    triggers.concluded(&end, instant("2026-05-01T11:00:30Z")).unwrap();
}

fn take(bench: &Bench, firing: &str, run: &str) {
    assert!(take_in_hand(&bench.state, firing, run, instant("2026-05-01T11:00:10Z")).unwrap());
}

fn last(triggers: &Triggers) -> LedgerRow {
    triggers.explain("job", 1).unwrap().2.remove(0)
}

/// The runs of the last firing: how each ended, and whether by hand.
fn runs(triggers: &Triggers) -> Vec<(String, bool)> {
    let runs = last(triggers).runs.into_iter();
    runs.map(|run| (run.outcome.unwrap_or_else(|| "going".into()), run.by_hand)).collect()
}

fn failures(triggers: &Triggers) -> u32 {
    triggers.look_at("job").unwrap().0.unwrap().failures
}

#[test]
fn an_end_that_is_told_twice_counts_once() {
    let bench = Bench::new();
    let (triggers, firing, run) = failed(&bench, 1);
    assert_eq!((runs(&triggers), failures(&triggers)), (vec![("failed".into(), false)], 1));
    take(&bench, &firing, &run);
    assert_eq!(runs(&triggers), [("going".into(), true)]);
    assert_eq!(triggers.in_hand().unwrap()[0].run.as_deref(), Some(&*run));
    // The terminal tells, and a service that has looked meanwhile.
    for _ in 0..2 {
        end(&triggers, &firing, &run, Outcome::Failed);
        assert_eq!((runs(&triggers), failures(&triggers)), (vec![("failed".into(), true)], 1));
    }
    assert!(triggers.in_hand().unwrap().is_empty());
    take(&bench, &firing, &run);
    for outcome in [Outcome::Succeeded, Outcome::Succeeded, Outcome::Failed] {
        end(&triggers, &firing, &run, outcome);
        assert_eq!((runs(&triggers), failures(&triggers)), (vec![("succeeded".into(), true)], 0));
    }
    assert_balanced(&triggers);
}

#[test]
fn what_a_person_goes_on_with_is_not_tried_again_meanwhile() {
    for outcome in [Outcome::Succeeded, Outcome::Failed] {
        let bench = Bench::new();
        let (triggers, firing, run) = failed(&bench, 3);
        take(&bench, &firing, &run);
        let later = instant("2026-05-01T11:05:00Z");
        assert!(triggers.take_queued(later, 9).unwrap().is_empty());
        assert!(last(&triggers).next.is_some(), "it waits");
        end(&triggers, &firing, &run, outcome);
        let taken = triggers.take_queued(later, 9).unwrap();
        if outcome == Outcome::Succeeded {
            assert!(taken.is_empty(), "there is nothing left to try");
            assert_eq!(runs(&triggers), [("succeeded".into(), true)]);
            assert!(last(&triggers).reason.unwrap().contains("resumed by hand"));
            assert_eq!(failures(&triggers), 0);
        } else {
            assert_eq!((&taken[0].id, taken[0].event["attempt"].as_u64()), (&firing, Some(2)));
            assert_eq!(runs(&triggers), [("failed".into(), true), ("going".into(), false)]);
        }
        assert_balanced(&triggers);
    }
}

#[test]
fn the_late_word_of_a_service_ends_no_attempt_that_waits() {
    let bench = Bench::new();
    let (triggers, firing, run) = failed(&bench, 3);
    end(&triggers, &firing, &run, Outcome::Failed);
    assert!(last(&triggers).next.is_some());
    let taken = triggers.take_queued(instant("2026-05-01T11:05:00Z"), 9).unwrap();
    end(&triggers, &firing, &run, Outcome::Failed);
    assert_eq!(runs(&triggers), [("failed".into(), false), ("going".into(), false)]);
    // The former run succeeds by hand while the second one fails.
    take(&bench, &firing, &run);
    end(&triggers, &firing, &run, Outcome::Succeeded);
    end(&triggers, &firing, taken[0].run.as_deref().unwrap(), Outcome::Refused);
    assert_eq!(runs(&triggers), [("succeeded".into(), true), ("refused".into(), false)]);
    assert_balanced(&triggers);
}

#[test]
fn what_is_in_somebodys_hands_is_never_folded_and_nothing_is_left_of_what_was() {
    let bench = Bench::new();
    let (triggers, firing, run) = failed(&bench, 1);
    take(&bench, &firing, &run);
    let far = instant("2030-01-01T00:00:00Z");
    assert_eq!(fold(&bench.state, far).unwrap(), 0);
    let_go(&bench.state, &run, far).unwrap();
    assert_eq!(fold(&bench.state, far).unwrap(), 1);
    let left = "SELECT count(*) FROM by_hand";
    assert_eq!(bench.state.with(|c| c.query_row(left, [], |row| row.get::<_, i64>(0))).unwrap(), 0);
    assert!(!take_in_hand(&bench.state, &firing, &run, far).unwrap(), "the ledger has forgotten it");
    assert_balanced(&triggers);
}

/// A watch of a folder with one file, whose run has failed and whose file is still to be put away.
fn failed_file(folder: &std::path::Path) -> (Arc<State>, Triggers, Firing) {
    std::fs::create_dir(folder.join("inbox")).unwrap();
    let path = folder.join("beadle.toml");
    let watch = "[watches.feed]\nplaybook = \"p\"\npaths = [\"inbox/*\"]\nready = \"rename\"\n";
    std::fs::write(&path, watch).unwrap();
    let (config, _) = Config::load(&path, &Environment::default()).unwrap();
    let feed = WatchDefinition::new("feed", &config.watches["feed"], &config.folder).unwrap();
    let state = Arc::new(State::open(&folder.join("state")).unwrap());
    let now = instant("2026-05-01T11:00:00Z");
    let mut triggers = Triggers::open(Arc::clone(&state), Vec::new(), vec![feed], now).unwrap();
    std::fs::write(folder.join("inbox/a"), "one").unwrap();
    triggers.watches.look(now).unwrap();
    let firing = triggers.take_queued(now, 1).unwrap().remove(0);
    tell(&triggers, &firing, Outcome::Failed);
    (state, triggers, firing)
}

fn tell(triggers: &Triggers, firing: &Firing, outcome: Outcome) {
    let at = instant("2026-05-01T11:00:30Z");
    let message = "it is over".to_owned();
    let why = Failure { run: firing.run.clone(), outcome: "failed".into(), message, place: None, at };
    let failure = (outcome != Outcome::Succeeded).then_some(&why);
    triggers.concluded(&RunEnd { firing: &firing.id, run: firing.run.as_deref(), outcome, failure }, at).unwrap();
}

#[test]
fn a_file_that_was_on_its_way_to_the_failed_ones_goes_where_a_succeeded_one_goes() {
    let folder = tempfile::tempdir().unwrap();
    let is_there = |name: &str| folder.path().join("inbox").join(name).exists();
    let (state, triggers, firing) = failed_file(folder.path());
    take_in_hand(&state, &firing.id, firing.run.as_deref().unwrap(), instant("2026-05-01T11:00:10Z")).unwrap();
    tell(&triggers, &firing, Outcome::Succeeded);
    assert_eq!(triggers.put_away(&firing.id).unwrap(), [""; 0]);
    assert!(is_there("archive/a") && !is_there("failed"));
}

#[test]
fn two_processes_that_put_the_same_file_away_do_not_quarrel() {
    let folder = tempfile::tempdir().unwrap();
    let is_there = |name: &str| folder.path().join("inbox").join(name).exists();
    let (_state, mut triggers, firing) = failed_file(folder.path());
    triggers.watches.look(instant("2026-05-01T11:01:00Z")).unwrap();
    assert!(is_there("failed/a") && is_there("failed/a.error.txt"));
    tell(&triggers, &firing, Outcome::Succeeded);
    std::thread::scope(|scope| {
        let both = [(); 2].map(|()| scope.spawn(|| triggers.put_away(&firing.id).unwrap()));
        both.into_iter().for_each(|one| assert_eq!(one.join().unwrap(), [""; 0]));
    });
    assert!(is_there("archive/a") && !is_there("failed/a") && !is_there("failed/a.error.txt"));
    assert!(!is_there("archive/a-2"));
}
