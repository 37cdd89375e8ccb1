//! The plan of a dry run, for people and for programs.

use serde_json::json;

use crate::cli::difference::differences;
use crate::door::Withheld;
use crate::run::Plan;
use crate::value::Value;

/// How many changes are shown in full; the rest is counted.
const SHOWN: usize = 3;

/// How many are shown at all.
const MOST: usize = 20;

/// How many entries of a list are shown.
const ENTRIES: usize = 3;

/// The plan for people.
pub fn human(plan: &Plan) -> String {
    let mut text = String::new();
    let changes = plan.changes.len();
    let items: u64 = plan.changes.iter().map(|change| change.items).sum();
    text.push_str(&match changes {
        0 => "plan: nothing would be changed\n".to_owned(),
        1 => format!("plan: 1 change of {items} item(s), nothing of it sent\n"),
        _ => format!("plan: {changes} changes of {items} items, nothing of it sent\n"),
    });
    // What would have to be allowed is shown wherever it stands.
    let shown = |number: usize, change: &Withheld| number < SHOWN || change.needs.is_some();
    let listed: Vec<_> =
        plan.changes.iter().enumerate().filter(|(number, change)| shown(*number, change)).take(MOST).collect();
    for (number, change) in &listed {
        let needs = change.needs.as_ref().map(|needs| format!("  (needs {needs})")).unwrap_or_default();
        text.push_str(&format!(
            "  {}. {} {} [{}]{needs}\n",
            number + 1,
            change.target,
            change.operation,
            change.effect
        ));
        let differences = change.before.as_ref().map(|before| differences(before, &change.args)).unwrap_or_default();
        for (name, value) in &change.args {
            // What differs says more than the whole object.
            if name != "body" || differences.is_empty() {
                text.push_str(&format!("       {name}: {}\n", shorten(value)));
            }
        }
        for one in differences.iter().take(MOST) {
            let from = one.from.as_ref().map_or_else(|| "(none)".to_owned(), |from| clipped(&from.to_string()));
            text.push_str(&format!("       {}: {from} -> {}\n", one.path, clipped(&one.to.to_string())));
        }
        if differences.len() > MOST {
            text.push_str(&format!("       … and {} more differences\n", differences.len() - MOST));
        }
        if change.before.is_some() && differences.is_empty() {
            text.push_str("       (the present state is in the plan's JSON as `before`)\n");
        }
    }
    if changes > listed.len() {
        text.push_str(&format!("  … and {} more; --format json shows all\n", changes - listed.len()));
    }
    for (path, size) in &plan.files {
        text.push_str(&format!("  file {} of {size} bytes would be written\n", path.display()));
    }
    if let Some(reason) = &plan.partial {
        text.push_str(&format!("the plan is partial: after this the script ended with: {reason}\n"));
    }
    text
}

/// The plan as JSON, with every argument.
pub fn json(plan: &Plan) -> serde_json::Value {
    let changes = plan.changes.iter().map(|change| {
        json!({
            "target": change.target,
            "operation": change.operation,
            "effect": change.effect.name(),
            "items": change.items,
            "args": Value::Map(change.args.clone()).to_json(),
            "before": change.before,
            "differences": change.before.as_ref().map(|before| {
                let found = differences(before, &change.args).into_iter();
                found.map(|one| json!({ "path": one.path, "from": one.from, "to": one.to })).collect::<Vec<_>>()
            }),
            "needs": change.needs,
        })
    });
    json!({
        "changes": changes.collect::<Vec<_>>(),
        "files": plan.files.iter().map(|(path, size)| json!({ "path": path, "bytes": size })).collect::<Vec<_>>(),
        "partial": plan.partial,
    })
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
