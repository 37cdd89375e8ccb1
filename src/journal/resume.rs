//! What of a run's entries is done again when it is resumed.
//!
//! A decision over the entries alone, without a look at the world.

use std::collections::{BTreeMap, BTreeSet};

use super::entries::EntryRow;

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
            // Of what was rolled back nothing took effect, whatever else is known of it.
            (Self::Passed, Self::Passed) => Self::Passed,
            _ => Self::Undone,
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
        let open = match branches.end_of(entry) {
            None => true,
            // The script's own error rolled it back, and ended the run.
            Some(end) => {
                ended && end.kind == "rollback" && branches.last("").is_some_and(|last| last.number == end.number)
            }
        };
        if open {
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
        let after = branch.partition_point(|entry| entry.position <= begin.position);
        let mut later = branch.get(after..)?.iter().filter(|entry| entry.inside.is_none());
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

    /// The beginning of the transaction that an entry stands in, or is the commit of.
    fn transaction_of(&self, entry: &EntryRow) -> Option<&'a EntryRow> {
        if matches!(entry.kind.as_str(), "commit" | "rollback") {
            let branch = self.by_path.get(entry.path.as_str())?;
            let before = branch.iter().rev().filter(|other| other.position < entry.position);
            return before.copied().find(|other| other.kind == "begin");
        }
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
        // An item that has caught its error did not fail, nor did one that was broken off.
        let below = below(&parallel.path, parallel.position);
        for item in failed_items_of(parallel) {
            let item = format!("{below}{item}");
            let Some(last) = self.last(&item) else { continue };
            match last.kind.as_str() {
                "parallel" if last.is_open() || last.has_failed() => self.redo_items(last),
                "rollback" => {
                    if let Some(begin) = self.transaction_of(last) {
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

/// The note of a `parallel` whose items have failed.
pub(super) fn failed_note(items: &[u64]) -> String {
    let items: Vec<String> = items.iter().map(u64::to_string).collect();
    format!("failed {}", items.join(" "))
}

fn failed_items_of(parallel: &EntryRow) -> Vec<u64> {
    let note = parallel.note.as_deref().and_then(|note| note.strip_prefix("failed "));
    note.into_iter().flat_map(|items| items.split(' ').filter_map(|item| item.parse().ok())).collect()
}

/// How the paths of a `parallel`'s items begin.
fn below(path: &str, position: u64) -> String {
    if path.is_empty() { format!("{position}.") } else { format!("{path}/{position}.") }
}

#[cfg(test)]
mod tests;
