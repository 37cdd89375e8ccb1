//! The circuit breaker: a target that keeps failing is left alone for a while.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::fault::{Fault, FaultKind};

/// So many failures in a row open it.
const FAILURES: u32 = 5;

/// So long it stays open; then one request tries.
const REST: Duration = Duration::from_secs(10);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    why: String,
}

impl Breaker {
    /// Lets a request through, or says why not.
    ///
    /// # Errors
    /// `connect`, retryable, with the cause of the last failure.
    pub fn pass(&self) -> Result<(), Fault> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = state.open_until else { return Ok(()) };
        let now = Instant::now();
        if now >= until {
            // One request tries; the others wait for what it finds.
            state.open_until = Some(now + REST);
            return Ok(());
        }
        let seconds = (until - now).as_secs() + 1;
        Err(Fault::new(
            FaultKind::Connect,
            format!(
                "{} requests in a row failed ({}); it is left alone for another {seconds} s",
                state.failures, state.why
            ),
        )
        .with_detail("breaker", "open")
        .retryable())
    }

    /// Takes note of an answer.
    pub fn succeeded(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// Takes note of a failure of the line or of the appliance.
    pub fn failed(&self, fault: &Fault) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.failures += 1;
        state.why.clone_from(&fault.message);
        if state.failures >= FAILURES {
            state.open_until = Some(Instant::now() + REST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_lets_one_try_later() {
        let breaker = Breaker::default();
        let fault = Fault::new(FaultKind::Connect, "down");
        for _ in 0..FAILURES {
            assert!(breaker.pass().is_ok());
            breaker.failed(&fault);
        }
        assert!(breaker.pass().unwrap_err().message.contains("down"));
        tokio::time::advance(REST).await;
        assert!(breaker.pass().is_ok());
        assert!(breaker.pass().is_err());
        breaker.succeeded();
        assert!(breaker.pass().is_ok());
    }
}
