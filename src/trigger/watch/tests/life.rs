//! A file's way: ready, claimed, run, put away; and what a crash between two steps leaves.

use std::fs;
use std::path::PathBuf;

use crate::config::{After, Ready};
use crate::trigger::watch::Sightings;
use crate::trigger::watch::claim::claim_all;
use crate::trigger::watch::tests::bench::{Bench, account, poll, recover, second, work};
use crate::trigger::{Account, Firing, Outcome};

#[test]
fn a_file_is_taken_once_it_has_settled() {
    let bench = Bench::new(Ready::Settle, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 0).is_empty());
    assert_eq!(triggers.watches.next(), Some(second(2)));
    bench.drop_file("a.txt", "one and two");
    assert!(poll(&mut triggers, 2).is_empty(), "it has changed: the time counts anew");
    assert!(poll(&mut triggers, 3).is_empty());
    let queued = poll(&mut triggers, 4);
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].event["name"], "a.txt");
    assert_eq!(queued[0].event["size"], 11);
    assert!(!bench.inbox("a.txt").exists());
    assert_eq!(work(&mut triggers, 4, Outcome::Succeeded), ["one and two"]);
    assert_eq!(bench.listing("archive"), ["a.txt"]);
    assert_eq!(account(&triggers), Account { due: 1, started: 1, ..Account::default() });
}

#[test]
fn each_file_starts_one_run_and_archived_names_do_not_collide() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    for round in 0..3 {
        bench.drop_file("a.txt", &round.to_string());
        bench.drop_file("with space\nand line.txt", "x");
        assert_eq!(poll(&mut triggers, round).len(), 2);
        assert!(poll(&mut triggers, round).is_empty());
    }
    let texts = work(&mut triggers, 9, Outcome::Succeeded);
    assert_eq!(texts.iter().filter(|text| *text != "x").collect::<Vec<_>>(), ["0", "1", "2"], "none lost while busy");
    assert_eq!(bench.listing("archive").len(), 6);
    assert!(bench.inbox("archive/a-3.txt").exists());
    assert_eq!(bench.at_work(), 0);
}

#[test]
fn a_marker_says_when_and_goes_with_its_file() {
    let mut bench = Bench::new(Ready::Marker, Some(After::Delete));
    bench.config.paths = vec![PathBuf::from("inbox/*")];
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 0).is_empty());
    bench.drop_file("a.txt.done", "");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    assert_eq!(work(&mut triggers, 1, Outcome::Succeeded), ["one"]);
    assert!(bench.listing(".").is_empty(), "{:?}", bench.listing("."));
}

#[test]
fn kept_files_stay_and_run_again_only_when_changed() {
    let bench = Bench::new(Ready::Rename, Some(After::Keep));
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    bench.drop_file("a.txt", "longer");
    assert_eq!(work(&mut triggers, 0, Outcome::Succeeded), ["one"], "the run reads what was claimed");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    drop(triggers);
    let mut triggers = bench.open();
    assert!(poll(&mut triggers, 2).is_empty(), "remembered over a restart");
    assert_eq!(work(&mut triggers, 2, Outcome::Succeeded), ["longer"]);
    assert!(bench.inbox("a.txt").exists());
}

#[test]
fn a_folder_outside_the_project_keeps_its_files() {
    let mut bench = Bench::new(Ready::Rename, None);
    assert_eq!(bench.definition().after(), After::Archive);
    bench.config.paths = vec![PathBuf::from("/srv/feeds/*.txt")];
    assert_eq!(bench.definition().after(), After::Keep);
}

#[test]
fn a_crash_between_claim_and_move_is_repaired() {
    let bench = Bench::new(Ready::Rename, None);
    bench.drop_file("a.txt", "one");
    drop(bench.open());
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, None, second(0)).ready;
    assert_eq!(claim_all(&bench.state, &definition, &[&ready], second(0)).unwrap().len(), 1);
    // Here the process died; the next one has the claim and the file that has not moved.
    let mut triggers = bench.open();
    assert!(triggers.take_queued(second(1), 9).unwrap().is_empty(), "not before it is in the work folder");
    recover(&triggers);
    assert!(poll(&mut triggers, 1).is_empty());
    assert_eq!(work(&mut triggers, 1, Outcome::Succeeded), ["one"]);
    recover(&triggers);
    assert_eq!(account(&triggers).started, 1);
}

#[test]
fn a_file_replaced_after_its_claim_counts_as_another() {
    let bench = Bench::new(Ready::Rename, None);
    bench.drop_file("a.txt", "old");
    let mut triggers = bench.open();
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, None, second(0)).ready;
    claim_all(&bench.state, &definition, &[&ready], second(0)).unwrap();
    bench.drop_file("b", "brand new");
    fs::rename(bench.inbox("b"), bench.inbox("a.txt")).unwrap();
    assert_eq!(recover(&triggers).len(), 1, "it is told");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    assert_eq!(work(&mut triggers, 1, Outcome::Succeeded), ["brand new"]);
    assert_eq!(account(&triggers), Account { due: 2, started: 1, skipped: 1, ..Account::default() });
}

#[test]
fn many_files_start_one_run_each_through_restarts() {
    let bench = Bench::new(Ready::Rename, Some(After::Delete));
    for number in 0..500 {
        bench.drop_file(&format!("{number:03}.txt"), &number.to_string());
    }
    let mut seen = Vec::new();
    for round in 0..4 {
        let mut triggers = bench.open();
        recover(&triggers);
        poll(&mut triggers, round);
        // What is taken and not started when the service dies is started by the next.
        triggers.take_queued(second(round), 1).unwrap();
        if round % 2 == 1 {
            recover(&triggers);
            seen.extend(work(&mut triggers, round, Outcome::Succeeded));
        }
    }
    assert_eq!(seen.len(), 500);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 500, "none twice");
    assert!(bench.listing(".").is_empty());
}

#[test]
fn a_file_crosses_to_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    let bench = Bench::with_state(Ready::Rename, None, Some(&memory.path().join("state")));
    if fs::metadata(memory.path()).unwrap().dev() == fs::metadata(bench.project.path()).unwrap().dev() {
        return;
    }
    bench.drop_file("a.txt", "one");
    let mut triggers = bench.open();
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    assert!(!bench.inbox("a.txt").exists());
    assert_eq!(work(&mut triggers, 0, Outcome::Succeeded), ["one"]);
    assert_eq!(bench.listing("archive"), ["a.txt"]);
}

#[test]
fn a_paused_watch_leaves_files_where_they_are() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    triggers.pause("feed", second(0)).unwrap();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 1).is_empty());
    triggers.resume("feed", second(2)).unwrap();
    assert_eq!(poll(&mut triggers, 3).len(), 1);
    let error = triggers.fire(&Firing::by_hand("feed", None, second(4)), second(4)).unwrap_err();
    assert!(error.to_string().contains("path=FILE"), "{error}");
}
