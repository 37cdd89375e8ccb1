//! How a channel holds messages back, and tells of them in one as soon as it may carry a message again.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::channels::Line;
use super::held::{Held, Taken};
use crate::fault::{Fault, FaultKind};

/// How long a sum that did not arrive waits for its next attempt, at least.
const LATER: Duration = Duration::from_secs(60);

/// How much later than a process wanted to tell of something others take it that it will not.
const GRACE: Duration = Duration::from_secs(5);

/// How long a sender waits until it is written down that its message is held back. A database that is slow holds up
/// no run; it is written down all the same.
const PATIENCE: Duration = Duration::from_millis(250);

impl Line {
    /// Holds a message back.
    pub(super) async fn hold(self: &Arc<Self>, subject: &str) {
        // As far as secrets are known by now: what is written down is masked again before it leaves.
        let (line, subject) = (Arc::clone(self), self.secrets.masker().mask(subject).into_owned());
        let holding = tokio::spawn(async move {
            let now = line.clock.now();
            let opens = line.storm().opens(Instant::now()).saturating_duration_since(Instant::now());
            let (channel, text) = (line.name.clone(), subject.clone());
            let written = line.with_held(move |held| held.add(&channel, &text, now, later(now, opens + GRACE))).await;
            if written.is_err() {
                // A process that is killed loses it; its runs' journal has it.
                line.storm().keep(&subject, now);
            }
            line.sum_up_later();
        });
        let _in_time = tokio::time::timeout(PATIENCE, holding).await;
    }

    /// Sees to it that somebody sums up.
    fn sum_up_later(self: &Arc<Self>) {
        if !std::mem::replace(&mut self.storm().summing, true) {
            tokio::spawn(Arc::clone(self).sum_up());
        }
    }

    /// Sees to it that what others have left behind is told once its time has come.
    pub(super) async fn take_up(self: Arc<Self>) {
        if self.waits().await.is_some() {
            self.sum_up_later();
        }
    }

    /// Sums up what is held back, as soon as a message may be carried again, until nothing is.
    async fn sum_up(self: Arc<Self>) {
        loop {
            let opens = self.storm().opens(Instant::now());
            tokio::time::sleep_until(opens).await;
            let rest = if self.tell().await { Duration::ZERO } else { LATER };
            tokio::time::sleep(rest).await;
            if let Some(wait) = self.waits().await {
                tokio::time::sleep(wait).await;
                continue;
            }
            self.storm().summing = false;
            // What came since the question was left to this loop; what comes from now on begins another.
            if self.waits().await.is_none() || std::mem::replace(&mut self.storm().summing, true) {
                return;
            }
        }
    }

    /// How long it takes until there is something to tell of; none if nothing is held back.
    async fn waits(self: &Arc<Self>) -> Option<Duration> {
        if self.storm().keeps() {
            return Some(Duration::ZERO);
        }
        let (channel, now) = (self.name.clone(), self.clock.now());
        let Ok(due) = self.with_held(move |held| held.waits(&channel, now)).await else { return Some(LATER) };
        let due = due?;
        let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
        // Nobody holds anything back for longer than a period; a clock that was set back makes it look longer.
        Some(wait.min(self.storm().limit.per + self.arrival()))
    }

    /// Tells in one message what is held back, if anything is; whether that has arrived. What has not is part of the
    /// next.
    pub(super) async fn tell(self: &Arc<Self>) -> bool {
        // Mostly nothing is, and asking costs less than a commit.
        if self.waits().await != Some(Duration::ZERO) {
            self.storm().rest();
            return true;
        }
        let (channel, now) = (self.name.clone(), self.clock.now());
        let until = later(now, self.arrival());
        let taken = self.with_held(move |held| held.take(&channel, now, until)).await.ok();
        let kept = self.storm().take();
        let mut tally = taken.as_ref().map(|taken| taken.tally.clone()).unwrap_or_default();
        tally.merge(&kept);
        if tally.is_empty() {
            // What cannot be taken now, as on a full disk, is taken later.
            return taken.is_some();
        }
        let limit = {
            let mut storm = self.storm();
            storm.sums(Instant::now());
            storm.limit
        };
        let carried = self.carry(&tally.message(limit)).await;
        crate::failpoint::reach("summed-up");
        let (channel, again) = (self.name.clone(), later(self.clock.now(), LATER + GRACE));
        match carried {
            Ok(()) => {
                self.written(taken, move |held, taken| held.told(&taken)).await;
                true
            }
            Err(undelivered) => {
                self.storm().keep_all(&kept);
                let was_lost = undelivered.was_lost;
                self.written(taken, move |held, taken| held.put_back(&channel, &taken, was_lost, again)).await;
                tracing::warn!(
                    channel = self.name,
                    "what was held back did not arrive: {}",
                    self.secrets.masker().mask(&undelivered.why)
                );
                false
            }
        }
    }

    /// Writes down what became of a sum. If that fails it may be told twice, and says so then.
    async fn written(
        &self,
        taken: Option<Taken>,
        work: impl FnOnce(&Held, Taken) -> Result<(), Fault> + Send + 'static,
    ) {
        let Some(taken) = taken else { return };
        if let Err(fault) = self.with_held(move |held| work(held, taken)).await {
            tracing::warn!(channel = self.name, "what was held back may be told twice: {}", fault.message);
        }
    }

    /// After how long a sum that has left has arrived, or never will.
    fn arrival(&self) -> Duration {
        self.timeout * 2 + LATER
    }

    /// Uses the database, which may block.
    async fn with_held<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Held) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let held = self.held.clone();
        let done = tokio::task::spawn_blocking(move || work(&held)).await;
        done.unwrap_or_else(|error| Err(Fault::new(FaultKind::File, error.to_string())))
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
