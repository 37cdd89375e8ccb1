//! What ends a wait: cancelling, cancelling again, and the run's deadline.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::Stop;

/// How long a change that has left is waited for after a cancel.
pub const GRACE: Duration = Duration::from_secs(5);

/// Ends the waits of one run.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    /// The first cancel: reads and waits end, changes under way get their grace.
    pub cancelled: CancellationToken,
    /// The second cancel: nothing is waited for any more.
    pub forced: CancellationToken,
    /// When the run's time is up.
    pub deadline: Option<Instant>,
}

impl Halt {
    /// Cancels; the second time for good.
    pub fn cancel(&self) {
        if self.cancelled.is_cancelled() {
            self.forced.cancel();
        }
        self.cancelled.cancel();
    }

    /// Whether the run has to end now.
    ///
    /// # Errors
    /// Why it has to.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancelled.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(timed_out()),
            _ => Ok(()),
        }
    }

    /// Waits for `work`, or for the end of the run.
    ///
    /// # Errors
    /// Why the run ended first.
    pub async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.cancelled.cancelled() => Err(Stop::Cancelled),
            () = until(self.deadline) => Err(timed_out()),
            value = work => Ok(value),
        }
    }

    /// Waits for the answer to a change that has left: after the end of the run for the grace,
    /// after a second cancel no longer.
    pub async fn or_grace<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let ended = async {
            tokio::select! {
                () = self.cancelled.cancelled() => {}
                () = until(self.deadline) => {}
            }
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            value = work => Some(value),
            () = self.forced.cancelled() => None,
            () = ended => None,
        }
    }
}

fn timed_out() -> Stop {
    Stop::TimedOut("the run's time is up".into())
}

/// Ends at the deadline; never, if there is none.
async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
