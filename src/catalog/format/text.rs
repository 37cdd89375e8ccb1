//! From text to spec, and mistakes with their line.

use toml::Value;

use super::spec::Spec;

/// A mistake in a catalog file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what cures it.
    pub message: String,
}

/// Reads a catalog file.
///
/// # Errors
/// The first place that cannot be read.
pub fn read(text: &str) -> Result<Spec, Mistake> {
    toml::from_str(text).map_err(|error| Mistake {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        message: with_nearest(error.message()),
    })
}

/// The line of a byte offset, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).map_or(1, |before| before.matches('\n').count() + 1)
}

/// The line of a key within the table that begins at `line`, from 1; `keys` are the outermost
/// first. Where a key is not at the begin of a line, the last that is counts.
pub fn line_near(text: &str, line: usize, keys: &[String]) -> usize {
    let mut found = line;
    let mut wanted = keys.iter().peekable();
    for (number, content) in (1..).zip(text.lines()).skip(line.saturating_sub(1)) {
        let content = content.trim();
        if number > line && content.starts_with("[[") {
            break;
        }
        let key = content.split('=').next().unwrap_or_default().trim_matches(['[', ']', ' ']);
        let parts = key.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
        for part in parts {
            if wanted.peek().is_some_and(|wanted| *wanted == part) {
                wanted.next();
                found = number;
            } else if let Some(later) = wanted.clone().skip(1).find(|wanted| *wanted == part) {
                // A key between may stand in another line, as in `[call.params]` before it.
                while wanted.next_if(|skipped| *skipped != later).is_some() {}
                wanted.next();
                found = number;
            }
        }
        if wanted.peek().is_none() {
            break;
        }
    }
    found
}

/// Adds the nearest right name to serde's message about an unknown key.
pub fn with_nearest(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field").then(|| quoted.next()).flatten();
    let Some(unknown) = unknown else { return message.to_owned() };
    let hint = crate::nearest::did_you_mean(unknown, quoted);
    format!("unknown key '{unknown}'.{hint}")
}

/// A TOML value as JSON text.
pub fn json_of(value: &Value) -> String {
    match value {
        Value::String(text) => quote(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(time) => quote(&time.to_string()),
        Value::Array(items) => format!("[{}]", items.iter().map(json_of).collect::<Vec<_>>().join(",")),
        Value::Table(table) => {
            let members = table.iter().map(|(name, value)| format!("{}:{}", quote(name), json_of(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", c as u32)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
