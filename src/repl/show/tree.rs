//! Values of any shape as an indented tree, folded below a depth.

use crate::value::Value;
use crate::wrap::{cut, harmless, wrapped};

/// So deep is everything.
pub const UNFOLDED: usize = usize::MAX;

/// Entries of a list that a folded view shows.
const ENTRIES: usize = 5;

/// The lines of a value, none wider than `width`; what lies deeper than `depth` is counted only.
pub fn lines(value: &Value, width: usize, depth: usize) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Text(text) if depth == UNFOLDED => lines.extend(harmless(text).lines().map(str::to_owned)),
        Value::Text(text) => lines.extend(harmless(text).lines().map(|line| cut(line, width))),
        _ => write(value, 0, width, depth, &mut lines),
    }
    lines
}

/// A value in one line.
pub fn short(value: &Value) -> String {
    match value {
        Value::Null => "()".to_owned(),
        Value::Text(text) => harmless(&text.split_whitespace().collect::<Vec<_>>().join(" ")),
        Value::List(items) if items.is_empty() => "[]".to_owned(),
        Value::List(items) if items.len() <= 8 && items.iter().all(is_plain) => {
            items.iter().map(short).collect::<Vec<_>>().join(", ")
        }
        Value::List(items) => format!("[{} entries]", items.len()),
        Value::Map(map) if map.is_empty() => "{}".to_owned(),
        Value::Map(map) => format!("{{{} members}}", map.len()),
        other => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    }
}

fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Map(_))
}

fn write(value: &Value, indent: usize, width: usize, depth: usize, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    match value {
        Value::Map(map) => {
            let column = map.keys().map(|name| name.chars().count()).max().unwrap_or(0).min(32);
            for (name, member) in map {
                entry(&format!("{space}{name:column$}  "), member, indent + 2, width, depth, lines);
            }
        }
        Value::List(items) => {
            let shown = if depth == UNFOLDED { items.len() } else { items.len().min(ENTRIES) };
            for item in items.iter().take(shown) {
                entry(&format!("{space}- "), item, indent + 2, width, depth, lines);
            }
            if shown < items.len() {
                lines.push(format!("{space}… {} more entries", items.len() - shown));
            }
        }
        other => lines.push(cut(&format!("{space}{}", short(other)), width)),
    }
}

/// One member or entry: in its own line, or in lines below.
fn entry(head: &str, value: &Value, indent: usize, width: usize, depth: usize, lines: &mut Vec<String>) {
    let fits = head.chars().count() + short(value).chars().count() <= width;
    let nested = matches!(value, Value::Map(map) if !map.is_empty())
        || matches!(value, Value::List(_)) && short(value).starts_with("[") && short(value) != "[]";
    if nested && depth > 1 {
        // The first member of an entry stands behind its dash.
        let mut inner = Vec::new();
        write(value, indent, width, if depth == UNFOLDED { depth } else { depth - 1 }, &mut inner);
        if head.ends_with("- ") && matches!(value, Value::Map(_)) {
            if let Some(first) = inner.first_mut() {
                *first = cut(&format!("{head}{}", first.trim_start()), width);
            }
        } else {
            lines.push(head.trim_end().to_owned());
        }
        lines.append(&mut inner);
    } else if !fits && depth == UNFOLDED && !nested {
        let wrapped = wrapped(&short(value), width, head, &" ".repeat(indent + 2));
        // A word without spaces, such as a certificate, is broken where the line ends.
        lines.extend(wrapped.lines().flat_map(|line| broken(line, width)));
    } else {
        lines.push(cut(&format!("{head}{}", short(value)), width));
    }
}

fn broken(line: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = line.chars().collect();
    letters.chunks(width.max(1)).map(|part| part.iter().collect()).collect()
}
