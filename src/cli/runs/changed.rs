//! What a change was about: arguments, before and after, and what came back.

use serde_json::Value as Json;

use super::length::{clipped, wrapped};
use crate::cli::difference::{Difference, between, by_arguments};
use crate::cli::withheld;
use crate::journal::decode_map;
use crate::run::history::{Answer, Detail, EntryHistory};
use crate::secret::Secret;
use crate::value::{Map, Value};

/// How many lines a change has at most.
const MOST: usize = 12;

/// Paints a text with a code of the terminal.
pub type Paint<'a> = &'a dyn Fn(&str, &str) -> String;

/// The lines below an entry, each of at most `width` characters.
pub fn lines(entry: &EntryHistory, width: usize, paint: Paint<'_>) -> Vec<String> {
    let Some(detail) = &entry.detail else { return Vec::new() };
    let mut lines = Vec::new();
    if entry.is_change() {
        lines = change(detail, width, paint);
        if lines.len() > MOST {
            let more = lines.len() - (MOST - 1);
            lines.truncate(MOST - 1);
            lines.push(format!("… and {more} more lines: --format json shows all"));
        }
        lines.extend(answer(detail).map(|line| clipped(&line, width)));
    }
    if let Some(fault) = &detail.fault {
        let text = |name: &str| fault.get(name).and_then(Json::as_str).unwrap_or_default();
        let said = wrapped(&format!("{}: {}", text("kind"), text("message")), width, 4);
        lines.extend(said.iter().map(|line| paint("31", line)));
    }
    let left_out = detail.left_out.as_ref().filter(|_| entry.is_change() || entry.has_failed());
    lines.extend(left_out.into_iter().flat_map(|why| wrapped(&format!("({why})"), width, 4)));
    lines
}

/// A map of coded values, with secrets as references.
pub fn decoded(json: &Json) -> Map {
    decode_map(json.clone(), &|reference| Secret::new(reference, ""))
}

/// A value in one line; of a secret its reference.
pub fn in_line(value: &Value) -> String {
    match value {
        Value::Secret(secret) => format!("secret {}", secret.reference()),
        value => withheld::shorten(value),
    }
}

fn change(detail: &Detail, width: usize, paint: Paint<'_>) -> Vec<String> {
    let args = decoded(&detail.args);
    let state = |json: &Option<Json>| json.as_ref().and_then(|json| json.get("state").cloned());
    let before = state(&detail.before);
    let gone = detail.after.as_ref().is_some_and(|after| after.get("gone").is_some());
    let after = if gone { Some(Json::Null) } else { state(&detail.after) };
    let found = match (&before, after) {
        (Some(before), Some(after)) => between(before, &after),
        (Some(before), None) => by_arguments(before, &args),
        (None, _) => Vec::new(),
    };
    // What differs says more than the whole object.
    let is_said = |name: &str| found.iter().any(|one| one.path == name || one.path == "value" || name == "body");
    let said = args.iter().filter(|(name, _)| !is_said(name));
    let mut lines = joined(said.map(|(name, value)| format!("{name}: {}", in_line(value))), width);
    lines.extend(found.iter().flat_map(|one| difference(one, width, paint)));
    let is_compared = detail.after.is_some() || args.contains_key("body");
    match (&detail.before, &before) {
        (Some(_), None) => lines.push("(nothing was there before)".to_owned()),
        (_, Some(_)) if found.is_empty() && is_compared => lines.push("(it was like that before)".to_owned()),
        (_, Some(before)) if found.is_empty() => lines.push(clipped(&format!("before: {before}"), width)),
        _ => {}
    }
    lines
}

/// Short texts share a line.
fn joined(texts: impl Iterator<Item = String>, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for text in texts {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 2 + text.chars().count() <= width => {
                line.push_str("  ");
                line.push_str(&text);
            }
            _ => lines.push(clipped(&text, width)),
        }
    }
    lines
}

/// What was there and what is, in one line if there is room for both.
fn difference(one: &Difference, width: usize, paint: Paint<'_>) -> Vec<String> {
    let from = one.from.as_ref().map_or_else(|| "(none)".to_owned(), |from| withheld::clipped(&from.to_string()));
    let to = one.to.as_ref().map_or_else(|| "(none)".to_owned(), |to| withheld::clipped(&to.to_string()));
    let length = [&one.path, &from, &to].iter().map(|text| text.chars().count()).sum::<usize>() + ":  -> ".len();
    let (painted_from, painted_to) = (paint("31", &from), paint("32", &to));
    if length <= width {
        vec![format!("{}: {painted_from} -> {painted_to}", one.path)]
    } else {
        vec![format!("{}: {painted_from}", one.path), format!("    -> {painted_to}")]
    }
}

fn answer(detail: &Detail) -> Option<String> {
    match detail.answer.as_ref()? {
        Answer::Http { status, body: Some(body), .. } => Some(format!("answer: {status} {body}")),
        Answer::Http { status, body: None, .. } => Some(format!("answer: {status}")),
        Answer::Value(Json::Null) | Answer::File { .. } => None,
        Answer::Value(value) => Some(format!("answer: {value}")),
    }
}
