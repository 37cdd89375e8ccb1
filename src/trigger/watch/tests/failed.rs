//! Files of runs that did not succeed.

use std::fs;
use std::path::PathBuf;

use crate::config::{After, Ready};
use crate::trigger::Outcome;
use crate::trigger::watch::Failure;
use crate::trigger::watch::tests::bench::{Bench, account, poll, recover, run_all, second};

fn failure(run: &str) -> Failure {
    let message = "no such group\nrun: forged".to_owned();
    let place = Some("block.rhai:12".to_owned());
    Failure { run: Some(run.into()), outcome: "failed".into(), message, place, at: second(3) }
}

#[test]
fn a_failed_runs_file_lies_in_failed_with_the_reason_beside_it() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    for round in 0..2 {
        bench.drop_file("a.txt", "one");
        assert_eq!(poll(&mut triggers, round).len(), 1);
        run_all(&mut triggers, round, |triggers, firing| {
            triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
            triggers.gave_up(&firing.id, &failure("r1")).unwrap();
        });
    }
    assert_eq!(bench.listing("failed"), ["a-2.txt", "a-2.txt.error.txt", "a.txt", "a.txt.error.txt"]);
    assert_eq!(bench.listing("."), ["failed"]);
    let reason = fs::read_to_string(bench.inbox("failed/a.txt.error.txt")).unwrap();
    for said in
        ["run:     r1", "outcome: failed", "block.rhai:12", "no such group\n         run: forged", "runs resume r1"]
    {
        assert!(reason.contains(said), "lacks {said}:\n{reason}");
    }
    assert_eq!(account(&triggers).started, 2);
}

#[test]
fn a_resumed_run_finds_its_file_in_failed_and_success_archives_it() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    let firing = poll(&mut triggers, 0).remove(0);
    run_all(&mut triggers, 0, |triggers, firing| {
        triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
        triggers.gave_up(&firing.id, &failure("r1")).unwrap();
    });
    let path = PathBuf::from(firing.event["path"].as_str().unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "one", "the path of the event still leads to the file");
    // It fails again, and then succeeds.
    triggers.gave_up(&firing.id, &failure("r2")).unwrap();
    poll(&mut triggers, 2);
    assert!(fs::read_to_string(bench.inbox("failed/a.txt.error.txt")).unwrap().contains("r2"));
    triggers.ended(&firing.id, Outcome::Succeeded, second(5)).unwrap();
    poll(&mut triggers, 5);
    assert_eq!((bench.listing("failed"), bench.listing("archive")), (vec![], vec!["a.txt".to_owned()]));
    assert_eq!(bench.at_work(), 0);
}

#[test]
fn what_a_person_has_taken_out_of_failed_is_left_alone() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    let firing = poll(&mut triggers, 0).remove(0);
    run_all(&mut triggers, 0, |triggers, firing| {
        triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
        triggers.gave_up(&firing.id, &failure("r1")).unwrap();
    });
    fs::rename(bench.inbox("failed/a.txt"), bench.inbox("a.txt")).unwrap();
    assert_eq!(poll(&mut triggers, 2).len(), 1, "put back, it begins anew");
    triggers.ended(&firing.id, Outcome::Succeeded, second(3)).unwrap();
    assert!(poll(&mut triggers, 3).is_empty());
    assert_eq!(bench.at_work(), 1, "the file of the second run");
    run_all(&mut triggers, 4, |triggers, firing| {
        triggers.ended(&firing.id, Outcome::Failed, second(4)).unwrap();
        triggers.gave_up(&firing.id, &failure("r3")).unwrap();
    });
    recover(&triggers);
    assert_eq!(bench.at_work(), 1, "it may still be resumed");
    fs::remove_file(bench.inbox("failed/a.txt")).unwrap();
    recover(&triggers);
    assert_eq!(bench.at_work(), 0, "a person has dealt with it");
}

#[test]
fn an_uncertain_run_keeps_its_file_in_the_work_folder() {
    let bench = Bench::new(Ready::Rename, Some(After::Delete));
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    let firing = poll(&mut triggers, 0).remove(0);
    run_all(&mut triggers, 0, |triggers, firing| {
        triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
    });
    let path = PathBuf::from(firing.event["path"].as_str().unwrap());
    assert!(path.is_file());
    triggers.ended(&firing.id, Outcome::Succeeded, second(5)).unwrap();
    poll(&mut triggers, 5);
    assert!(!path.exists());
}

#[test]
fn a_firing_that_is_tried_again_keeps_its_file_until_the_last_attempt() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    let firing = poll(&mut triggers, 0).remove(0);
    let queue_again = || {
        bench.state.with(|connection| connection.execute("UPDATE firing SET state = 'queued'", [])).unwrap();
    };
    let mut attempts = 0;
    run_all(&mut triggers, 1, |triggers, firing| {
        attempts += 1;
        assert_eq!(fs::read_to_string(firing.event["path"].as_str().unwrap()).unwrap(), "one");
        triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
        if attempts < 3 {
            queue_again();
        }
        triggers.gave_up(&firing.id, &failure("r")).unwrap();
    });
    assert_eq!((attempts, firing.event["name"].as_str()), (3, Some("a.txt")));
    assert_eq!(bench.listing("failed"), ["a.txt", "a.txt.error.txt"]);
}

#[test]
fn the_file_of_a_run_that_cannot_be_made_is_put_away_with_the_reason() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    poll(&mut triggers, 0);
    let firing = triggers.take_queued(second(1), 1).unwrap().remove(0);
    let reason = Failure {
        run: None,
        outcome: "skipped".into(),
        message: "parameter 'group' is missing".into(),
        place: None,
        at: second(1),
    };
    triggers.skip(&firing.id, &reason.message).unwrap();
    triggers.gave_up(&firing.id, &reason).unwrap();
    poll(&mut triggers, 2);
    assert!(fs::read_to_string(bench.inbox("failed/a.txt.error.txt")).unwrap().contains("'group' is missing"));
    assert_eq!(account(&triggers).skipped, 1);
}

#[test]
fn kept_files_of_failed_runs_leave_no_trace_in_their_folder() {
    let bench = Bench::new(Ready::Rename, Some(After::Keep));
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    poll(&mut triggers, 0);
    run_all(&mut triggers, 0, |triggers, firing| {
        triggers.ended(&firing.id, Outcome::Failed, second(1)).unwrap();
        triggers.gave_up(&firing.id, &failure("r1")).unwrap();
    });
    assert_eq!(bench.listing("."), ["a.txt"]);
    assert_eq!(bench.at_work(), 1, "the copy is there for a resume");
}

#[test]
fn a_name_as_long_as_a_name_may_be_is_archived_and_fails_like_any_other() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    let name = format!("{}.txt", "n".repeat(251));
    for (round, outcome) in [Outcome::Succeeded, Outcome::Succeeded, Outcome::Failed].into_iter().enumerate() {
        bench.drop_file(&name, "");
        assert_eq!(poll(&mut triggers, round as i64).len(), 1, "of 0 bytes, too");
        run_all(&mut triggers, round as i64, |triggers, firing| {
            triggers.ended(&firing.id, outcome, second(1)).unwrap();
            if outcome == Outcome::Failed {
                triggers.gave_up(&firing.id, &failure("r1")).unwrap();
            }
        });
    }
    assert_eq!((bench.listing("archive").len(), bench.listing("failed").len()), (2, 2));
}
