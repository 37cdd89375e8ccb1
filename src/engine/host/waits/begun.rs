//! What long work found when this run began it, so that an old end is not taken for the new one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

/// Work by target and object.
type Works = BTreeMap<(Arc<str>, String), Arc<Work>>;

/// The work that this run has begun, by target and object.
#[derive(Debug, Default)]
pub struct Begun {
    works: Mutex<Works>,
    turn: Mutex<()>,
}

/// What was there before.
#[derive(Debug)]
pub(super) enum Work {
    /// What `backup_status` said.
    Backup(Json),
    /// The release of an appliance, and the state of its upgrade before this one.
    Upgrade {
        /// The release.
        from: String,
        /// The state.
        state: String,
    },
    /// The appliances that get a configuration, and how each stood before.
    Configuration {
        /// Their numbers.
        ids: BTreeSet<String>,
        /// How each appliance stood.
        before: BTreeMap<String, Applied>,
    },
}

/// How the configuration of an appliance stood.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Applied {
    /// Its state.
    pub status: String,
    /// When one was applied last.
    pub stamp: String,
}

impl Begun {
    /// The turn to begin what only one may do at a time: looking whether something is under way and
    /// beginning are one act.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers work.
    pub(super) fn add(&self, target: &Arc<str>, object: &str, work: Work) {
        self.works().insert((Arc::clone(target), object.to_owned()), Arc::new(work));
    }

    /// The work on an object.
    pub(super) fn of(&self, target: &Arc<str>, object: &str) -> Option<Arc<Work>> {
        self.works().get(&(Arc::clone(target), object.to_owned())).cloned()
    }

    /// Forgets work that has ended, or never began.
    pub(super) fn forget(&self, target: &Arc<str>, object: &str) {
        self.works().remove(&(Arc::clone(target), object.to_owned()));
    }

    fn works(&self) -> MutexGuard<'_, Works> {
        self.works.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The object of an upgrade.
pub(super) fn upgrade_of(name: &str) -> String {
    format!("upgrade {name}")
}

/// The object of a configuration.
pub(super) fn configuration_of(group: &str) -> String {
    format!("configuration {group}")
}

/// The object of a backup.
pub(super) const BACKUP: &str = "backup";
