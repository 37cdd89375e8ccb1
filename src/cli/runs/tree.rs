//! A run's entries as a tree: what stands in a step, a transaction, an item of a `parallel` or a child run.
//!
//! The journal is flat. Items and children are told by their paths and ids, a transaction by the place that
//! its entries name, and a step by its times: within one branch nothing overlaps.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::slice::Iter;

use crate::run::history::{EntryHistory, RunHistory};

/// A node of the tree.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    /// The run that it belongs to.
    pub run: &'a RunHistory,
    /// What it is.
    pub what: What<'a>,
    /// What stands in it.
    pub inner: Vec<Node<'a>>,
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// An entry.
    Entry(&'a EntryHistory),
    /// An item of a `parallel`, from 0.
    Item(u64),
}

impl<'a> Node<'a> {
    /// The entry, if it is one.
    pub const fn entry(&self) -> Option<&'a EntryHistory> {
        match self.what {
            What::Entry(entry) => Some(entry),
            What::Item(_) => None,
        }
    }
}

/// The tree with nothing in it but changes, and what they stand in.
pub fn only_changes(nodes: Vec<Node<'_>>) -> Vec<Node<'_>> {
    let within = nodes.into_iter().map(|node| Node { inner: only_changes(node.inner), ..node });
    within.filter(|node| !node.inner.is_empty() || node.entry().is_some_and(EntryHistory::is_change)).collect()
}

/// The tree of a run; entries that a resume has done again only if asked for.
pub fn tree(run: &RunHistory, with_undone: bool) -> Vec<Node<'_>> {
    let mut branches: BTreeMap<&str, Vec<&EntryHistory>> = BTreeMap::new();
    for entry in run.entries.iter().filter(|entry| with_undone || !entry.is_undone()) {
        branches.entry(&entry.path).or_default().push(entry);
    }
    branches.values_mut().for_each(|branch| branch.sort_by_key(|entry| (entry.position, entry.number)));
    Grower { run, branches, with_undone }.branch("")
}

struct Grower<'a> {
    run: &'a RunHistory,
    branches: BTreeMap<&'a str, Vec<&'a EntryHistory>>,
    with_undone: bool,
}

impl<'a> Grower<'a> {
    fn branch(&self, path: &str) -> Vec<Node<'a>> {
        match self.branches.get(path) {
            Some(branch) => self.within(None, &mut branch.iter().peekable()),
            None => Vec::new(),
        }
    }

    /// The entries that stand in `holder`; all that are left without one.
    fn within(&self, holder: Option<&EntryHistory>, left: &mut Peekable<Iter<'_, &'a EntryHistory>>) -> Vec<Node<'a>> {
        let mut nodes = Vec::new();
        while let Some(entry) = left.next_if(|entry| holder.is_none_or(|holder| holds(holder, entry))) {
            let inner = match entry.kind.as_str() {
                "step" | "begin" => self.within(Some(entry), left),
                "parallel" => self.items(entry),
                "run_playbook" => self.child(entry),
                _ => Vec::new(),
            };
            nodes.push(Node { run: self.run, what: What::Entry(entry), inner });
        }
        nodes
    }

    fn items(&self, parallel: &EntryHistory) -> Vec<Node<'a>> {
        let above = if parallel.path.is_empty() { String::new() } else { format!("{}/", parallel.path) };
        let below = format!("{above}{}.", parallel.position);
        let mut items: Vec<(u64, &str)> =
            self.branches.keys().filter_map(|path| Some((path.strip_prefix(&below)?.parse().ok()?, *path))).collect();
        items.sort_unstable();
        items
            .into_iter()
            .map(|(item, path)| Node { run: self.run, what: What::Item(item), inner: self.branch(path) })
            .collect()
    }

    fn child(&self, entry: &EntryHistory) -> Vec<Node<'a>> {
        let child = self.run.children.iter().find(|child| Some(&child.id) == entry.note.as_ref());
        child.map(|child| tree(child, self.with_undone)).unwrap_or_default()
    }
}

/// Whether an entry of the same branch stands in a step or a transaction that comes before it.
fn holds(holder: &EntryHistory, entry: &EntryHistory) -> bool {
    // What was done again stands beside what replaced it.
    if holder.is_undone() && !entry.is_undone() {
        return false;
    }
    match holder.kind.as_str() {
        "begin" => {
            let inside = format!("{}#{}", holder.path, holder.position);
            let ends = matches!(entry.kind.as_str(), "commit" | "rollback") && entry.target == holder.target;
            entry.inside.as_deref() == Some(inside.as_str()) || (entry.inside.is_none() && ends)
        }
        _ => holder.ended.is_none_or(|ended| entry.begun < ended),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn entry(path: &str, position: u64, kind: &str, begun: i64, ended: i64) -> EntryHistory {
        EntryHistory {
            number: position,
            path: path.into(),
            position,
            inside: None,
            void: None,
            kind: kind.into(),
            target: Some("t".into()),
            operation: format!("{kind}{position}"),
            effect: "read".into(),
            items: 0,
            state: "done".into(),
            note: None,
            begun: at(begun),
            ended: Some(at(ended)),
            detail: None,
        }
    }

    fn run(entries: Vec<EntryHistory>) -> RunHistory {
        let json = serde_json::json!({
            "id": "r", "parent": null, "playbook": "p", "mode": "live", "cause": "command", "user": null, "host": null,
            "terminal": null, "version": null, "started": "2026-11-25T18:00:00Z", "ended": null, "ran": 0, "resumed": 0,
            "outcome": null, "script": "", "texts": [], "params": null, "event": null, "value": null, "error": null,
            "reads": 0, "changes": 0, "pruned": null, "entries": [], "children": [],
        });
        RunHistory { entries, ..serde_json::from_value(json).unwrap() }
    }

    fn drawn(nodes: &[Node<'_>]) -> String {
        let one = |node: &Node<'_>| {
            let name = match node.what {
                What::Entry(entry) => entry.operation.clone(),
                What::Item(item) => format!("item{item}"),
            };
            if node.inner.is_empty() { name } else { format!("{name}({})", drawn(&node.inner)) }
        };
        nodes.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn steps_hold_what_began_before_they_ended() {
        let run = run(vec![
            entry("", 0, "step", 0, 10),
            entry("", 1, "step", 1, 5),
            entry("", 2, "call", 2, 3),
            entry("", 3, "call", 6, 7),
            entry("", 4, "call", 11, 12),
        ]);
        assert_eq!(drawn(&tree(&run, false)), "step0(step1(call2) call3) call4");
    }

    #[test]
    fn a_transaction_holds_its_entries_and_its_end() {
        let mut staged = entry("", 1, "call", 1, 2);
        staged.inside = Some("#0".into());
        let run = run(vec![
            entry("", 0, "begin", 0, 1),
            staged,
            entry("", 2, "commit", 3, 4),
            entry("", 3, "begin", 5, 6),
            entry("", 4, "rollback", 6, 7),
            entry("", 5, "call", 8, 9),
        ]);
        assert_eq!(drawn(&tree(&run, false)), "begin0(call1 commit2) begin3(rollback4) call5");
    }

    #[test]
    fn items_stand_in_their_parallel_in_the_order_of_numbers() {
        let run = run(vec![
            entry("", 0, "parallel", 0, 9),
            entry("0.10", 0, "call", 1, 2),
            entry("0.2", 0, "parallel", 1, 2),
            entry("0.2/0.0", 0, "call", 1, 2),
            entry("", 1, "call", 10, 11),
        ]);
        assert_eq!(drawn(&tree(&run, false)), "parallel0(item2(parallel0(item0(call0))) item10(call0)) call1");
    }

    #[test]
    fn what_was_done_again_is_shown_only_if_asked_for() {
        let mut again = entry("", 0, "call", 5, 6);
        again.number = 9;
        let mut undone = entry("", 0, "call", 1, 2);
        undone.void = Some("undone".into());
        let run = run(vec![undone, again]);
        assert_eq!(tree(&run, false).len(), 1);
        assert_eq!(tree(&run, true).len(), 2);
    }
}
