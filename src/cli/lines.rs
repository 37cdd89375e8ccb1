//! The events of a run as JSON lines, for programs.

use serde_json::json;

use crate::cli::{output, withheld};
use crate::door::DoorEvent;
use crate::engine::OutputEvent;
use crate::run::{Ending, Listener, RunEvent};
use crate::secret::Masker;

/// Writes a run's events as JSON lines to standard output.
pub struct Lines {
    masker: Masker,
}

impl Lines {
    /// Lines with secrets masked.
    pub fn new(masker: Masker) -> Self {
        Self { masker }
    }

    fn line(&self, mut json: serde_json::Value) {
        self.masker.mask_json(&mut json);
        output::out(format_args!("{json}\n"));
    }

    /// A line of another kind.
    pub fn note(&self, event: &str, text: &str) {
        self.line(json!({ "event": event, "text": text }));
    }

    /// A trigger has gone off.
    pub fn fired(&self, trigger: &str, run: &str, why: &str) {
        self.line(
            json!({ "event": "fired", "trigger": trigger, "run": run, "text": format!("{trigger} {run} {why}") }),
        );
    }

    /// An event of one of several runs, with the run and the trigger that it belongs to.
    pub fn of_run(&self, trigger: &str, run: &str, event: RunEvent) {
        let mut line = told(event);
        if let serde_json::Value::Object(members) = &mut line {
            members.insert("trigger".into(), trigger.into());
            members.insert("run".into(), run.into());
        }
        self.line(line);
    }

    /// The last line: the outcome, with the script's value.
    pub fn ending(&self, ending: &Ending) {
        self.line(json!({
            "event": "ended",
            "run": ending.id,
            "outcome": ending.outcome.name(),
            "value": ending.value.as_ref().map(crate::value::Value::to_json),
            "error": ending.error.as_ref().map(|error| json!({
                "message": error.message,
                "report": error.report,
                "kind": error.fault.as_ref().map(|fault| fault.kind.name()),
                "target": error.fault.as_ref().and_then(|fault| fault.target.clone()),
                "operation": error.fault.as_ref().and_then(|fault| fault.operation.clone()),
                "status": error.fault.as_ref().and_then(|fault| fault.status),
            })),
            "plan": ending.plan.as_ref().map(withheld::json),
            "never_asked_for": ending.unasked.iter().map(|change| withheld::change(change)).collect::<Vec<_>>(),
            "reads": ending.counts.reads,
            "changes": ending.counts.changes,
            "withheld": ending.counts.withheld,
            "elapsed_ms": u64::try_from(ending.elapsed.as_millis()).unwrap_or(u64::MAX),
        }));
    }
}

impl Listener for Lines {
    fn on(&self, event: RunEvent) {
        self.line(told(event));
    }
}

fn told(event: RunEvent) -> serde_json::Value {
    match event {
        RunEvent::Started { id, playbook, dry, cause } => {
            json!({ "event": "started", "run": id, "playbook": playbook, "dry_run": dry, "cause": cause })
        }
        RunEvent::Waits(until) => json!({ "event": "waits", "until": until.to_string() }),
        RunEvent::GoesOn => json!({ "event": "goes-on" }),
        RunEvent::Output(OutputEvent::Print(text)) => json!({ "event": "print", "text": text }),
        RunEvent::Output(OutputEvent::Log(level, text)) => {
            json!({ "event": "log", "level": level.name(), "text": text })
        }
        RunEvent::Output(OutputEvent::Table(rows)) => json!({ "event": "table", "rows": rows.to_json() }),
        RunEvent::Output(OutputEvent::Progress { id, done, total }) => {
            json!({ "event": "progress", "id": id, "done": done, "total": total })
        }
        RunEvent::Output(OutputEvent::Step(name, ended)) => json!({ "event": "step", "name": name, "ok": ended }),
        RunEvent::Door(DoorEvent::Called { target, operation, effect, status, fault, attempts, elapsed }) => {
            json!({
                "event": "call",
                "target": target,
                "operation": operation,
                "effect": effect.name(),
                "status": status,
                "error": fault.map(|fault| json!({ "kind": fault.kind.name(), "message": fault.message })),
                "attempts": attempts,
                "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            })
        }
        RunEvent::Door(DoorEvent::Sending { target, operation, done, total }) => json!({
            "event": "sending", "target": target, "operation": operation, "done": done, "total": total,
        }),
        RunEvent::Door(DoorEvent::Withheld(change)) => json!({
            "event": "withheld",
            "target": change.target,
            "operation": change.operation,
            "effect": change.effect.name(),
            "items": change.items,
        }),
        RunEvent::Door(DoorEvent::Notified { channel, held, fault, elapsed }) => json!({
            "event": "notified",
            "channel": channel,
            "held": held,
            "error": fault.map(|fault| fault.message),
            "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }),
        RunEvent::Door(DoorEvent::Notice(text)) => json!({ "event": "notice", "text": text }),
    }
}
