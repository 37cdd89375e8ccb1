//! Values as a person at the prompt wants to see them.

use crate::value::Value;

/// So many lines of a value are shown.
const LINES: usize = 40;

/// What is shown of a line's value; nothing for `()`.
pub fn value(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        other => {
            let text = format!("{:#}", other.to_json());
            let lines = text.lines().count();
            if lines <= LINES {
                return Some(text);
            }
            let first: Vec<&str> = text.lines().take(LINES).collect();
            Some(format!("{}\n… {} more lines; table(…) and members show parts", first.join("\n"), lines - LINES))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_and_nothing_is_shown_for_unit() {
        assert_eq!(value(&Value::Null), None);
        assert_eq!(value(&Value::Int(3)).as_deref(), Some("3"));
        let long = Value::List((0..200).map(Value::Int).collect());
        assert!(value(&long).unwrap().ends_with("more lines; table(…) and members show parts"));
    }
}
