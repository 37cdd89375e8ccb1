//! The journal as the door sees it.

use crate::catalog::Effect;
use crate::door::{Action, Branch, Reply};
use crate::fault::{Failure, Fault, Stop};

/// The position of an entry: the branch it stands in, and its number there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The (parallel, item) pairs that lead to the branch.
    pub path: Vec<(u64, u64)>,
    /// The number within the branch.
    pub entry: u64,
}

impl Key {
    /// The key of the next entry of `branch`.
    pub fn next(branch: &Branch) -> Self {
        Self { path: branch.path().to_vec(), entry: branch.next_entry() }
    }
}

/// What a recorder knows of an entry: how it ended when it was first carried out.
pub type Recorded = Result<Reply, Fault>;

/// Records what passes through the door, and answers what it knows already.
pub trait Recorder: Send + Sync {
    /// What is known of the entry, if it was carried out before.
    ///
    /// # Errors
    /// [`Stop::Diverged`] if another action stands recorded at this position.
    fn recall(&self, key: &Key, action: &Action) -> Result<Option<Recorded>, Stop>;

    /// Records that a change is about to leave; durable when it returns.
    ///
    /// # Errors
    /// A fault when it cannot be made durable: the change must not leave.
    fn intend(&self, key: &Key, action: &Action, effect: Effect) -> Result<(), Failure>;

    /// Records how an action ended, and gives the entry's number within the run, from 1.
    ///
    /// # Errors
    /// A fault when it cannot be recorded.
    fn record(&self, key: &Key, action: &Action, effect: Effect, outcome: &Recorded) -> Result<u64, Failure>;
}
