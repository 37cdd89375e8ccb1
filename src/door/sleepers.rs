//! The waits of a run for an instant, and how they are put off when there is nothing else to do.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

/// The waits under way.
#[derive(Debug, Default)]
pub struct Sleepers {
    until: Mutex<(u64, BTreeMap<u64, Timestamp>)>,
    put_off: CancellationToken,
}

/// A wait under way, until it is dropped.
#[must_use = "a wait that is dropped has ended"]
pub(super) struct Sleeper<'a>(&'a Sleepers, u64);

impl Sleepers {
    fn until(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Timestamp>)> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a wait until an instant.
    pub(super) fn begin(&self, until: Timestamp) -> Sleeper<'_> {
        let mut waits = self.until();
        waits.0 += 1;
        let number = waits.0;
        waits.1.insert(number, until);
        Sleeper(self, number)
    }

    /// How many waits there are, and when the first of them ends.
    pub(super) fn under_way(&self) -> (usize, Option<Timestamp>) {
        let waits = self.until();
        (waits.1.len(), waits.1.values().min().copied())
    }

    /// Ends all waits, those to come as well.
    pub(super) fn put_off(&self) {
        self.put_off.cancel();
    }

    /// Ends when the waits are put off.
    pub(super) fn when_put_off(&self) -> impl Future<Output = ()> + '_ {
        self.put_off.cancelled()
    }
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.0.until().1.remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_end_is_known_while_it_lasts() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let sleepers = Sleepers::default();
        let early = sleepers.begin(at(10));
        let _late = sleepers.begin(at(20));
        assert_eq!(sleepers.under_way(), (2, Some(at(10))));
        drop(early);
        assert_eq!(sleepers.under_way(), (1, Some(at(20))));
    }
}
