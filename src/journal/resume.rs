//! What of a run's entries is done again when it is resumed.
//!
//! A decision over the entries alone, without a look at the world; what it comes to is written in one
//! commit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::chain::Chain;
use super::log::Log;
use super::read::{EntryRow, RunRow};
use super::write::OPEN;
use crate::catalog::Effect;

/// How much of an entry still counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Void {
    /// Nothing: it never took effect, or is done again.
    Undone = 1,
    /// It took effect, and the script goes another way now: an undo takes it back.
    Passed = 2,
}

/// What has to be done to a run's entries before the run goes on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entries that no longer answer.
    pub void: BTreeMap<u64, Void>,
    /// Entries that are open again.
    pub reopened: BTreeSet<u64>,
    /// Children that are resumed with the run.
    pub children: Vec<String>,
}

impl Void {
    const fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Undone, Self::Undone) => Self::Undone,
            _ => Self::Passed,
        }
    }
}

/// The entries of a run by branch, each in order.
struct Branches<'a> {
    by_path: BTreeMap<&'a str, Vec<&'a EntryRow>>,
    changes: Changes,
}

/// Decides. `culprit` is the entry whose error ended the run; `ended` says that the script itself came to
/// an end, and was not broken off.
pub fn decide(entries: &[EntryRow], culprit: Option<u64>, ended: bool) -> Changes {
    let mut by_path: BTreeMap<&str, Vec<&EntryRow>> = BTreeMap::new();
    for entry in entries {
        by_path.entry(&entry.path).or_default().push(entry);
    }
    by_path.values_mut().for_each(|branch| branch.sort_by_key(|entry| entry.position));
    let mut branches = Branches { by_path, changes: Changes::default() };
    for entry in entries.iter().filter(|entry| entry.kind == "begin") {
        if branches.end_of(entry).is_none() {
            branches.void_transaction(entry);
        }
    }
    if let Some(culprit) = culprit.and_then(|number| entries.iter().find(|entry| entry.number == number)) {
        branches.redo(culprit);
    }
    // The items of a `parallel` that was broken off, or that ended the run.
    for entry in entries.iter().filter(|entry| entry.kind == "parallel") {
        let last = branches.last(&entry.path).is_some_and(|last| last.number == entry.number);
        if entry.is_open() || (last && entry.path.is_empty() && (ended || entry.has_failed())) {
            branches.redo_items(entry);
        }
    }
    // A child that was broken off goes on, and so does a step that failed.
    for entry in entries {
        match entry.kind.as_str() {
            "step" if entry.has_failed() => {
                branches.changes.reopened.insert(entry.number);
            }
            "run_playbook" if entry.is_open() => branches.changes.children.extend(entry.note.clone()),
            _ => {}
        }
    }
    branches.changes.reopened.retain(|number| !branches.changes.void.contains_key(number));
    branches.changes
}

impl<'a> Branches<'a> {
    fn last(&self, path: &str) -> Option<&'a EntryRow> {
        self.by_path.get(path)?.iter().rev().find(|entry| !self.changes.void.contains_key(&entry.number)).copied()
    }

    /// The commit or rollback of a transaction.
    fn end_of(&self, begin: &EntryRow) -> Option<&'a EntryRow> {
        let branch = self.by_path.get(begin.path.as_str())?;
        let mut later = branch.iter().filter(|entry| entry.position > begin.position && entry.inside.is_none());
        later.next().filter(|entry| matches!(entry.kind.as_str(), "commit" | "rollback")).copied()
    }

    fn void(&mut self, entry: &EntryRow, how: Void) {
        let present = self.changes.void.get(&entry.number).copied();
        self.changes.void.insert(entry.number, present.map_or(how, |present| present.or(how)));
    }

    /// A transaction that was not committed: nothing of it ever was.
    fn void_transaction(&mut self, begin: &EntryRow) {
        let place = format!("{}#{}", begin.path, begin.position);
        let inside: Vec<&EntryRow> = self
            .by_path
            .values()
            .flatten()
            .filter(|entry| entry.inside.as_deref() == Some(place.as_str()))
            .copied()
            .collect();
        let end = self.end_of(begin);
        self.void(begin, Void::Undone);
        for entry in inside.into_iter().chain(end) {
            self.void(entry, Void::Undone);
        }
    }

    /// The beginning of the transaction that an entry stands in.
    fn transaction_of(&self, entry: &EntryRow) -> Option<&'a EntryRow> {
        let (path, position) = entry.inside.as_deref()?.rsplit_once('#')?;
        let position: u64 = position.parse().ok()?;
        self.by_path.get(path)?.iter().find(|begin| begin.position == position).copied()
    }

    /// Does one entry again, and forgets what followed from it in its branch.
    fn redo(&mut self, entry: &EntryRow) {
        let first = match self.transaction_of(entry) {
            Some(begin) => {
                self.void_transaction(begin);
                begin.clone()
            }
            None if entry.kind == "run_playbook" => {
                // A child goes on where it was.
                self.changes.reopened.insert(entry.number);
                self.changes.children.extend(entry.note.clone());
                entry.clone()
            }
            None => {
                self.void(entry, Void::Undone);
                entry.clone()
            }
        };
        self.forget_after(&first.path, first.position);
        self.reopen_around(&first.path);
    }

    /// What stands in a branch after a place followed from an answer that is about to change.
    fn forget_after(&mut self, path: &str, position: u64) {
        let later: Vec<&EntryRow> =
            self.by_path.get(path).into_iter().flatten().filter(|entry| entry.position > position).copied().collect();
        for entry in later {
            self.void(entry, Void::Passed);
            if entry.kind == "parallel" {
                let below = below(&entry.path, entry.position);
                let inner: Vec<&EntryRow> = self
                    .by_path
                    .iter()
                    .filter(|(path, _)| path.starts_with(&below))
                    .flat_map(|(_, entries)| entries.iter().copied())
                    .collect();
                inner.into_iter().for_each(|entry| self.void(entry, Void::Passed));
            }
        }
    }

    /// The `parallel`s that a branch stands in run again: their items are answered from the journal.
    fn reopen_around(&mut self, path: &str) {
        let mut rest = path;
        while !rest.is_empty() {
            let (above, last) = rest.rsplit_once('/').unwrap_or(("", rest));
            let position = last.split_once('.').and_then(|(position, _)| position.parse::<u64>().ok());
            let found = self
                .by_path
                .get(above)
                .and_then(|branch| branch.iter().find(|entry| Some(entry.position) == position).copied());
            if let Some(entry) = found {
                self.changes.reopened.insert(entry.number);
                self.forget_after(above, entry.position);
                self.failed_items(entry);
            }
            rest = above;
        }
    }

    fn redo_items(&mut self, parallel: &EntryRow) {
        self.changes.reopened.insert(parallel.number);
        self.failed_items(parallel);
    }

    /// Does the last entry of every failed item of a `parallel` again.
    fn failed_items(&mut self, parallel: &EntryRow) {
        let below = below(&parallel.path, parallel.position);
        let items: Vec<String> = self
            .by_path
            .keys()
            .filter(|path| path.strip_prefix(&below).is_some_and(|item| !item.contains('/')))
            .map(|path| (*path).to_owned())
            .collect();
        for item in items {
            let Some(last) = self.last(&item) else { continue };
            match last.kind.as_str() {
                "parallel" if last.is_open() || last.has_failed() => self.redo_items(last),
                "rollback" => {
                    let before = self.by_path.get(item.as_str()).into_iter().flatten().rev();
                    let begin =
                        before.filter(|entry| entry.position < last.position).find(|entry| entry.kind == "begin");
                    if let Some(begin) = begin.copied() {
                        self.void_transaction(begin);
                    }
                }
                "run_playbook" if last.has_failed() => {
                    self.changes.reopened.insert(last.number);
                    self.changes.children.extend(last.note.clone());
                }
                "step" if last.has_failed() => {}
                _ if last.has_failed() => self.void(last, Void::Undone),
                _ => {}
            }
        }
    }
}

/// How the paths of a `parallel`'s items begin.
fn below(path: &str, position: u64) -> String {
    if path.is_empty() { format!("{position}.") } else { format!("{path}/{position}.") }
}

/// A run that is ready to go on.
#[derive(Debug)]
pub struct Ready {
    /// The number of its last entry.
    pub last: u64,
    /// How many of its entries were shown to the script before those that are done again.
    pub known: u64,
    /// For how long it has run, in microseconds.
    pub ran: i64,
}

/// What one change has spent.
#[derive(Debug)]
pub struct SpentRow {
    /// The target.
    pub target: String,
    /// What it did to the world.
    pub effect: Effect,
    /// How many items it touched.
    pub items: u64,
}

impl Log {
    /// Makes a run ready to go on, together with the children that it resumes.
    ///
    /// # Errors
    /// What the database refuses; nothing is changed then.
    pub fn make_ready(&self, run: &RunRow, culprit: Option<u64>, now: Timestamp) -> Result<Ready, String> {
        let entries = self.entries(&run.id, false)?;
        let ended = matches!(run.outcome.as_deref(), Some("failed" | "refused"));
        let changes = decide(&entries, culprit, ended);
        for child in &changes.children {
            // A child without a row was announced and never began.
            let Ok(child) = self.find_run(child) else { continue };
            let culprit = self.culprit(&child.id)?;
            self.make_ready(&child, culprit, now)?;
        }
        let ran = run.ran + self.ran_since(run, &entries);
        let (state, _) = self.open()?;
        let written = state.transaction(|transaction| {
            let mut void = transaction.prepare("UPDATE entry SET void = ?3 WHERE run = ?1 AND number = ?2")?;
            for (number, how) in &changes.void {
                void.execute(params![run.id, *number as i64, *how as i64])?;
            }
            let mut reopen = transaction
                .prepare("UPDATE entry SET state = ?3, outcome = NULL, ended = NULL WHERE run = ?1 AND number = ?2")?;
            for number in &changes.reopened {
                reopen.execute(params![run.id, *number as i64, OPEN])?;
            }
            transaction.execute(
                "UPDATE run SET outcome = NULL, ended = NULL, ending = NULL, resumed = resumed + 1, ran = ?2, began = ?3
                 WHERE id = ?1",
                params![run.id, ran, now.as_microsecond()],
            )
        });
        written.map_err(|error| error.to_string())?;
        self.set_chain(&run.id.as_str().into(), Chain { links: run.links, head: run.head });
        let standing = self.standing(&run.id)?;
        standing.ok_or_else(|| format!("run {} is gone", run.id))
    }

    /// Where a run stands that goes on; nothing if there is none.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn standing(&self, id: &str) -> Result<Option<Ready>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            // What was shown after the last entry that ended was shown if another one had begun.
            let look = "SELECT ran, (SELECT coalesce(max(number), 0) FROM entry WHERE run = ?1),
                               (SELECT count(*) FROM entry WHERE run = ?1 AND void = 0 AND state <> ?2)
                               + EXISTS (SELECT 1 FROM entry WHERE run = ?1 AND (void = 1 OR
                                   state = ?2 AND kind NOT IN ('step', 'parallel')))
                        FROM run WHERE id = ?1";
            let ready = |row: &rusqlite::Row<'_>| {
                Ok(Ready { ran: row.get(0)?, last: row.get::<_, i64>(1)? as u64, known: row.get::<_, i64>(2)? as u64 })
            };
            connection.query_row(look, params![id, OPEN], ready).optional()
        });
        found.map_err(|error| error.to_string())
    }

    /// What a run and its children have spent of their budgets: every change that was sent. What is still
    /// open is counted when it is settled.
    ///
    /// # Errors
    /// What the database refuses.
    pub fn spent(&self, id: &str) -> Result<Vec<SpentRow>, String> {
        let (state, _) = self.open()?;
        let found = state.with(|connection| {
            let look = "WITH RECURSIVE tree (id) AS (
                            SELECT ?1 UNION SELECT run.id FROM run JOIN tree ON run.parent = tree.id)
                        SELECT target, effect, items FROM entry JOIN tree ON entry.run = tree.id
                        WHERE effect <> 'read' AND target IS NOT NULL AND kind IN ('call', 'raw')
                          AND (state <> ?2 OR void <> 0)";
            let row = |row: &rusqlite::Row<'_>| {
                let effect: String = row.get(1)?;
                let effect = Effect::from_name(&effect).unwrap_or(Effect::Change);
                Ok(SpentRow { target: row.get(0)?, effect, items: row.get::<_, i64>(2)? as u64 })
            };
            connection.prepare(look)?.query_map(params![id, OPEN], row)?.collect()
        });
        found.map_err(|error| error.to_string())
    }

    /// For how long the last execution has run: a process that was killed left only its entries.
    fn ran_since(&self, run: &RunRow, entries: &[EntryRow]) -> i64 {
        if run.ended.is_some() && run.outcome.as_deref() != Some("interrupted") {
            return 0;
        }
        let last = entries.iter().map(|entry| entry.ended.unwrap_or(entry.begun)).max();
        last.map_or(0, |last| (last.as_microsecond() - run.began.as_microsecond()).max(0))
    }

    /// The entry whose error ended a run.
    ///
    /// # Errors
    /// What is damaged.
    pub fn culprit(&self, run: &str) -> Result<Option<u64>, String> {
        let ending = self.ending(run)?;
        Ok(ending.and_then(|ending| ending.pointer("/error/fault/entry")?.as_u64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::write::{DONE, FAILED};

    fn entry(number: u64, path: &str, position: u64, kind: &str, state: i64) -> EntryRow {
        EntryRow { number, path: path.into(), position, kind: kind.into(), state, ..EntryRow::default() }
    }

    fn inside(entry: EntryRow, place: &str) -> EntryRow {
        EntryRow { inside: Some(place.into()), ..entry }
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
            entry(1, "", 0, "parallel", FAILED),
            entry(2, "0.0", 0, "call", DONE),
            entry(3, "0.1", 0, "call", FAILED),
            entry(4, "0.2", 0, "call", FAILED),
            entry(5, "0.2", 1, "call", DONE),
            entry(6, "0.3", 0, "call", DONE),
            entry(7, "0.3", 1, "call", FAILED),
        ];
        let changes = decide(&entries, Some(3), true);
        assert_eq!(voided(&changes), [3, 7], "the second item has caught its error");
        assert_eq!(changes.reopened, BTreeSet::from([1]));
    }

    #[test]
    fn a_nested_parallel_is_opened_on_every_level() {
        let entries = [
            entry(1, "", 4, "parallel", FAILED),
            entry(2, "4.1", 0, "parallel", FAILED),
            entry(3, "4.1/0.6", 0, "call", FAILED),
        ];
        let changes = decide(&entries, Some(3), true);
        assert_eq!(voided(&changes), [3]);
        assert_eq!(changes.reopened, BTreeSet::from([1, 2]));
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
}
