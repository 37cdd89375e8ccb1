//! What follows the failed runs of a trigger: `retry` and `pause_after`.

use std::time::Duration;

use crate::config::file::RetryTable;
use crate::config::targets::length;

/// How long the first retry waits where nothing says so.
const BACKOFF: Duration = Duration::from_secs(60);

/// No retry waits longer than this, unless the first one does.
const LONGEST: Duration = Duration::from_secs(3600);

/// What follows failed runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many runs a firing may have, the first one included.
    pub attempts: u32,
    /// How long the second of them waits; each further one waits twice as long, at most an hour.
    pub backoff: Duration,
    /// After how many failed firings in a row the trigger is paused.
    pub pause_after: Option<u32>,
}

impl Default for Failures {
    fn default() -> Self {
        Self { attempts: 1, backoff: BACKOFF, pause_after: None }
    }
}

impl Failures {
    /// Reads both keys.
    ///
    /// # Errors
    /// The key, what is wrong, and the cure.
    pub(super) fn read(retry: Option<&RetryTable>, pause_after: Option<u32>) -> Result<Self, String> {
        let default = Self::default();
        let (attempts, backoff) = match retry {
            None => (default.attempts, default.backoff),
            Some(retry) => (
                retry.attempts.ok_or("retry: attempts is missing, such as retry = { attempts = 3 }")?,
                length(retry.backoff.as_deref(), "retry: backoff", default.backoff)?,
            ),
        };
        if attempts == 0 {
            return Err("retry: attempts counts the first run too, so it is at least 1".into());
        }
        if pause_after == Some(0) {
            return Err("pause_after must be at least 1; without the key a trigger is never paused by itself".into());
        }
        Ok(Self { attempts, backoff, pause_after })
    }

    /// How long the next run waits, once `ran` of them have failed; nothing if there is none.
    pub fn wait(&self, ran: u32) -> Option<Duration> {
        let doubled = self.backoff.saturating_mul(2_u32.saturating_pow(ran.saturating_sub(1)));
        (ran < self.attempts).then(|| doubled.min(LONGEST.max(self.backoff)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_retry_waits_twice_as_long_and_at_most_an_hour() {
        let waits = |backoff, attempts| -> Vec<u64> {
            let failures = Failures { attempts, backoff: Duration::from_secs(backoff), pause_after: None };
            (1..=attempts).map_while(|ran| failures.wait(ran)).map(|wait| wait.as_secs()).collect()
        };
        assert_eq!(waits(60, 1), [0; 0]);
        assert_eq!(waits(60, 9), [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(waits(7200, 3), [7200, 7200], "what is configured is never shortened");
    }
}
