//! The dry run: reads are live, everything else is withheld and listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::catalog::{Effect, Row};
use crate::door::Action;
use crate::door::mode::Verdict;
use crate::door::mode::assumed;
use crate::door::mode::overlay::Overlay;
use crate::door::mode::withheld::{Seen, Withheld};
use crate::door::position::{Counters, Position, Step};
use crate::door::{RawRequest, Reply};
use crate::value::Value;

/// The state of a dry run: what was withheld so far, and what follows from it.
#[derive(Debug, Default)]
pub struct DryRun {
    overlay: Overlay,
    plan: Mutex<Vec<Arc<Withheld>>>,
    changed: Mutex<BTreeSet<String>>,
    seen: Mutex<BTreeMap<String, Arc<Seen>>>,
    rows: Mutex<BTreeMap<(&'static str, &'static str), &'static Row>>,
    numbers: Counters,
    next: AtomicI64,
}

impl DryRun {
    /// Decides on an action of a branch, whose effect, and whose row if it has one, are known.
    pub(super) fn decide(&self, place: &[Step], action: &Action, effect: Effect, row: Option<&'static Row>) -> Verdict {
        if let Some(row) = row {
            self.uses(row);
        }
        if let Some(mut withheld) = Withheld::of(action, effect, row) {
            if withheld.changes() {
                let number = self.numbers.next(place) + 1;
                withheld.position = Some(Position { place: place.to_vec(), number });
            }
            let reply = match action {
                Action::Confirm(_) => Reply::Value(Value::Bool(true)),
                Action::Begin { .. } | Action::Notify { .. } => Reply::Value(Value::Null),
                _ => {
                    let (answer, ids) = assumed::example_of(row, &self.next);
                    withheld.gives = ids;
                    Reply::Http(answer)
                }
            };
            return Verdict::Withhold(Box::new(withheld), reply);
        }
        match action {
            // The opening was withheld, so that there is nothing to commit.
            Action::Commit { .. } => Verdict::Answer(Reply::Value(Value::Null)),
            Action::Sleep(_) => {
                self.instead_of_waiting().map_or(Verdict::Perform, |value| Verdict::Answer(Reply::Value(value)))
            }
            _ if asks_about_assumed(action) => Verdict::Answer(Reply::Http(assumed::example_of(row, &self.next).0)),
            _ => Verdict::Perform,
        }
    }

    /// Adds to the plan what was withheld.
    pub(super) fn list(&self, withheld: Arc<Withheld>) {
        if withheld.changes() {
            locked(&self.changed).insert(withheld.target.clone());
        }
        locked(&self.plan).push(withheld);
    }

    /// Notes that a change of this target was withheld, by a former execution of the run.
    pub fn mark_changed(&self, target: &str) {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner).insert(target.to_owned());
    }

    /// What was withheld, in order.
    pub fn plan(&self) -> Vec<Arc<Withheld>> {
        locked(&self.plan).clone()
    }

    /// Whether a change was withheld: from then on the script walks in an assumed world.
    pub fn anything_withheld(&self) -> bool {
        !locked(&self.changed).is_empty()
    }

    /// Whether a change of this target was withheld.
    pub fn is_changed(&self, target: &str) -> bool {
        locked(&self.changed).contains(target)
    }

    /// The assumed value that stands for the end of a wait, once a change was withheld.
    pub fn instead_of_waiting(&self) -> Option<Value> {
        self.anything_withheld().then(|| Value::Text(assumed::text(&self.next)))
    }

    /// What the dry run wrote to files and the store.
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// A row that the run uses.
    pub fn uses(&self, row: &'static Row) {
        locked(&self.rows).insert((row.vendor, row.name), row);
    }

    /// Every row that the run has used, in order of names.
    pub fn rows(&self) -> Vec<&'static Row> {
        locked(&self.rows).values().copied().collect()
    }

    /// What was seen of an object: it is looked at once, since nothing of ours changes it.
    pub fn seen(&self, id: &str) -> Option<Arc<Seen>> {
        locked(&self.seen).get(id).cloned()
    }

    /// Remembers what was seen of an object; what was seen first holds.
    pub fn remember(&self, seen: Seen) -> Arc<Seen> {
        Arc::clone(locked(&self.seen).entry(seen.object.id()).or_insert_with(|| Arc::new(seen)))
    }

    /// An assumed text for the contents of a file that was not downloaded.
    pub(super) fn contents(&self) -> String {
        assumed::text(&self.next)
    }
}

/// Whether a read is about something that exists only because a dry run assumes it.
fn asks_about_assumed(action: &Action) -> bool {
    match action {
        Action::Call { call, .. } => call.args.values().any(assumed::is_assumed),
        Action::Raw { request, .. } => {
            let RawRequest { path, query, body, headers, .. } = request;
            let maps = query.values().chain(headers.values()).chain(body);
            assumed::in_text(path) || maps.into_iter().any(assumed::is_assumed)
        }
        Action::Fetch { url, options, .. } => assumed::in_text(url) || options.values().any(assumed::is_assumed),
        _ => false,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
