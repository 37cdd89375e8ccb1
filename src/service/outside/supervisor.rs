//! What the system's supervisor is told (`Type=notify` of systemd), and whether the loop still goes round.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// A loop that has not gone round for this long is stuck: it sleeps a minute at most.
const STUCK: Duration = Duration::from_secs(180);

/// The state of the loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Starting,
    Serving,
    Reloading,
    Ending,
}

/// Whether the service works.
pub(super) struct Pulse(Mutex<(Stage, Instant)>);

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Mutex::new((Stage::Starting, Instant::now())))
    }

    /// Whether it serves, and its loop is not stuck.
    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy_at(Instant::now())
    }

    fn is_healthy_at(&self, now: Instant) -> bool {
        let (stage, turned) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(stage, Stage::Serving | Stage::Reloading) && now.duration_since(turned) < STUCK
    }

    fn enter(&self, stage: Stage) -> Stage {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *state, (stage, Instant::now())).0
    }
}

/// Tells the supervisor. Without one, nobody is told.
pub(super) struct Supervisor {
    /// How often it wants a sign of life, at least.
    watchdog: Option<Duration>,
    latest: Mutex<Option<Instant>>,
}

impl Supervisor {
    pub(super) fn new() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled(), latest: Mutex::default() }
    }

    /// The service is ready.
    pub(super) fn ready(&self, pulse: &Pulse, status: &str) {
        pulse.enter(Stage::Serving);
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// It is about to load its configuration again.
    pub(super) fn reloading(&self, pulse: &Pulse) {
        pulse.enter(Stage::Reloading);
        // The instant tells this reload from one that was asked for later.
        let now = NotifyState::monotonic_usec_now();
        tell(&[NotifyState::Reloading].into_iter().chain(now).collect::<Vec<_>>());
    }

    /// The loop has gone round.
    pub(super) fn turned(&self, pulse: &Pulse) {
        if pulse.enter(Stage::Serving) == Stage::Reloading {
            tell(&[NotifyState::Ready]);
        }
        let Some(watchdog) = self.watchdog else { return };
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // A busy loop needs not say so each time.
        if latest.is_none_or(|latest| latest.elapsed() >= watchdog / 4) {
            tell(&[NotifyState::Watchdog]);
            *latest = Some(Instant::now());
        }
    }

    /// It is ending.
    pub(super) fn stopping(&self, pulse: &Pulse) {
        if pulse.enter(Stage::Ending) != Stage::Ending {
            tell(&[NotifyState::Stopping]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        // A supervisor that does not listen restarts the service by its own rules.
        tracing::debug!("the supervisor could not be told: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_that_is_stuck_or_ends_is_not_healthy() {
        let (pulse, supervisor) = (Pulse::new(), Supervisor { watchdog: None, latest: Mutex::default() });
        assert!(!pulse.is_healthy(), "it is only starting");
        supervisor.ready(&pulse, "");
        supervisor.reloading(&pulse);
        assert!(pulse.is_healthy());
        supervisor.turned(&pulse);
        assert!(pulse.is_healthy() && !pulse.is_healthy_at(Instant::now() + STUCK));
        supervisor.stopping(&pulse);
        assert!(!pulse.is_healthy());
    }
}
