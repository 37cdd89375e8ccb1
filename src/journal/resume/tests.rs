//! Which entries are done again.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::journal::write::{DONE, FAILED, OPEN};

fn entry(number: u64, path: &str, position: u64, kind: &str, state: i64) -> EntryRow {
    EntryRow { number, path: path.into(), position, kind: kind.into(), state, ..EntryRow::default() }
}

fn inside(entry: EntryRow, place: &str) -> EntryRow {
    EntryRow { inside: Some(place.into()), ..entry }
}

fn failing(entry: EntryRow, items: &[u64]) -> EntryRow {
    EntryRow { note: Some(failed_note(items)), ..entry }
}

fn voided(changes: &Changes) -> Vec<u64> {
    changes.void.keys().copied().collect()
}

#[test]
fn the_entry_that_ended_the_run_is_done_again_and_no_other() {
    let entries = [entry(1, "", 0, "call", FAILED), entry(2, "", 1, "call", DONE), entry(3, "", 2, "call", FAILED)];
    assert_eq!(voided(&decide(&entries, Some(3), true)), [3]);
    assert_eq!(decide(&entries, None, false), Changes::default(), "what was answered is answered");
}

#[test]
fn what_followed_from_the_error_stays_for_an_undo() {
    let entries = [entry(1, "", 0, "call", FAILED), entry(2, "", 1, "call", DONE)];
    let changes = decide(&entries, Some(1), true);
    assert_eq!(changes.void, BTreeMap::from([(1, Void::Undone), (2, Void::Passed)]));
}

#[test]
fn a_transaction_without_a_commit_is_void_and_one_with_it_is_not() {
    let mut entries = vec![
        entry(1, "", 0, "begin", DONE),
        inside(entry(2, "", 1, "call", DONE), "#0"),
        inside(entry(3, "2.0", 0, "call", DONE), "#0"),
    ];
    assert_eq!(voided(&decide(&entries, None, false)), [1, 2, 3]);
    entries.push(entry(4, "", 3, "commit", DONE));
    assert_eq!(voided(&decide(&entries, None, false)), [0_u64; 0]);
}

#[test]
fn an_error_inside_a_transaction_does_all_of_it_again() {
    let entries = [
        entry(1, "", 0, "call", DONE),
        entry(2, "", 1, "begin", DONE),
        inside(entry(3, "", 2, "call", DONE), "#1"),
        inside(entry(4, "", 3, "call", FAILED), "#1"),
        entry(5, "", 4, "rollback", DONE),
    ];
    let changes = decide(&entries, Some(4), true);
    assert_eq!(voided(&changes), [2, 3, 4, 5]);
}

#[test]
fn every_failed_item_of_a_parallel_is_done_again() {
    let entries = [
        failing(entry(1, "", 0, "parallel", FAILED), &[1, 3]),
        entry(2, "0.0", 0, "call", DONE),
        entry(3, "0.1", 0, "call", FAILED),
        entry(4, "0.2", 0, "call", FAILED),
        entry(5, "0.2", 1, "call", DONE),
        entry(6, "0.3", 0, "call", DONE),
        entry(7, "0.3", 1, "call", FAILED),
        entry(8, "0.4", 0, "call", FAILED),
    ];
    let changes = decide(&entries, Some(3), true);
    assert_eq!(voided(&changes), [3, 7], "the second item has caught its error, and so has the last one");
    assert_eq!(changes.reopened, BTreeSet::from([1]));
}

#[test]
fn a_nested_parallel_is_opened_on_every_level() {
    let entries = [
        failing(entry(1, "", 4, "parallel", FAILED), &[1]),
        failing(entry(2, "4.1", 0, "parallel", FAILED), &[6]),
        entry(3, "4.1/0.6", 0, "call", FAILED),
    ];
    let changes = decide(&entries, Some(3), true);
    assert_eq!(voided(&changes), [3]);
    assert_eq!(changes.reopened, BTreeSet::from([1, 2]));
}

#[test]
fn what_an_item_was_answered_before_a_kill_is_answered_again() {
    // The answer was an error, and the kill came before the item could catch it.
    let entries = [entry(1, "", 0, "parallel", OPEN), entry(2, "0.0", 0, "call", FAILED)];
    let changes = decide(&entries, None, false);
    assert!(changes.void.is_empty());
    assert_eq!(changes.reopened, BTreeSet::from([1]));
}

#[test]
fn a_refused_commit_does_its_transaction_again() {
    let entries = [
        entry(1, "", 0, "begin", DONE),
        inside(entry(2, "", 1, "call", DONE), "#0"),
        entry(3, "", 2, "commit", FAILED),
        entry(4, "", 3, "rollback", DONE),
    ];
    let changes = decide(&entries, Some(3), true);
    assert_eq!(voided(&changes), [1, 2, 3, 4]);
    assert_eq!(changes.void.get(&2), Some(&Void::Undone), "nothing of it took effect");
}

#[test]
fn a_transaction_that_the_scripts_own_error_rolled_back_is_done_again() {
    let entries = [
        entry(1, "", 0, "begin", DONE),
        inside(entry(2, "", 1, "call", DONE), "#0"),
        entry(3, "", 2, "rollback", DONE),
    ];
    assert_eq!(voided(&decide(&entries, None, true)), [1, 2, 3]);
    assert_eq!(voided(&decide(&entries, None, false)), [0_u64; 0], "the script has caught its error, and goes on");
}

#[test]
fn a_caught_error_in_a_finished_parallel_stays() {
    let entries =
        [entry(1, "", 0, "parallel", FAILED), entry(2, "0.0", 0, "call", FAILED), entry(3, "", 1, "call", DONE)];
    assert_eq!(decide(&entries, None, false), Changes::default());
}

#[test]
fn a_failed_child_goes_on_where_it_was() {
    let mut entries = vec![entry(1, "", 0, "run_playbook", FAILED)];
    entries[0].note = Some("child".into());
    let changes = decide(&entries, Some(1), true);
    assert_eq!(changes.children, ["child"]);
    assert_eq!(changes.reopened, BTreeSet::from([1]));
    assert!(changes.void.is_empty());
}
