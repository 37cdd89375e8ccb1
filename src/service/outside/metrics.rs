//! Metrics, fed by what the service tells. How many series there are is bounded: what a script or an
//! appliance makes up becomes no label of its own without end.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::door::DoorEvent;
use crate::run::Ending;

/// The most series of calls; what comes beyond is counted under `other`.
const SERIES: usize = 2_000;

/// The most names of anything else.
const NAMES: usize = 500;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RunLabels {
    playbook: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PlaybookLabel {
    playbook: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TriggerLabel {
    trigger: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    target: String,
    call: String,
    status: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TargetLabel {
    target: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChannelLabels {
    channel: String,
    outcome: &'static str,
}

/// Buckets of seconds, for what may take a moment or hours.
#[derive(Clone, Copy, Debug)]
struct Seconds(&'static [f64]);

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

const RUN: Seconds = Seconds(&[0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 10_800.0]);
const LATE: Seconds = Seconds(&[0.01, 0.05, 0.25, 1.0, 5.0, 60.0, 300.0, 3_600.0]);
const CALL: Seconds = Seconds(&[0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0]);

/// The names of one sort that have become labels.
#[derive(Default)]
struct Bounded(Mutex<HashSet<String>>);

impl Bounded {
    /// Whether a name may be a label: it is one already, or there are not too many.
    fn admits(&self, name: &str, most: usize) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(name) || (known.len() < most && known.insert(name.to_owned()))
    }

    /// The name, or `other`.
    fn label(&self, name: &str) -> String {
        if self.admits(name, NAMES) { name.to_owned() } else { "other".into() }
    }
}

/// All metrics of the service.
pub(super) struct Metrics {
    registry: Mutex<Registry>,
    runs: Family<RunLabels, Counter>,
    durations: Family<PlaybookLabel, Histogram, Seconds>,
    lateness: Family<TriggerLabel, Histogram, Seconds>,
    missed: Family<TriggerLabel, Counter>,
    running: Gauge,
    queue: Gauge<u64, AtomicU64>,
    calls: Family<CallLabels, Counter>,
    call_durations: Family<TargetLabel, Histogram, Seconds>,
    retries: Family<TargetLabel, Counter>,
    breakers: Family<TargetLabel, Gauge>,
    messages: Family<ChannelLabels, Counter>,
    problems: Counter,
    triggers: Bounded,
    playbooks: Bounded,
    targets: Bounded,
    series: Bounded,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let metrics = Self {
            registry: Mutex::default(),
            runs: Family::default(),
            durations: Family::new_with_constructor(RUN),
            lateness: Family::new_with_constructor(LATE),
            missed: Family::default(),
            running: Gauge::default(),
            queue: Gauge::default(),
            calls: Family::default(),
            call_durations: Family::new_with_constructor(CALL),
            retries: Family::default(),
            breakers: Family::default(),
            messages: Family::default(),
            problems: Counter::default(),
            triggers: Bounded::default(),
            playbooks: Bounded::default(),
            targets: Bounded::default(),
            series: Bounded::default(),
        };
        let mut all = Registry::with_prefix("beadle");
        all.register("build", "The version that runs", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        all.register("runs", "Runs that ended, by playbook and outcome", metrics.runs.clone());
        all.register("run_duration_seconds", "How long runs took", metrics.durations.clone());
        all.register("lateness_seconds", "How much later than due runs began", metrics.lateness.clone());
        all.register("missed", "Due instants and files that were not started", metrics.missed.clone());
        all.register("runs_running", "Runs that are going", metrics.running.clone());
        all.register("queue_length", "Firings that wait for their runs", metrics.queue.clone());
        all.register("calls", "Calls, by target, call and status", metrics.calls.clone());
        all.register("call_duration_seconds", "How long calls took, attempts included", metrics.call_durations.clone());
        all.register("retries", "Attempts beyond the first", metrics.retries.clone());
        all.register("breaker_open", "Whether the circuit breaker turned the last call away", metrics.breakers.clone());
        all.register("messages", "Messages to channels, by what became of them", metrics.messages.clone());
        all.register("problems", "Problems that were told", metrics.problems.clone());
        *metrics.registry.lock().unwrap_or_else(PoisonError::into_inner) = all;
        metrics
    }

    /// A run of a trigger begins.
    pub(super) fn began(&self, trigger: &str, late: Option<Duration>) {
        self.running.inc();
        if let Some(late) = late {
            let trigger = self.triggers.label(trigger);
            self.lateness.get_or_create(&TriggerLabel { trigger }).observe(late.as_secs_f64());
        }
    }

    /// It has ended.
    pub(super) fn ended(&self, playbook: &str, ending: &Ending) {
        self.running.dec();
        let playbook = self.playbooks.label(playbook);
        let labels = RunLabels { playbook: playbook.clone(), outcome: ending.outcome.name() };
        self.runs.get_or_create(&labels).inc();
        self.durations.get_or_create(&PlaybookLabel { playbook }).observe(ending.elapsed.as_secs_f64());
    }

    /// Something was passed over.
    pub(super) fn missed(&self, trigger: &str, count: u64) {
        let trigger = self.triggers.label(trigger);
        self.missed.get_or_create(&TriggerLabel { trigger }).inc_by(count);
    }

    /// A problem was told.
    pub(super) fn problem(&self) {
        self.problems.inc();
    }

    /// A message went to a channel, or did not.
    pub(super) fn message(&self, channel: &str, outcome: &'static str) {
        self.messages.get_or_create(&ChannelLabels { channel: channel.to_owned(), outcome }).inc();
    }

    /// Something passed the door.
    pub(super) fn passed(&self, event: &DoorEvent) {
        match event {
            DoorEvent::Called { target, operation, status, fault, attempts, elapsed, .. } => {
                let target = self.targets.label(target);
                let status = match (status, fault) {
                    (Some(status), _) => status.to_string(),
                    (None, Some(fault)) => fault.kind.name().to_owned(),
                    (None, None) => "ok".to_owned(),
                };
                // A raw request has its path in its name.
                let call = operation.split(' ').next().unwrap_or_default().to_owned();
                let known = self.series.admits(&format!("{target} {call} {status}"), SERIES);
                let call = if known { call } else { "other".into() };
                let labels = CallLabels { target: target.clone(), call, status };
                self.calls.get_or_create(&labels).inc();
                let target = TargetLabel { target };
                self.call_durations.get_or_create(&target).observe(elapsed.as_secs_f64());
                self.retries.get_or_create(&target).inc_by(u64::from(attempts.saturating_sub(1)));
                let open = fault.as_ref().is_some_and(|fault| fault.details.contains_key("breaker"));
                self.breakers.get_or_create(&target).set(i64::from(open));
            }
            DoorEvent::Notified { channel, held, fault, .. } => {
                let outcome = match (fault, held) {
                    (Some(_), _) => "failed",
                    (None, true) => "held",
                    (None, false) => "delivered",
                };
                self.message(channel, outcome);
            }
            DoorEvent::Sending { .. } | DoorEvent::Withheld(_) | DoorEvent::Notice(_) => {}
        }
    }

    /// All of them in Prometheus' text form, with the length of the queue as it is now.
    pub(super) fn text(&self, queue: Option<u64>) -> String {
        if let Some(length) = queue {
            self.queue.set(length);
        }
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        if prometheus_text::encode(&mut text, &registry).is_err() {
            let _infallible = writeln!(text, "# the metrics could not be written");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Effect;
    use crate::fault::{Fault, FaultKind};

    fn called(target: &str, operation: &str, fault: Option<Fault>) -> DoorEvent {
        DoorEvent::Called {
            target: target.into(),
            operation: operation.into(),
            effect: Effect::Read,
            status: fault.is_none().then_some(200),
            fault: fault.map(Box::new),
            attempts: 3,
            elapsed: Duration::from_millis(30),
        }
    }

    #[test]
    fn what_passes_the_door_is_counted() {
        let metrics = Metrics::new();
        metrics.passed(&called("seg", "groups", None));
        metrics.passed(&called("seg", "GET /groups/7", None));
        let fault = Fault::new(FaultKind::Connect, "down").with_detail("breaker", "open");
        metrics.passed(&called("seg", "groups", Some(fault)));
        let text = metrics.text(Some(4));
        for line in [
            "beadle_calls_total{target=\"seg\",call=\"groups\",status=\"200\"} 1",
            "beadle_calls_total{target=\"seg\",call=\"GET\",status=\"200\"} 1",
            "beadle_calls_total{target=\"seg\",call=\"groups\",status=\"connect\"} 1",
            "beadle_retries_total{target=\"seg\"} 6",
            "beadle_breaker_open{target=\"seg\"} 1",
            "beadle_queue_length 4",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_script_that_makes_up_names_makes_no_series_without_end() {
        let metrics = Metrics::new();
        for n in 0..5_000 {
            metrics.passed(&called(&format!("host{n}.example.net"), &format!("call{n}"), None));
            metrics.missed(&format!("t{n}"), 1);
        }
        let text = metrics.text(None);
        let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert!(series("beadle_calls_total{") <= SERIES + NAMES + 1, "{}", series("beadle_calls_total{"));
        assert_eq!((series("beadle_retries_total{"), series("beadle_missed_total{")), (NAMES + 1, NAMES + 1));
        assert!(text.contains("beadle_missed_total{trigger=\"other\"} 4500"));
    }
}
