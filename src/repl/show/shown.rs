//! The last value, and how much of it has been seen.

use crate::repl::show::{table, tree};
use crate::value::{Map, Value};

/// So many lines, or rows of a table, are shown at once.
const PAGE: usize = 20;

/// The last value, as it is shown.
#[derive(Debug)]
pub struct Shown {
    value: Value,
    rest: Rest,
}

impl Default for Shown {
    fn default() -> Self {
        Self::of(Value::Null)
    }
}

/// What has not been seen yet.
#[derive(Debug, Default)]
enum Rest {
    #[default]
    Nothing,
    /// The rows of a table from this one on.
    Rows(usize),
    /// What was folded: everything, from this line on.
    Unfolded(usize),
}

impl Shown {
    /// A value that has not been seen yet.
    pub fn of(value: Value) -> Self {
        Self { value, rest: Rest::Nothing }
    }

    /// The beginning, as it fits; nothing for `()`.
    pub fn begin(&mut self, width: usize) -> Option<String> {
        match &self.value {
            Value::Null => None,
            Value::List(items) if items.is_empty() => Some("[]  nothing in it".into()),
            value => match rows(value) {
                Some(rows) => {
                    let (text, rest) = page_of_rows(&rows, 0, width);
                    self.rest = rest;
                    Some(text)
                }
                None => Some(self.folded(width)),
            },
        }
    }

    fn folded(&mut self, width: usize) -> String {
        let short = tree::short(&self.value);
        if self.value.as_list().is_some() && !short.starts_with('[') && short.chars().count() + 2 <= width {
            return format!("[{short}]");
        }
        let whole = tree::lines(&self.value, width, tree::UNFOLDED);
        if whole.len() <= PAGE {
            return whole.join("\n");
        }
        // The deepest view that fits.
        let views = (1..6).rev().map(|depth| tree::lines(&self.value, width, depth));
        let mut fitting = views.filter(|lines| lines.len() <= PAGE);
        let lines = fitting.next().unwrap_or_else(|| {
            let mut lines = tree::lines(&self.value, width, 1);
            lines.truncate(PAGE);
            lines
        });
        self.rest = Rest::Unfolded(0);
        format!("{}\n… folded: :more shows it line by line, :json as JSON", lines.join("\n"))
    }

    /// The next page; nothing if all has been seen.
    pub fn more(&mut self, width: usize) -> Option<String> {
        match self.rest {
            Rest::Nothing => None,
            Rest::Rows(from) => {
                let rows = rows(&self.value)?;
                let (text, rest) = page_of_rows(&rows, from, width);
                self.rest = rest;
                Some(text)
            }
            Rest::Unfolded(from) => {
                let lines = tree::lines(&self.value, width, tree::UNFOLDED);
                let page: Vec<&str> = lines.iter().skip(from).take(PAGE).map(String::as_str).collect();
                let left = lines.len().saturating_sub(from + PAGE);
                let mut text = page.join("\n");
                self.rest = if left > 0 {
                    text.push_str(&format!("\n… {left} more lines: :more"));
                    Rest::Unfolded(from + PAGE)
                } else {
                    Rest::Nothing
                };
                Some(text)
            }
        }
    }

    /// The whole as a table, whatever it is.
    pub fn table(&self, width: usize) -> Option<String> {
        match &self.value {
            Value::Null => None,
            value => Some(match rows(value) {
                Some(rows) => table::whole(&rows, width),
                None => table::pairs(value, width),
            }),
        }
    }

    /// The whole as JSON.
    pub fn json(&self) -> Option<String> {
        (self.value != Value::Null).then(|| format!("{:#}", self.value.to_json()))
    }
}

/// The rows, if the value is a list of maps.
fn rows(value: &Value) -> Option<Vec<&Map>> {
    let items = value.as_list().filter(|items| !items.is_empty())?;
    items.iter().map(Value::as_map).collect()
}

fn page_of_rows(rows: &[&Map], from: usize, width: usize) -> (String, Rest) {
    let to = rows.len().min(from + PAGE);
    let (mut text, left_out) = table::fitting(rows.get(from..to).unwrap_or_default(), width);
    let mut notes = Vec::new();
    if !left_out.is_empty() {
        notes.push(format!("not shown: {} (:table)", crate::wrap::cut(&left_out.join(", "), width.saturating_sub(30))));
    }
    if to < rows.len() {
        notes.push(format!("rows {} to {to} of {}: :more", from + 1, rows.len()));
    }
    for note in &notes {
        text.push_str(&format!("\n… {note}"));
    }
    (text, if to < rows.len() { Rest::Rows(to) } else { Rest::Nothing })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(json: serde_json::Value) -> Shown {
        Shown::of(Value::from(json))
    }

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
    }

    #[test]
    fn nothing_is_shown_for_unit_and_texts_as_they_are() {
        assert_eq!(Shown::of(Value::Null).begin(80), None);
        assert_eq!(shown(json!("a b")).begin(80).as_deref(), Some("a b"));
        assert_eq!(shown(json!(3)).begin(80).as_deref(), Some("3"));
        assert_eq!(shown(json!("a\u{1b}[31m")).begin(80).as_deref(), Some("a\u{fffd}[31m"));
        assert_eq!(shown(json!([{"subject": "\u{1b}]0;x\u{7}"}])).begin(80).unwrap().matches('\u{1b}').count(), 0);
        assert_eq!(shown(json!([6, 7])).begin(80).as_deref(), Some("[6, 7]"));
    }

    #[test]
    fn a_list_of_maps_is_a_table_that_fits_and_goes_on() {
        let rows: Vec<_> = (0..45)
            .map(|n| json!({"name": format!("row {n}"), "id": n, "much": "x".repeat(90), "parts": {"a": [1, 2]}}))
            .collect();
        let mut shown = shown(json!(rows));
        let first = shown.begin(60).unwrap();
        assert!(first.starts_with("id") && first.contains("row 19") && !first.contains("row 20"), "{first}");
        assert!(first.contains("rows 1 to 20 of 45: :more"), "{first}");
        assert!(widest(&first) <= 60, "{first}");
        assert!(shown.more(60).unwrap().contains("row 39"));
        assert!(shown.more(60).unwrap().contains("row 44"));
        assert_eq!(shown.more(60), None);
        assert!(shown.table(60).unwrap().contains("row 44"));
    }

    #[test]
    fn what_says_which_row_it_is_comes_first_and_what_says_nothing_last() {
        let rows = json!([
            {"commitSetId": 7, "isActive": true, "reason": null, "serverId": 1, "serverName": "a", "zone": "x"},
            {"commitSetId": 7, "isActive": true, "reason": "", "serverId": 2, "serverName": "b", "zone": "y"},
        ]);
        let head =
            shown(rows).begin(200).unwrap().lines().next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(head, "serverId serverName commitSetId isActive zone reason");
    }

    #[test]
    fn a_deep_value_is_folded_until_it_fits_and_can_be_unfolded() {
        let deep = json!({"a": {"b": {"list": (0..50).map(|n| json!({"n": n, "text": "y".repeat(200)})).collect::<Vec<_>>()}}, "z": 1});
        let mut shown = shown(deep);
        let first = shown.begin(80).unwrap();
        assert!(
            first.lines().count() <= PAGE + 1 && first.contains("45 more entries") && first.contains("folded"),
            "{first}"
        );
        assert!(widest(&first) <= 80, "{first}");
        let mut all = String::new();
        while let Some(page) = shown.more(80) {
            all.push_str(&page);
            all.push('\n');
        }
        assert!(all.contains("49") && widest(&all) <= 80, "{all}");
    }

    #[test]
    fn json_is_whole_and_a_map_can_be_a_table() {
        let shown = shown(json!({"a": [1, 2], "b": null}));
        assert_eq!(shown.json().unwrap(), "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": null\n}");
        assert!(shown.table(80).unwrap().contains("a  1, 2"));
    }
}
