//! Rules across parameters.

use crate::catalog::{Condition, Row, Rule};
use crate::value::{Map, Value};

/// Notes every rule that the arguments break.
pub fn check(row: &Row, args: &Map, mistakes: &mut Vec<String>) {
    let given = |names: &[&str]| names.iter().filter(|name| args.contains_key(**name)).count();
    for rule in row.rules {
        match rule {
            Rule::AnyOf(names) if given(names) == 0 => {
                mistakes.push(broken(rule));
            }
            Rule::OneOf(names) if given(names) != 1 => {
                mistakes.push(broken(rule));
            }
            Rule::Together(names) if !matches!(given(names), 0) && given(names) != names.len() => {
                mistakes.push(broken(rule));
            }
            Rule::Needs([first, others @ ..]) if given(&[first]) == 1 && given(others) == 0 => {
                mistakes.push(broken(rule));
            }
            Rule::Ordered(low, high) if is_greater(args.get(*low), args.get(*high)) => mistakes.push(broken(rule)),
            _ => {}
        }
    }
    // A replacement by an empty list is something to do.
    if row.update.is_empty()
        && !row.items.is_empty()
        && row.items.iter().all(|name| is_empty(args.get(*name)))
        && mistakes.is_empty()
    {
        mistakes.push(nothing_to_do(row));
    }
}

/// What a broken rule says.
pub fn broken(rule: &Rule) -> String {
    match rule {
        Rule::AnyOf(names) => format!("at least one of {} is required", names.join(", ")),
        Rule::OneOf(names) => format!("exactly one of {} is required", names.join(", ")),
        Rule::Together(names) => format!("{} belong together: give all of them or none", names.join(", ")),
        Rule::Needs([first, others @ ..]) => format!("'{first}' is of no use without {}", others.join(" or ")),
        Rule::Needs([]) => String::new(),
        Rule::Ordered(low, high) => format!("'{low}' must not be greater than '{high}'"),
    }
}

/// Whether two values that are there are in the wrong order.
pub fn is_greater(low: Option<&Value>, high: Option<&Value>) -> bool {
    match (low, high) {
        (Some(Value::Int(low)), Some(Value::Int(high))) => low > high,
        (Some(Value::Float(low)), Some(Value::Float(high))) => low > high,
        (Some(Value::Time(low)), Some(Value::Time(high))) => low > high,
        _ => false,
    }
}

/// What is said when every list that counts is empty.
pub fn nothing_to_do(row: &Row) -> String {
    format!("there is nothing to do: {} is empty", row.items.join(" and "))
}

/// Whether a condition on a sibling holds.
pub fn holds(condition: &Condition, args: &Map) -> bool {
    args.get(condition.param).is_some_and(|value| is_met(condition, value))
}

/// Whether a sibling's value is one of those that the condition names.
pub fn is_met(condition: &Condition, value: &Value) -> bool {
    match value {
        // The common case, without writing JSON for every entry of a long list.
        Value::Int(number) => condition.equals.iter().any(|json| json.parse() == Ok(*number)),
        other => condition.equals.contains(&other.to_json().to_string().as_str()),
    }
}

fn is_empty(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::List(list)) => list.is_empty(),
        Some(_) => false,
    }
}
