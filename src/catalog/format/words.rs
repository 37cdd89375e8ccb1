//! The words of the format: types, places, names that are free, and how a wire name follows.

use super::spec::{ParamSpec, WireCase};

/// Words that Rhai keeps to itself, and what every target answers to: no function may bear one.
#[rustfmt::skip]
pub const RESERVED: &[&str] = &[
    "Fn", "as", "async", "await", "break", "call", "case", "catch", "const", "continue", "curry", "debug", "default",
    "do", "else", "eval", "export", "false", "fn", "for", "go", "goto", "if", "import", "in", "is", "is_def_fn",
    "is_def_var", "is_shared", "let", "loop", "match", "module", "name", "new", "nil", "null", "package", "print",
    "private", "protected", "public", "request", "return", "shared", "spawn", "static", "super", "switch", "sync",
    "tags", "this", "thread", "throw", "true", "try", "type_of", "until", "use", "var", "vendor", "void", "while",
    "with", "yield",
];

/// The types; a list of one is written in brackets, such as `[string]`.
#[rustfmt::skip]
pub const TYPES: &[&str] = &[
    "string", "int", "float", "bool", "flag", "pem", "file", "time:epoch", "time:millis", "time:iso", "time:minute",
    "time:minute-end", "time:hour", "time:hour-end", "time:date", "address", "regex", "object", "any",
];

/// The places in which a parameter may travel.
pub const PLACES: &[&str] = &["path", "query", "body", "header", "form", "part"];

/// The type of one entry, for a list of them, or the type itself; `None` if there is no such type.
pub fn entry_type(word: &str) -> Option<&'static str> {
    match word.strip_prefix('[') {
        Some(inner) => entry_type(inner.strip_suffix(']')?),
        None => TYPES.iter().copied().find(|known| *known == word),
    }
}

/// Whether this can be the name of a function or parameter: `snake_case`, in ASCII.
pub fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The name on the wire of a parameter called `name` in scripts.
pub fn wire_name(case: WireCase, name: &str, param: &ParamSpec) -> String {
    param.wire.clone().unwrap_or_else(|| match case {
        WireCase::Snake => name.to_owned(),
        WireCase::Camel => camel(name),
    })
}

/// The placeholders of a path template, in order.
pub fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

/// `start_time` as `startTime`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut wire = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        wire.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        wire.push_str(letters.as_str());
    }
    wire
}
