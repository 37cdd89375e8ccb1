//! The head of a run: who, when, from what, with which end.

use serde_json::Value as Json;

use super::changed::{decoded, in_line};
use super::length::{clipped, count, length_of};
use crate::run::history::RunHistory;

/// How wide the names of facts are.
const NAMES: usize = 10;

/// The facts of a run, a line each.
pub fn facts(run: &RunHistory, width: usize) -> String {
    let waits = run.wake.map(|wake| format!("waiting until {}", wake.strftime("%Y-%m-%d %H:%M:%S UTC")));
    let outcome = waits.as_deref().or(run.outcome.as_deref()).unwrap_or("running");
    let mut facts = Facts { text: format!("run {} of {}: {outcome}\n", run.id, run.playbook), width };
    let resumed = match run.resumed {
        0 => String::new(),
        1 => ", resumed once".to_owned(),
        times => format!(", resumed {times} times"),
    };
    let started = run.started.strftime("%Y-%m-%d %H:%M:%S UTC");
    facts.add("started", &format!("{started}, ran {}{resumed}", length_of(run.ran)));
    facts.add("mode", &run.mode);
    let cause = run.parent.as_ref().map(|parent| format!("run {parent}"));
    facts.add("cause", cause.as_ref().unwrap_or(&run.cause));
    if let Some(user) = &run.user {
        let host = run.host.as_ref().map(|host| format!(" at {host}")).unwrap_or_default();
        let terminal = run.terminal.as_ref().map(|terminal| format!(", {terminal}")).unwrap_or_default();
        facts.add("by", &format!("{user}{host}{terminal}"));
    }
    facts.add("sha256", &run.script);
    let modules = run.texts.iter().map(|text| text.name.as_str()).filter(|name| *name != run.playbook);
    let modules: Vec<&str> = modules.collect();
    if !modules.is_empty() {
        facts.add("modules", &modules.join(", "));
    }
    facts.add_map("params", &run.params);
    facts.add_map("event", &run.event);
    let withheld = if run.mode == "dry" { " withheld" } else { "" };
    facts.add("requests", &format!("{}, {}{withheld}", count(run.reads, "read"), count(run.changes, "change")));
    if !run.value.is_null() {
        let value = crate::value::Value::Map(decoded(&serde_json::json!({ "value": run.value })));
        let value = value.as_map().and_then(|map| map.get("value")).map(in_line).unwrap_or_default();
        facts.add("value", &value);
    }
    if let Some(at) = run.pruned {
        let at = at.strftime("%Y-%m-%d");
        facts.add("answers", &format!("dropped on {at}, as [state] keep says; what was changed is kept"));
    }
    if let Some(error) = &run.error {
        // With the line of the script and what points at it: nothing of it is clipped.
        facts.text.push_str(error.report.trim_end());
        facts.text.push('\n');
    }
    facts.text
}

struct Facts {
    text: String,
    width: usize,
}

impl Facts {
    fn add(&mut self, name: &str, value: &str) {
        let value = clipped(value, self.width.saturating_sub(NAMES + 2));
        self.text.push_str(&format!("  {name:<NAMES$}{value}\n"));
    }

    fn add_map(&mut self, name: &str, map: &Json) {
        for (number, (member, value)) in decoded(map).iter().enumerate() {
            self.add(if number == 0 { name } else { "" }, &format!("{member} = {}", in_line(value)));
        }
    }
}
