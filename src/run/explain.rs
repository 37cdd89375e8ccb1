//! What there is to say of a playbook: one source for `--help`, `playbooks show` and the prompt.

use crate::run::header::ParamSpec;
use crate::run::playbook::Playbook;
use crate::wrap::wrapped;

/// What a parameter is, in the words of people: its type, and what its value must be.
pub fn facts(param: &ParamSpec) -> Vec<String> {
    let mut facts = vec![param.type_name()];
    if param.is_required() {
        facts.push("required".into());
    }
    if let Some(default) = &param.default {
        facts.push(format!("default {default}"));
    }
    if let Some(vendor) = &param.vendor {
        facts.push(format!("of vendor {vendor}"));
    }
    let limits = [("at least", param.min), ("at most", param.max)];
    facts.extend(limits.into_iter().filter_map(|(word, limit)| limit.map(|limit| format!("{word} {limit}"))));
    if !param.choices.is_empty() {
        let choices: Vec<String> = param.choices.iter().map(ToString::to_string).collect();
        facts.push(format!("one of {}", choices.join(", ")));
    }
    facts
}

/// A playbook's page: what it does, and its parameters, in lines of `width`, for `beadle COMMAND`.
pub fn page(playbook: &Playbook, command: &str, width: usize) -> String {
    let header = &playbook.header;
    let mut text = String::new();
    for paragraph in header.doc.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        text.push_str(&wrapped(paragraph, width, "", ""));
        text.push('\n');
    }
    let required = header.params.iter().filter(|param| param.is_required());
    let usage: Vec<String> = required.map(|param| format!(" {}=…", param.name)).collect();
    text.push_str(&format!("Usage: beadle {command} {}{} [OPTIONS]\n", playbook.name, usage.concat()));
    if !header.params.is_empty() {
        text.push_str("\nParameters:\n");
        let column = header.params.iter().map(|param| param.name.len()).max().unwrap_or(0);
        for param in &header.params {
            let head = format!("  {:column$}  ", param.name);
            let line = format!("{} ({})", param.doc, facts(param).join(", "));
            text.push_str(&wrapped(&line, width, &head, &" ".repeat(column + 4)));
        }
    }
    if !header.phases.is_empty() {
        text.push('\n');
        text.push_str(&wrapped(&format!("Phases: {}", header.phases.join(", ")), width, "", "  "));
    }
    if let Some(effects) = &header.policy.effects {
        let effects: Vec<&str> = effects.iter().map(|effect| effect.name()).collect();
        text.push_str(&format!("\nEffects: {}\n", effects.join(", ")));
    }
    text.push('\n');
    let own = if command == "plan" { "-o FILE, --params FILE" } else { "--dry-run, --params FILE, --yes" };
    let options = format!("Options: {own}, --allow destroy, --timeout D; see `beadle {command} --help`");
    text.push_str(&wrapped(&options, width, "", "  "));
    text
}
