//! Files that were here before: the same content, and what runs have written themselves.

use std::fs;
use std::time::Duration;

use crate::config::{After, Collect, Ready};
use crate::identity::Identity;
use crate::trigger::watch::Failure;
use crate::trigger::watch::tests::bench::{Bench, account, poll, reasons, run_all, second, work};
use crate::trigger::{Account, Outcome};
use crate::written::{self, Written};

fn deduping() -> Bench {
    let mut bench = Bench::new(Ready::Rename, None);
    bench.config.dedupe = Some(Duration::from_secs(100));
    bench
}

#[test]
fn a_file_with_the_content_of_another_is_skipped_and_put_away() {
    let bench = deduping();
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    bench.drop_file("b.txt", "one");
    bench.drop_file("c.txt", "two");
    poll(&mut triggers, 0);
    assert_eq!(work(&mut triggers, 1, Outcome::Succeeded), ["one", "two"]);
    assert_eq!(account(&triggers), Account { due: 3, started: 2, skipped: 1, ..Account::default() });
    let reason = reasons(&triggers).remove(0);
    assert!(reason.contains("b.txt: same content as") && reason.contains("/a.txt, which came at 2027-"), "{reason}");
    assert_eq!(bench.listing("archive"), ["a.txt", "b.txt", "c.txt"]);
    // Over a restart, and as long as it is remembered.
    let mut triggers = bench.open();
    bench.drop_file("d.txt", "one");
    poll(&mut triggers, 99);
    assert!(work(&mut triggers, 99, Outcome::Succeeded).is_empty());
    bench.drop_file("e.txt", "one");
    poll(&mut triggers, 101);
    assert_eq!(work(&mut triggers, 101, Outcome::Succeeded), ["one"]);
    assert_eq!(bench.at_work(), 0);
}

#[test]
fn a_file_whose_run_failed_may_come_again() {
    let bench = deduping();
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    poll(&mut triggers, 0);
    run_all(&mut triggers, 0, |triggers, firing| {
        let failure = Failure { run: None, outcome: "failed".into(), message: "x".into(), place: None, at: second(0) };
        triggers.ended(&firing.id, Outcome::Failed, second(0)).unwrap();
        triggers.gave_up(&firing.id, &failure).unwrap();
    });
    fs::rename(bench.inbox("failed/a.txt"), bench.inbox("a.txt")).unwrap();
    poll(&mut triggers, 1);
    assert_eq!(work(&mut triggers, 1, Outcome::Succeeded), ["one"]);
}

#[test]
fn of_a_group_the_same_content_is_taken_out() {
    let mut bench = deduping();
    bench.config.collect = Some(Collect { max: 3, window: Duration::from_secs(1) });
    let mut triggers = bench.open();
    for (name, text) in [("a.txt", "one"), ("b.txt", "one"), ("c.txt", "two")] {
        bench.drop_file(name, text);
    }
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    let mut seen = Vec::new();
    run_all(&mut triggers, 1, |triggers, firing| {
        seen.extend(firing.event["files"].as_array().unwrap().iter().map(|file| file["name"].clone()));
        assert_eq!(firing.event["paths"].as_array().unwrap().len(), 2);
        triggers.ended(&firing.id, Outcome::Succeeded, second(1)).unwrap();
    });
    assert_eq!(seen, ["a.txt", "c.txt"]);
    assert_eq!(account(&triggers), Account { due: 3, started: 2, skipped: 1, ..Account::default() });
    assert_eq!((bench.listing("archive").len(), bench.at_work()), (3, 0));
}

/// Writes a file as a run does.
fn write_as_run(bench: &Bench, name: &str, depth: u64) {
    let path = bench.inbox(name).parent().unwrap().canonicalize().unwrap().join(name);
    // Files have the time of the machine, whatever the bench's clock says.
    bench.drop_file("clock", "");
    let now = Identity::from(&fs::metadata(bench.inbox("clock")).unwrap()).modified().unwrap();
    let written = Written { run: "r1".into(), depth };
    written::begin(&bench.state, &path, &written, now).unwrap();
    bench.drop_file(name, "by a run");
    written::end(&bench.state, &path).unwrap();
}

#[test]
fn what_a_run_has_written_starts_no_other() {
    let bench = Bench::new(Ready::Rename, Some(After::Delete));
    let mut triggers = bench.open();
    write_as_run(&bench, "a.txt", 0);
    for round in 0..3 {
        assert!(poll(&mut triggers, round).is_empty());
    }
    assert_eq!(account(&triggers), Account { due: 1, skipped: 1, ..Account::default() });
    assert!(reasons(&triggers)[0].contains("run r1 wrote it"), "{:?}", reasons(&triggers));
    assert!(bench.inbox("a.txt").exists());
    bench.drop_file("a.txt", "by a person");
    poll(&mut triggers, 4);
    assert_eq!(work(&mut triggers, 4, Outcome::Succeeded), ["by a person"]);
}

#[test]
fn a_chain_of_runs_has_an_end() {
    let mut bench = Bench::new(Ready::Rename, Some(After::Delete));
    bench.config.chain = true;
    let mut triggers = bench.open();
    for depth in 0..8 {
        write_as_run(&bench, "a.txt", depth);
        let queued = poll(&mut triggers, 0);
        assert_eq!(queued[0].event["depth"], depth + 1);
        work(&mut triggers, 0, Outcome::Succeeded);
    }
    write_as_run(&bench, "a.txt", 8);
    assert!(poll(&mut triggers, 1).is_empty());
    assert!(reasons(&triggers)[0].contains("a chain of 8"), "{:?}", reasons(&triggers));
}
