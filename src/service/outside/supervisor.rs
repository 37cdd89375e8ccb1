//! What the system's supervisor is told (`Type=notify` of systemd), and whether the loop still goes round.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// A loop is stuck that is awake for so long, or sleeps for so much longer than it wanted to.
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
pub(super) struct Pulse(Mutex<Beat>);

struct Beat {
    stage: Stage,
    /// When the loop is heard of again at the latest, unless it is stuck; none while it sleeps with nothing due.
    by: Option<Instant>,
}

impl Pulse {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Beat { stage: Stage::Starting, by: within(Duration::ZERO) }))
    }

    /// Whether it serves, and its loop is not stuck.
    pub(super) fn is_healthy(&self) -> bool {
        self.is_healthy_at(Instant::now())
    }

    fn is_healthy_at(&self, now: Instant) -> bool {
        let beat = self.beat();
        matches!(beat.stage, Stage::Serving | Stage::Reloading) && beat.by.is_none_or(|by| now < by)
    }

    /// The loop is awake.
    pub(super) fn wake(&self) {
        self.beat().by = within(Duration::ZERO);
    }

    fn enter(&self, stage: Stage) -> Stage {
        let mut beat = self.beat();
        beat.by = within(Duration::ZERO);
        std::mem::replace(&mut beat.stage, stage)
    }

    /// The loop sleeps.
    fn rest(&self, rest: Option<Duration>) {
        self.beat().by = rest.and_then(within);
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When something that takes so long has ended, unless the loop is stuck.
fn within(length: Duration) -> Option<Instant> {
    Instant::now().checked_add(length)?.checked_add(STUCK)
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

    /// How often the loop has to go round at least. Nobody else may give the sign of life in its place: that
    /// would go on over a loop that is stuck.
    pub(super) fn turns(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 2)
    }

    /// The loop has gone round, and sleeps for so long.
    pub(super) fn turned(&self, pulse: &Pulse, rest: Option<Duration>) {
        if pulse.enter(Stage::Serving) == Stage::Reloading {
            tell(&[NotifyState::Ready]);
        }
        pulse.rest(rest);
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
        let (hour, moment) = (Duration::from_secs(3_600), Duration::from_secs(1));
        supervisor.turned(&pulse, Some(hour));
        assert!(pulse.is_healthy_at(Instant::now() + hour), "it sleeps as long as it said");
        assert!(!pulse.is_healthy_at(Instant::now() + hour + STUCK + moment), "it has overslept");
        supervisor.turned(&pulse, None);
        assert!(pulse.is_healthy_at(Instant::now() + 1_000 * hour), "nothing is due");
        pulse.wake();
        assert!(pulse.is_healthy() && !pulse.is_healthy_at(Instant::now() + STUCK + moment), "it works for too long");
        supervisor.stopping(&pulse);
        assert!(!pulse.is_healthy());
    }
}
