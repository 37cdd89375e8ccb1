//! The branches of a run: the same in every execution of the same script, whatever the threads do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::door::path_text;

/// A branch of a run: the main line, or one item of a `parallel`.
///
/// The path of (parallel, item) pairs and the counter within make an entry's key, which is the
/// same in every execution of the same script, whatever the threads do.
///
/// All clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    path: Vec<(u64, u64)>,
    ordinals: Vec<(u64, u64)>,
    counters: Arc<Counters>,
    transaction: Option<Transaction>,
}

/// The transaction that a branch stands in.
#[derive(Clone, Debug)]
struct Transaction {
    target: Arc<str>,
    /// The place of its beginning, which tells it from others of the same target.
    place: Arc<str>,
}

/// Where a branch stands, in a form that processes can tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// As [`Branch::path`].
    pub path: Vec<(u64, u64)>,
    /// As [`Branch::ordinals`].
    pub ordinals: Vec<(u64, u64)>,
    /// The number of its next entry.
    pub entry: u64,
    /// The target whose transaction it stands in, and the place of its opening.
    pub inside: Option<(String, String)>,
}

#[derive(Debug, Default)]
struct Counters {
    entries: AtomicU64,
    parallels: AtomicU64,
}

impl Branch {
    /// The main line of a run.
    pub fn main() -> Self {
        Self::default()
    }

    /// The same branch inside a transaction of a target, which the latest entry has opened.
    #[must_use]
    pub fn within(&self, target: Arc<str>) -> Self {
        let latest = self.counters.entries.load(Ordering::Relaxed).saturating_sub(1);
        let place = format!("{}#{latest}", path_text(&self.path)).into();
        let transaction = Some(Transaction { target, place });
        Self { counters: Arc::clone(&self.counters), transaction, ..self.clone() }
    }

    /// The same branch as another process knows it.
    pub fn at(standing: Standing) -> Self {
        let Standing { path, ordinals, entry, inside } = standing;
        let counters = Counters { entries: AtomicU64::new(entry), parallels: AtomicU64::new(0) };
        let transaction = inside.map(|(target, place)| Transaction { target: target.into(), place: place.into() });
        Self { path, ordinals, counters: Arc::new(counters), transaction }
    }

    /// Where it stands, for another process.
    pub fn standing(&self) -> Standing {
        let inside = self.transaction.as_ref().map(|inside| (inside.target.to_string(), inside.place.to_string()));
        Standing { path: self.path.clone(), ordinals: self.ordinals.clone(), entry: self.entries(), inside }
    }

    /// The target whose transaction it stands in.
    pub fn transaction(&self) -> Option<&str> {
        self.transaction.as_ref().map(|transaction| &*transaction.target)
    }

    /// The place at which the transaction that it stands in was opened.
    pub fn inside(&self) -> Option<&str> {
        self.transaction.as_ref().map(|transaction| &*transaction.place)
    }

    /// The number of the next `parallel` in this branch.
    pub fn next_parallel(&self) -> u64 {
        self.counters.parallels.fetch_add(1, Ordering::Relaxed)
    }

    /// The branch of one item of a `parallel`, which stands at a place of this branch and is its nth one.
    #[must_use]
    pub fn item(&self, place: u64, nth: u64, item: u64) -> Self {
        let (mut path, mut ordinals) = (self.path.clone(), self.ordinals.clone());
        path.push((place, item));
        ordinals.push((nth, item));
        Self { path, ordinals, transaction: self.transaction.clone(), counters: Arc::default() }
    }

    /// The same as [`Branch::path`], but with the number of each `parallel` among those of its branch: it
    /// does not depend on how often the script has waited before.
    pub fn ordinals(&self) -> &[(u64, u64)] {
        &self.ordinals
    }

    /// The (parallel, item) pairs that lead here; empty on the main line.
    pub fn path(&self) -> &[(u64, u64)] {
        &self.path
    }

    /// How many entries it has so far.
    pub fn entries(&self) -> u64 {
        self.counters.entries.load(Ordering::Relaxed)
    }

    /// Goes on behind the entries that somebody else has made in this branch.
    pub fn advance_to(&self, entry: u64) {
        self.counters.entries.fetch_max(entry, Ordering::Relaxed);
    }

    /// The number of the next entry in this branch.
    pub fn next_entry(&self) -> u64 {
        self.counters.entries.fetch_add(1, Ordering::Relaxed)
    }
}
