//! Storm control: how many messages a channel carries in a period, and what its process holds back.

use std::collections::VecDeque;

use jiff::Timestamp;
use tokio::time::Instant;

use super::tally::{Count, Tally};
use crate::config::Rate;

/// What a channel has carried lately, and what it holds back.
pub(super) struct Storm {
    pub(super) limit: Rate,
    carried: VecDeque<Instant>,
    /// How many were held back since the last sum.
    held: u64,
    /// Those of them that could not be written down.
    unwritten: Tally,
    /// Whether somebody waits to sum them up.
    pub(super) summing: bool,
    /// Whether anything was sent.
    pub(super) used: bool,
}

impl Storm {
    pub(super) fn new(limit: Rate) -> Self {
        Self { limit, carried: VecDeque::new(), held: 0, unwritten: Tally::default(), summing: false, used: false }
    }

    /// Whether a message may go now; else it is held back. While something is held back, whatever
    /// comes is held back as well, so that the sum tells of it in its order.
    pub(super) fn may_go(&mut self, now: Instant) -> bool {
        self.used = true;
        if self.held == 0 && self.opens(now) <= now {
            self.carried.push_back(now);
            return true;
        }
        self.held += 1;
        false
    }

    /// When the next message may go.
    pub(super) fn opens(&mut self, now: Instant) -> Instant {
        while self.carried.front().is_some_and(|first| now.duration_since(*first) >= self.limit.per) {
            self.carried.pop_front();
        }
        match self.carried.front() {
            Some(first) if self.carried.len() >= self.limit.count as usize => *first + self.limit.per,
            _ => now,
        }
    }

    /// Keeps what could not be written down.
    pub(super) fn keep(&mut self, subject: &str, since: Timestamp) {
        self.unwritten.add(subject, Count { count: 1, maybe: 0 }, since);
    }

    /// Keeps again what could not be told.
    pub(super) fn keep_all(&mut self, tally: &Tally) {
        self.unwritten.merge(tally);
    }

    /// Whether something is kept that is written nowhere.
    pub(super) fn keeps(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Nothing is held back any more.
    pub(super) fn rest(&mut self) {
        self.held = 0;
    }

    /// What is kept, for a sum; from now on, what comes belongs to the next.
    pub(super) fn take(&mut self) -> Tally {
        self.rest();
        std::mem::take(&mut self.unwritten)
    }

    /// A sum goes, which counts as a message.
    pub(super) fn sums(&mut self, now: Instant) {
        self.carried.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_go_and_the_rest_is_held_back_until_it_is_summed_up() {
        let mut storm = Storm::new(Rate { count: 2, per: Duration::from_secs(60) });
        let begun = Instant::now();
        let went: Vec<bool> = (0..5).map(|_| storm.may_go(begun)).collect();
        assert_eq!(went, [true, true, false, false, false]);
        assert_eq!(storm.opens(begun), begun + Duration::from_secs(60));
        let later = begun + Duration::from_secs(61);
        assert!(!storm.may_go(later), "what is held back is told first");
        storm.take();
        storm.sums(later);
        // The sum counts, so that one more goes.
        assert!(storm.may_go(later));
        assert!(!storm.may_go(later));
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_written_down_is_kept_until_it_is_told() {
        let mut storm = Storm::new(Rate { count: 1, per: Duration::from_secs(60) });
        storm.keep("a", Timestamp::UNIX_EPOCH);
        let taken = storm.take();
        assert_eq!(taken.subjects["a"].count, 1);
        assert!(!storm.keeps());
        storm.keep_all(&taken);
        assert_eq!(storm.take(), taken);
    }
}
