//! What ends a wait: cancelling, cancelling again, and the run's deadline.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fault::Stop;

/// How long a change that has left is waited for after a cancel.
pub const GRACE: Duration = Duration::from_secs(5);

/// Ends the waits of one run. All clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Halt {
    tokens: Arc<Mutex<Tokens>>,
    /// When the run's time is up.
    pub deadline: Option<Instant>,
}

/// The first cancel ends reads and waits, and gives changes under way their grace; after the
/// second nothing is waited for any more.
#[derive(Clone, Debug, Default)]
struct Tokens {
    cancelled: CancellationToken,
    forced: CancellationToken,
    interrupted: bool,
}

impl Halt {
    /// Cancels; the second time for good.
    pub fn cancel(&self) {
        let tokens = self.tokens();
        if tokens.cancelled.is_cancelled() {
            tokens.forced.cancel();
        }
        tokens.cancelled.cancel();
    }

    /// The same because the process has to end: nobody has decided against the run, and it may go on later.
    pub fn interrupt(&self) {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).interrupted = true;
        self.cancel();
    }

    /// Whether it was ended by [`Self::interrupt`].
    pub fn is_interrupted(&self) -> bool {
        self.tokens().interrupted
    }

    /// The token of the first cancel.
    pub fn cancelled(&self) -> CancellationToken {
        self.tokens().cancelled
    }

    /// The token of the second.
    pub fn forced(&self) -> CancellationToken {
        self.tokens().forced
    }

    /// Begins anew, for the next line of a session.
    pub fn renew(&self) {
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = Tokens::default();
    }

    fn tokens(&self) -> Tokens {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the run has to end now.
    ///
    /// # Errors
    /// Why it has to.
    pub fn check(&self) -> Result<(), Stop> {
        if self.cancelled().is_cancelled() {
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
        let cancelled = self.cancelled();
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(Stop::Cancelled),
            () = until(self.deadline) => Err(timed_out()),
            value = work => Ok(value),
        }
    }

    /// Waits for the answer to a change that has left: after the end of the run for the grace,
    /// after a second cancel no longer.
    pub async fn or_grace<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let Tokens { cancelled, forced, .. } = self.tokens();
        let ended = async {
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = until(self.deadline) => {}
            }
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            value = work => Some(value),
            () = forced.cancelled() => None,
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
