//! The first items of a request, as a question shows them.

use crate::catalog::{Param, Row};
use crate::door::RawRequest;
use crate::value::{Map, Value};

use super::raw;

/// How many items a question shows.
const SHOWN: usize = 5;
/// How many characters of one item a question shows.
const WIDTH: usize = 100;

/// The first five items of a call: the entries of the lists that its row counts, or its arguments.
pub(super) fn of_call(row: &Row, args: &Map) -> Vec<String> {
    first(row.params, row.items, |param| args.get(param.name))
}

/// The same for a raw request; without a row, its query and its body.
pub(super) fn of_raw(request: &RawRequest, row: Option<&'static Row>) -> Vec<String> {
    if let Some(row) = row {
        return first(row.params, row.items, |param| raw::argument(request, param));
    }
    let query = request.query.iter().map(|(name, value)| shorten(&format!("{name}={}", show(value, &[]))));
    query.chain(request.body.iter().map(|body| shorten(&show(body, &[])))).take(SHOWN).collect()
}

fn first<'a>(
    params: &'static [Param],
    counted: &[&str],
    argument: impl Fn(&Param) -> Option<&'a Value>,
) -> Vec<String> {
    if counted.is_empty() {
        let given = params.iter().filter_map(|param| argument(param).map(|value| (param, value)));
        let shown = given.map(|(param, value)| {
            let text = if param.secret { "***".to_owned() } else { show(value, param.fields) };
            shorten(&format!("{}: {text}", param.name))
        });
        return shown.take(SHOWN).collect();
    }
    let mut shown = Vec::new();
    for param in params.iter().filter(|param| counted.contains(&param.name)) {
        for item in argument(param).and_then(Value::as_list).unwrap_or_default() {
            if shown.len() == SHOWN {
                return shown;
            }
            shown.push(shorten(&format!("{}: {}", param.name, show(item, param.fields))));
        }
    }
    shown
}

/// A value in short; members that their parameter marks as secret are masked.
fn show(value: &Value, fields: &[Param]) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Map(map) => {
            let members = map.iter().map(|(name, value)| {
                let field = fields.iter().find(|field| field.name == name || field.wire == name);
                match field {
                    Some(field) if field.secret => format!("{name} ***"),
                    _ => format!("{name} {}", show(value, field.map_or(&[], |field| field.fields))),
                }
            });
            members.collect::<Vec<_>>().join(", ")
        }
        Value::List(list) => {
            format!("[{}]", list.iter().take(SHOWN).map(|item| show(item, fields)).collect::<Vec<_>>().join(", "))
        }
        other => other.to_json().to_string(),
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(WIDTH).is_some() {
        short.push('…');
    }
    short
}
