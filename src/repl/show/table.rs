//! Lists of maps as tables that fit the terminal.

use crate::repl::show::tree;
use crate::value::{Map, Value};
use crate::wrap::cut;

/// The widest cell.
const CELL: usize = 40;

/// A table of the columns that fit, and the names of those that do not.
pub fn fitting(rows: &[&Map], width: usize) -> (String, Vec<String>) {
    let columns = columns(rows);
    let widths: Vec<usize> = columns.iter().map(|name| width_of(rows, name)).collect();
    let (mut used, mut count) = (0, 0);
    for width_of_column in &widths {
        let needed = used + width_of_column + if count > 0 { 2 } else { 0 };
        if needed > width && count > 0 {
            break;
        }
        used = needed;
        count += 1;
    }
    let (shown, left_out) = columns.split_at(count.min(columns.len()));
    let text = grid(rows, shown, &widths, width);
    (text, left_out.iter().map(|name| (*name).to_owned()).collect())
}

/// A table of everything: side by side where it fits, else one record below the other.
pub fn whole(rows: &[&Map], width: usize) -> String {
    let columns = columns(rows);
    let widths: Vec<usize> = columns.iter().map(|name| width_of(rows, name)).collect();
    let total: usize = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    if total <= width {
        return grid(rows, &columns, &widths, width);
    }
    let records = rows.iter().enumerate().map(|(number, row)| {
        let lines = columns.iter().filter_map(|name| row.get(*name).map(|value| (*name, value)));
        format!("-- {}\n{}", number + 1, two_columns(lines, width))
    });
    records.collect::<Vec<_>>().join("\n")
}

/// What is no list of maps: names or numbers, and values beside them.
pub fn pairs(value: &Value, width: usize) -> String {
    match value {
        Value::Map(map) => two_columns(map.iter().map(|(name, value)| (name.as_str(), value)), width),
        Value::List(items) => {
            let numbers: Vec<String> = (0..items.len()).map(|number| number.to_string()).collect();
            two_columns(numbers.iter().map(String::as_str).zip(items), width)
        }
        other => tree::short(other),
    }
}

fn two_columns<'a>(pairs: impl Iterator<Item = (&'a str, &'a Value)>, width: usize) -> String {
    let pairs: Vec<(&str, String)> = pairs.map(|(name, value)| (name, tree::short(value))).collect();
    let column = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0).min(CELL);
    let lines = pairs.iter().map(|(name, value)| {
        let room = width.saturating_sub(column + 2);
        format!("{:column$}  {}", cut(name, column), cut(value, room)).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names of all members: what identifies a row first, then plain values, then what is nested.
fn columns<'a>(rows: &[&'a Map]) -> Vec<&'a str> {
    let mut names: Vec<(u8, &str)> = Vec::new();
    for row in rows {
        for (name, value) in *row {
            let rank = rank(name, value);
            match names.iter_mut().find(|(_, known)| known == name) {
                Some((have, _)) => *have = rank.max(*have),
                None => names.push((rank, name)),
            }
        }
    }
    for (rank, name) in &mut names {
        let says =
            |row: &&Map| row.get(*name).is_some_and(|value| !tree::short(value).is_empty() && *value != Value::Null);
        *rank = if rows.iter().any(says) { *rank } else { 7 };
    }
    // `serverId` and `serverName` say which row it is; `commitSetId` beside them does not.
    let stems: Vec<String> = names.iter().filter_map(|(_, name)| stem(name)).collect();
    for (rank, name) in &mut names {
        if (*rank == 2 || *rank == 3)
            && stem(name).is_some_and(|own| stems.iter().filter(|stem| **stem == own).count() > 1)
        {
            *rank -= 2;
        }
    }
    names.sort_by_key(|(rank, _)| *rank);
    names.into_iter().map(|(_, name)| name).collect()
}

/// What a name such as `serverId` or `server_name` is of.
fn stem(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let stem = lower.strip_suffix("id").or_else(|| lower.strip_suffix("name"))?;
    Some(stem.trim_end_matches('_').to_owned()).filter(|stem| !stem.is_empty())
}

fn rank(name: &str, value: &Value) -> u8 {
    let lower = name.to_lowercase();
    match value {
        Value::Map(_) => 9,
        Value::List(_) => 8,
        // What says nothing in any row comes last of what is plain.
        Value::Null => 0,
        Value::Text(text) if text.is_empty() => 0,
        _ if lower == "id" || lower == "key" => 0,
        _ if lower == "name" => 1,
        _ if lower.ends_with("id") => 2,
        _ if lower.ends_with("name") || lower == "subject" => 3,
        _ => 5,
    }
}

fn width_of(rows: &[&Map], name: &str) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(name)).map(|value| tree::short(value).chars().count());
    cells.max().unwrap_or(0).clamp(name.chars().count(), CELL.max(name.chars().count()))
}

fn grid(rows: &[&Map], columns: &[&str], widths: &[usize], width: usize) -> String {
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cut(padded.collect::<Vec<_>>().join("  ").trim_end(), width)
    };
    let mut lines = vec![line(columns.iter().map(|name| (*name).to_owned()).collect())];
    lines.push(line(widths.iter().take(columns.len()).map(|width| "─".repeat(*width)).collect()));
    for row in rows {
        let cells = columns.iter().zip(widths);
        lines.push(line(
            cells
                .map(|(name, width)| row.get(*name).map_or_else(String::new, |value| cut(&tree::short(value), *width)))
                .collect(),
        ));
    }
    lines.join("\n")
}
