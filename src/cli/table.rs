//! Tables for people.

use comfy_table::{ContentArrangement, Table};
use serde_json::Value as Json;

/// The width that nothing shown goes over where there is no terminal to ask.
pub const WIDTH: u16 = 100;

/// How many columns the terminal has; nothing where output goes elsewhere.
pub fn terminal_width() -> Option<u16> {
    Table::new().width().filter(|width| *width >= 20)
}

/// The width for a person: the terminal's, but no line is longer than one likes to read.
fn width() -> u16 {
    terminal_width().map_or(WIDTH, |width| width.clamp(60, 2 * WIDTH))
}

/// Rows under a header, without lines between them.
pub fn plain(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width());
    table.set_header(header.iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    // Names stay whole, so that a double click copies them.
    if let Some(first) = table.column_mut(0) {
        first.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
    }
    let text = table.to_string();
    let lines = text.lines().map(|line| line.trim_end());
    lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

/// The widest column of names; a wider name stands on a line of its own.
const NAMES: usize = 38;

/// A name, a word and a sentence in each row. Names may be long: those are not cut, and take no room from the sentences.
pub fn names(header: [&str; 3], rows: impl Iterator<Item = [String; 3]>) -> String {
    let rows: Vec<[String; 3]> = rows.collect();
    let width = usize::from(width());
    let longest = |column: fn(&[String; 3]) -> &str, most: usize| {
        rows.iter().map(|row| column(row).chars().count()).filter(|length| *length <= most).max().unwrap_or_default()
    };
    let first = longest(|[name, ..]| name, NAMES.min(width / 2)).max(4);
    let second = longest(|[_, word, _]| word, width).max(header[1].len());
    let rest = " ".repeat(first + second + 4);
    let mut text = String::new();
    for [name, word, sentence] in std::iter::once(&header.map(str::to_owned)).chain(&rows) {
        let mut shown = name.as_str();
        if name.chars().count() > first {
            text.push_str(&format!("{name}\n"));
            shown = "";
        }
        text.push_str(&crate::wrap::wrapped(sentence, width, &format!("{shown:first$}  {word:second$}  "), &rest));
    }
    text
}

/// A script's table: a list of maps. Columns are all members, in the order of the first row's
/// names and then as they come.
pub fn of_maps(rows: &Json) -> String {
    let empty = Vec::new();
    let rows = rows.as_array().unwrap_or(&empty);
    if rows.is_empty() {
        return "(no rows)\n".to_owned();
    }
    let mut columns: Vec<&String> = Vec::new();
    for row in rows.iter().filter_map(Json::as_object) {
        for name in row.keys() {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    if columns.len() > WIDEST {
        return records(rows, &columns);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width());
    table.set_header(columns.iter().map(|name| name.as_str()));
    for row in rows {
        table.add_row(columns.iter().map(|name| row.get(name.as_str()).map(cell).unwrap_or_default()));
    }
    format!("{table}\n")
}

/// So many columns stand side by side; more of them are shown one below the other.
const WIDEST: usize = 8;

/// Rows as blocks of `name: value`, for those with many members.
fn records(rows: &[Json], columns: &[&String]) -> String {
    let width = columns.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(30);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&format!("-- {}\n", number + 1));
        for name in columns {
            let value = row.get(name.as_str()).map(cell).unwrap_or_default();
            let value: String = value.chars().take(usize::from(self::width()).saturating_sub(width + 2)).collect();
            text.push_str(format!("{name:width$}  {value}").trim_end());
            text.push('\n');
        }
    }
    text
}

/// A value in a cell: one line, of what is nested its size only.
pub fn cell(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if line.chars().count() > 60 { format!("{}…", line.chars().take(59).collect::<String>()) } else { line }
        }
        Json::Array(items) if items.iter().any(|item| item.is_array() || item.is_object()) => {
            format!("[{} entries]", items.len())
        }
        Json::Object(map) => format!("{{{} members}}", map.len()),
        other => other.to_string(),
    }
}
