//! What a dry run withheld, for people and for programs.

use serde_json::json;

use crate::cli::difference::{Difference, differences};
use crate::door::{Before, Shown, Withheld};
use crate::run::Plan;
use crate::value::Value;

/// How many entries of a list are shown.
const ENTRIES: usize = 3;

/// How many differences of a change are shown.
const DIFFERENCES: usize = 10;

fn counted(items: u64) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}

/// The plan for people: every change with its target, call and arguments, and with what would differ.
pub fn human(plan: &Plan, colours: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let mut text = String::new();
    // What changes nothing by itself, such as the opening of a transaction, is listed and not counted.
    let changes = plan.changes.iter().filter(|change| change.changes()).count();
    let items: u64 = plan.changes.iter().map(|change| change.items).sum();
    text.push_str(&match changes {
        0 => "plan: nothing would be changed\n".to_owned(),
        1 => format!("plan: 1 change of {}, nothing of it sent\n", counted(items)),
        _ => format!("plan: {changes} changes of {} in all, nothing of it sent\n", counted(items)),
    });
    for (number, change) in plan.changes.iter().enumerate() {
        text.push_str(&format!("  {}. {}\n", number + 1, title(change)));
        let differences = differences(change);
        for (name, value) in &change.args {
            let empty = value.as_list().is_some_and(<[Value]>::is_empty);
            // What differs says more than the whole object.
            if !empty && (name != "body" || differences.is_empty()) {
                text.push_str(&format!("       {name}: {}\n", shorten(value)));
            }
        }
        for (file, digest) in &change.files {
            let digest = if digest.is_empty() { String::new() } else { format!(" (SHA-256 {digest})") };
            text.push_str(&format!("       sends {}{digest}\n", file.display()));
        }
        for one in differences.iter().take(DIFFERENCES) {
            let from = one.from.as_ref().map_or_else(|| "nothing".to_owned(), |from| clipped(&from.to_string()));
            let to = one.to.as_ref().map_or_else(|| "nothing".to_owned(), |to| clipped(&to.to_string()));
            text.push_str(&format!("       {}: {} -> {}\n", one.path, paint("31", &from), paint("32", &to)));
        }
        if differences.len() > DIFFERENCES {
            text.push_str(&format!("       … and {} more differences\n", differences.len() - DIFFERENCES));
        }
        if change.before.state().is_some() && differences.is_empty() {
            text.push_str("       (the present state is in the plan's JSON as `before`)\n");
        }
        if matches!(&change.before, Before::Seen(seen) if seen.shown == Shown::Gone) {
            text.push_str("       (the object is not there yet)\n");
        }
        if let Some(why) = change.before.unseen() {
            text.push_str(&format!("       {}: {why}\n", paint("33", "drift cannot be seen")));
        }
    }
    for (path, size) in &plan.files {
        text.push_str(&format!("  file {} of {size} bytes would be written\n", path.display()));
    }
    if let Some(partial) = &plan.partial {
        let place = partial.place().map(|place| format!(" at {place}")).unwrap_or_default();
        let reason = &partial.reason;
        text.push_str(&format!("the plan is partial: after this the script ended{place} with: {reason}\n"));
    }
    text
}

/// The plan as JSON, with every argument.
pub fn json(plan: &Plan) -> serde_json::Value {
    json!({
        "changes": plan.changes.iter().map(|one| change(one)).collect::<Vec<_>>(),
        "files": plan.files.iter().map(|(path, size)| json!({ "path": path, "bytes": size })).collect::<Vec<_>>(),
        "partial": plan.partial,
    })
}

/// One change as JSON.
pub fn change(change: &Withheld) -> serde_json::Value {
    let (drift, why) = match &change.before {
        Before::Nothing => ("nothing is changed", None),
        Before::Job => ("a job is started", None),
        Before::Made => ("made by this plan", None),
        Before::Unseen(why) => ("drift cannot be seen", Some(why)),
        Before::Seen(_) => ("compared", None),
    };
    json!({
        "position": change.position,
        "target": change.target,
        "operation": change.operation,
        "effect": change.effect.name(),
        "items": change.items,
        "args": Value::Map(change.args.clone()).to_json(),
        "before": change.before.state(),
        "differences": change.before.state().map(|_| {
            let found = differences(change).into_iter();
            found.map(|Difference { path, from, to }| json!({ "path": path, "from": from, "to": to })).collect::<Vec<_>>()
        }),
        "drift": drift,
        "reason": why,
        "sends": change.files.iter().map(|(path, digest)| json!({ "path": path, "sha256": digest })).collect::<Vec<_>>(),
        "needs": change.needs,
    })
}

/// A change in one line.
pub fn title(change: &Withheld) -> String {
    let needs = change.needs.as_ref().map(|needs| format!("  (needs {needs})")).unwrap_or_default();
    format!("{} {} [{}]{needs}", change.target, change.operation, change.effect)
}

/// A value in the room that a line of differences has.
pub fn clipped(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(38).collect::<String>())
    }
}

/// An argument in one line; of a long list its beginning and its length.
pub fn shorten(value: &Value) -> String {
    let text = match value {
        Value::List(items) if items.len() > ENTRIES => {
            let first: Vec<String> = items.iter().take(ENTRIES).map(|item| item.to_json().to_string()).collect();
            format!("[{}, … {} entries in all]", first.join(", "), items.len())
        }
        other => other.to_json().to_string(),
    };
    if text.chars().count() <= 85 {
        return text;
    }
    match value {
        Value::List(items) => {
            let first = items.first().map(|item| item.to_json().to_string()).unwrap_or_default();
            let first: String = first.chars().take(60).collect();
            format!("[{first}, … {} entries]", items.len())
        }
        _ => format!("{}…", text.chars().take(80).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::catalog::Effect;
    use crate::door::{Object, Seen};
    use crate::value::Map;

    fn plan() -> Plan {
        let object = Object { target: "t".into(), call: "config_smtp", args: Map::new() };
        let seen = Seen { object, shown: Shown::State(json!({ "port": 25 })) };
        let change = Withheld {
            position: None,
            target: "t".into(),
            operation: "config_smtp_set".into(),
            row: None,
            effect: Effect::Change,
            args: Map::from([("port".to_owned(), Value::Int(26))]),
            items: 1,
            before: Before::Seen(Arc::new(seen)),
            files: Vec::new(),
            gives: Vec::new(),
            needs: None,
        };
        Plan { changes: vec![Arc::new(change)], ..Plan::default() }
    }

    #[test]
    fn differences_are_coloured_on_a_terminal_and_plain_elsewhere() {
        assert!(human(&plan(), true).contains("port: \u{1b}[31m25\u{1b}[0m -> \u{1b}[32m26\u{1b}[0m"));
        assert!(human(&plan(), false).contains("port: 25 -> 26"));
    }

    #[test]
    fn programs_get_differences_as_json() {
        let differences = &json(&plan())["changes"][0]["differences"];
        assert_eq!(*differences, json!([{ "path": "port", "from": 25, "to": 26 }]));
    }
}
