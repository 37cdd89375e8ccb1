//! The rate limit: requests start evenly spaced.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// Spaces the starts of requests.
#[derive(Debug)]
pub struct Pace {
    gap: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// A pace of a rate; without one, nobody waits.
    pub fn new(rate: Option<Rate>) -> Self {
        let gap = rate.map_or(Duration::ZERO, |rate| rate.per / rate.count.max(1));
        Self { gap, next: Mutex::default() }
    }

    /// When the caller may start; its place in the line is taken.
    pub fn turn(&self) -> Option<Instant> {
        if self.gap.is_zero() {
            return None;
        }
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.gap);
        Some(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn starts_are_evenly_spaced() {
        let pace = Pace::new(Some(Rate { count: 20, per: Duration::from_secs(1) }));
        let first = pace.turn().unwrap();
        let third = [pace.turn(), pace.turn()][1].unwrap();
        assert_eq!(third - first, Duration::from_millis(100));
    }
}
