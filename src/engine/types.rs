//! The values of their own that scripts handle: targets, times, lengths of time, secrets, networks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};

use crate::network::list::NetworkList;

/// A configured appliance, by name. One type for every vendor: which calls it has is looked up by
/// its vendor when one is made.
#[derive(Clone, Debug)]
pub struct Target {
    /// The name.
    pub name: Arc<str>,
    /// The vendor's id.
    pub vendor: Arc<str>,
    /// The tags.
    pub tags: Arc<[String]>,
}

/// An instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

/// A length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Length(pub SignedDuration);

/// The store of the run's script.
#[derive(Clone, Copy, Debug)]
pub struct StoreHandle;

/// A counter for people to watch.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Its number within the run.
    pub id: u64,
    /// How much is done.
    pub done: Arc<AtomicU64>,
    /// How much there is.
    pub total: u64,
}

impl Progress {
    /// Adds to what is done, and gives the sum; never more than there is.
    pub fn advance(&self, by: u64) -> u64 {
        (self.done.fetch_add(by, Ordering::Relaxed) + by).min(self.total)
    }
}

/// A list of networks that stays outside script values: a block list has a hundred thousand.
#[derive(Clone, Debug, Default)]
pub struct Networks(pub Arc<NetworkList>);
