//! What worked in a session, as a playbook.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::catalog::Effect;
use crate::engine::{Literal, Session};
use crate::repl::voice::Around;
use crate::run::Playbook;

/// A line that worked.
#[derive(Clone, Debug, PartialEq)]
pub struct Worked {
    /// The line as it was entered.
    pub text: String,
    /// Whether it is one expression.
    pub is_expression: bool,
    /// Whether it showed a value, and whether that was a list of maps.
    pub shown: Option<bool>,
    /// Whether it had a value, which `_` then was.
    pub has_value: bool,
}

/// A parameter of the playbook.
struct Param {
    name: String,
    ty: &'static str,
    doc: String,
    default: Option<String>,
    vendor: Option<String>,
}

/// The text of the playbook that these lines are.
fn playbook(session: &Session, lines: &[Worked], lift: bool) -> Result<String, String> {
    let mut params: Vec<Param> = Vec::new();
    let mut effects: BTreeSet<Effect> = BTreeSet::new();
    let mut targets: Vec<(String, String, String)> = Vec::new();
    let mut declared: Vec<String> = Vec::new();
    let mut body = String::new();
    let mut last: Option<String> = None;
    for (index, line) in lines.iter().enumerate() {
        effects.extend(session.effects_in(&line.text));
        for (variable, target, vendor) in session.targets_in(&line.text) {
            let known = declared.contains(&variable) || targets.iter().any(|(known, ..)| *known == variable);
            let own = session.declared_in(&line.text).contains(&variable);
            if !known && !own {
                targets.push((variable, target, vendor));
            }
        }
        if last.is_none() && !session.uses_of_last(&line.text).is_empty() {
            return Err(format!(
                "'{}' uses _, and no single expression has given it a value: enter it again with a name of its own",
                line.text
            ));
        }
        let code = session.code_of(&line.text);
        if code.is_empty() {
            body.push_str(&format!("{}\n", line.text.trim()));
            continue;
        }
        let text = rewritten(session, code, last.as_deref(), lift, &mut params);
        declared.extend(session.declared_in(&line.text));
        let used_later = lines.get(index + 1..).is_some_and(|rest| is_last_used(session, rest));
        if line.is_expression && line.has_value && used_later {
            let name = format!("value_{}", index + 1);
            body.push_str(&format!("let {name} = {};\n", text.trim_end_matches(';')));
            if let Some(is_table) = line.shown {
                body.push_str(&shown(&name, is_table));
            }
            last = Some(name);
            continue;
        }
        if line.has_value {
            last = None;
        }
        if let (true, Some(is_table)) = (line.is_expression, line.shown) {
            body.push_str(&shown(text.trim_end_matches(';'), is_table));
        } else {
            body.push_str(&text);
            body.push_str(if ends_itself(&text) { "\n" } else { ";\n" });
        }
    }
    let mut prelude = String::new();
    if !targets.is_empty() {
        // Signing in, and what looks before it changes, only reads.
        effects.insert(Effect::Read);
    }
    for (variable, target, vendor) in targets {
        if lift {
            let taken = params.iter().any(|param| param.name == variable);
            let name = if taken { format!("{variable}_target") } else { variable.clone() };
            let doc = "the appliance".to_owned();
            let default = Some(format!("{target:?}"));
            prelude.push_str(&format!("let {variable} = target(params.{name});\n"));
            params.insert(0, Param { name, ty: "target", doc, default, vendor: Some(vendor) });
        } else {
            prelude.push_str(&format!("let {variable} = target({target:?});\n"));
        }
    }
    // What another playbook does is that playbook's to say.
    let runs_others = lines.iter().any(|line| line.text.contains("run_playbook"));
    Ok(format!("{}\n{prelude}{body}", header(&params, (!runs_others).then_some(&effects))))
}

/// Whether a statement needs no semicolon behind it.
fn ends_itself(text: &str) -> bool {
    let blocks = ["fn", "if", "for", "while", "loop", "do", "switch", "try", "{"];
    let first = text.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    text.ends_with(';') || text.ends_with('}') && blocks.contains(&first)
}

/// Whether the first of these lines that could see the last value does.
fn is_last_used(session: &Session, rest: &[Worked]) -> bool {
    for line in rest {
        if !session.uses_of_last(&line.text).is_empty() {
            return true;
        }
        if line.has_value {
            return false;
        }
    }
    false
}

fn shown(expression: &str, is_table: bool) -> String {
    format!("{}({expression});\n", if is_table { "table" } else { "print" })
}

/// A line with its literals lifted, and with a name for the last value. Secrets are always lifted.
fn rewritten(session: &Session, text: &str, last: Option<&str>, lift: bool, params: &mut Vec<Param>) -> String {
    let mut changes: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    if let Some(last) = last {
        changes.extend(session.uses_of_last(text).into_iter().map(|span| (span, last.to_owned())));
    }
    for literal in session.literals(text) {
        if (lift || literal.secret)
            && literal.is_whole
            && let Some(ty) = literal.ty
        {
            let name = lifted(&literal, ty, text.get(literal.span.clone()).unwrap_or_default(), params);
            changes.push((literal.span, format!("params.{name}")));
        }
    }
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, new) in changes {
        text.replace_range(span, &new);
    }
    text
}

/// The name of the parameter that a literal becomes. The same value for the same thing is one.
fn lifted(literal: &Literal, ty: &'static str, written: &str, params: &mut Vec<Param>) -> String {
    let default = (!literal.secret).then(|| toml_of(written));
    let mut name = literal.param.clone();
    let mut number = 1;
    while let Some(known) = params.iter().find(|param| param.name == name) {
        if known.default == default && known.ty == ty && !literal.secret {
            return name;
        }
        number += 1;
        name = format!("{}_{number}", literal.param);
    }
    let (doc, vendor) = (literal.doc.clone(), literal.vendor.clone());
    params.push(Param { name: name.clone(), ty, doc, default, vendor });
    name
}

/// A literal of Rhai in TOML. Numbers and flags are alike; texts have their escapes read.
fn toml_of(written: &str) -> String {
    let Some(inner) = written.strip_prefix(['"', '`']).and_then(|rest| rest.strip_suffix(['"', '`'])) else {
        return written.replace('_', "");
    };
    let read = if written.starts_with('"') { serde_json::from_str(written).ok() } else { None };
    toml::Value::String(read.unwrap_or_else(|| inner.to_owned())).to_string()
}

fn header(params: &[Param], effects: Option<&BTreeSet<Effect>>) -> String {
    let mut text = String::from("//! Saved from a session at the prompt.\n//!\n//! ```toml\n");
    if !params.is_empty() {
        text.push_str("//! [params]\n");
    }
    for param in params {
        let mut facts = vec![format!("type = \"{}\"", param.ty)];
        facts.extend(param.vendor.iter().map(|vendor| format!("vendor = \"{vendor}\"")));
        facts.extend(param.default.iter().map(|default| format!("default = {default}")));
        if !param.doc.is_empty() {
            let doc = param.doc.split_whitespace().collect::<Vec<_>>().join(" ");
            facts.push(format!("doc = {}", toml::Value::String(doc)));
        }
        text.push_str(&format!("//! {} = {{ {} }}\n", param.name, facts.join(", ")));
    }
    if let Some(effects) = effects {
        let effects: Vec<String> = effects.iter().map(|effect| format!("\"{effect}\"")).collect();
        text.push_str(&format!("//! [policy]\n//! effects = [{}]\n", effects.join(", ")));
    }
    text.push_str("//! ```\n");
    text
}

/// Where `:save FILE` writes: a bare name goes where `beadle run NAME` finds it.
fn path_of(file: &str, around: &Around) -> PathBuf {
    let playbooks = around.folder.join("playbooks");
    if !file.contains(['/', '.']) && playbooks.is_dir() {
        return playbooks.join(file).with_extension("rhai");
    }
    let path = around.here.join(file);
    if path.extension().is_none() { path.with_extension("rhai") } else { path }
}

/// Writes a playbook into a file that is not there yet.
///
/// # Errors
/// Why it was not written: nothing worked yet, a secret stands in it, the text is no script, the file
/// is there.
pub fn save(
    session: &Session,
    lines: &[Worked],
    around: &Around,
    (file, lift): (&str, bool),
    mask: impl Fn(&str) -> String,
) -> Result<PathBuf, String> {
    let lines = without_idle_targets(session, lines);
    if lines.is_empty() {
        return Err("nothing has worked yet, so there is nothing to save".into());
    }
    let path = path_of(file, around);
    let text = playbook(session, &lines, lift)?;
    let hidden = lines.iter().flat_map(|line| session.literals(&line.text)).any(|it| it.secret && !it.is_whole);
    if hidden || mask(&text) != text {
        return Err("a secret stands in one of the lines: use secret(\"NAME\") of beadle.toml, and save again".into());
    }
    let name = path.display().to_string();
    session.read_script(&name, &text)?;
    Playbook::of(&name, text.clone(), None).map_err(|error| error.to_string())?;
    write_new(&path, &text).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{name} is there already: choose another name"),
        _ => format!("{name}: {error}"),
    })?;
    Ok(path)
}

/// The lines without the targets that were chosen and not used.
fn without_idle_targets(session: &Session, lines: &[Worked]) -> Vec<Worked> {
    let is_choice = |line: &Worked| line.text.starts_with("let t = target(");
    let mut kept = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let rest = lines.get(index + 1..).unwrap_or_default().iter().take_while(|later| !is_choice(later));
        let used = |later: &Worked| session.targets_in(&later.text).iter().any(|(variable, ..)| variable == "t");
        if !is_choice(line) || rest.into_iter().any(used) {
            kept.push(line.clone());
        }
    }
    kept
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
}
