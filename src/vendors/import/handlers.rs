//! SEG's listing of handlers: .NET expressions for URLs, and descriptions for people.

use serde_json::Value as Json;

use super::{Found, FoundCall, FoundParam, effect_of, is_secret};

/// What the listing tells.
pub fn read(items: &[Json]) -> Found {
    let mut found = Found { title: "Trustwave SEG / MailMarshal".into(), base: "/seg/api".into(), ..Found::default() };
    for item in items {
        let text = |name: &str| item.get(name).and_then(Json::as_str).unwrap_or_default();
        let method = text("method").to_uppercase();
        match path_of(text("url")) {
            Some((path, params)) => found.calls.push(call(&method, path, params, text("description"))),
            None => found.left_out.push(format!(
                "{method} {}: its expression has optional parts or alternatives; use request() for it",
                text("url")
            )),
        }
    }
    found
}

/// The path template of an expression, and its parameters. The expression is scanned and never
/// compiled: a published one is broken (`(?<serverid>[0-9+]/`).
fn path_of(url: &str) -> Option<(String, Vec<FoundParam>)> {
    let url = url.strip_prefix('^').unwrap_or(url);
    let url = url.strip_suffix('$').unwrap_or(url);
    let mut path = String::from("/");
    let mut params = Vec::new();
    let mut rest = url.trim_start_matches('/');
    while let Some(at) = rest.find("(?<") {
        let (fixed, behind) = rest.split_at(at);
        path.push_str(&fixed_text(fixed)?);
        let (name, behind) = behind.get(3..)?.split_once('>')?;
        // `[^/]+` holds a slash of its own: the class ends at its bracket.
        let (class, behind) = class_of(behind);
        // What follows up to the next slash belongs to the class, broken or not.
        let end = behind.find('/').unwrap_or(behind.len());
        let (tail, behind) = behind.split_at(end);
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        if tail.contains('?') || tail.contains('|') || tail.contains("(?<") {
            return None;
        }
        let repeats = tail.strip_suffix(')').unwrap_or(tail);
        let number = is_digits(class) && (matches!(repeats, "" | "+" | "*") || repeats.starts_with('{'));
        path.push_str(&format!("{{{name}}}"));
        params.push(FoundParam {
            wire: name.to_owned(),
            place: "path",
            ty: if number { "int" } else { "string" }.into(),
            required: true,
            doc: "From the path.".into(),
            ..FoundParam::default()
        });
        rest = behind;
    }
    path.push_str(&fixed_text(rest)?);
    // A placeholder must be a whole segment.
    let whole = path.split('/').all(|part| !part.contains('{') || (part.starts_with('{') && part.ends_with('}')));
    (whole && path.len() > 1).then_some((path, params))
}

/// The character class at the beginning of a group, and what comes behind it.
fn class_of(text: &str) -> (&str, &str) {
    if text.starts_with('[') {
        let end = text.find(']').map_or(text.len(), |end| end + 1);
        // A class that is never closed ends at the slash.
        let slash = if text.starts_with("[^/") || text.starts_with("[^\\/") {
            text.len()
        } else {
            text.find('/').unwrap_or(text.len())
        };
        return text.split_at(end.min(slash));
    }
    let end = text.find([')', '/']).unwrap_or(text.len());
    text.split_at(end)
}

/// Whether a class has digits and nothing else; the published broken one has a `+` within.
fn is_digits(class: &str) -> bool {
    let one = class.strip_prefix("\\d").map(|repeats| repeats.trim_end_matches(['+', '*']));
    let repeated = |rest: &str| rest.is_empty() || (rest.starts_with('{') && rest.ends_with('}'));
    one.is_some_and(repeated) || matches!(class, "[0-9]" | "[0-9+]" | "[0-9" | "[0-9+" | "[\\d]")
}

/// The text that a part of an expression without groups stands for; nothing if it stands for more
/// than one.
fn fixed_text(part: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = part.chars();
    while let Some(c) = chars.next() {
        match c {
            // What is escaped and no letter stands for itself.
            '\\' => text.push(chars.next().filter(|c| c.is_ascii_punctuation())?),
            '(' | ')' | '|' | '?' | '*' | '+' | '[' | ']' | '^' | '$' => return None,
            c => text.push(c),
        }
    }
    // What a path template cannot hold would be another address.
    (!text.contains(['{', '}', '?', '#'])).then_some(text)
}

/// What begins a block of fields, and where its fields go.
const BLOCKS: [(&str, &str); 5] = [
    ("Post data fields:", "body"),
    ("Patch data fields:", "body"),
    ("Put data fields:", "body"),
    ("Delete data fields:", "body"),
    ("Query parameters:", "query"),
];

fn call(method: &str, path: String, mut params: Vec<FoundParam>, description: &str) -> FoundCall {
    let first = description.split("\n").next().unwrap_or_default();
    let summary = first.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    let mut body = None;
    for (head, place) in BLOCKS {
        let Some((_, block)) = description.split_once(head) else { continue };
        let ends = BLOCKS.iter().map(|(head, _)| *head).chain(["\n\n"]);
        let end = ends.filter_map(|end| block.find(end)).min().unwrap_or(block.len());
        let (fields, whole) = fields(block.get(..end).unwrap_or_default(), place);
        if place == "body" {
            // What the grammar does not understand is left to the person: the body is free then.
            body = Some(if whole && !fields.is_empty() { "json" } else { "free" });
        }
        if whole {
            params.extend(fields);
        }
    }
    if body.is_none() && matches!(method, "POST" | "PUT" | "PATCH") {
        body = Some("free");
    }
    FoundCall {
        effect: effect_of(method, &path, summary),
        area: "Discovered".into(),
        summary: if summary.is_empty() { format!("{method} {path}") } else { summary.to_owned() },
        name: String::new(),
        method: method.to_owned(),
        path,
        params,
        body,
        shape: "any",
    }
}

/// `name(type[, required|optional])`, separated by commas; whether all of it was understood.
fn fields(block: &str, place: &'static str) -> (Vec<FoundParam>, bool) {
    let mut params: Vec<FoundParam> = Vec::new();
    let mut rest = block.trim();
    while !rest.is_empty() {
        let Some((name, behind)) = rest.split_once('(') else { return (params, rest.starts_with('-')) };
        let name = name.trim().trim_start_matches([',', '-', ' ']).trim();
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return (params, false);
        }
        let Some(end) = closing(behind) else { return (params, false) };
        let (inside, behind) = behind.split_at(end);
        let lower = inside.to_lowercase();
        let word = lower.split(',').next().unwrap_or_default().trim().trim_start_matches('"');
        let ty = match word {
            "int" | "int64" | "int32" | "long" => "int",
            "bool" | "boolean" => "bool",
            "str" | "string" if lower.contains("regular expression") => "regex",
            "str" | "string" => "string",
            word if word.starts_with("array of object") => "[object]",
            word if word.starts_with("array") => "any",
            _ => return (params, false),
        };
        if params.iter().any(|param| param.wire == name) {
            return (params, false);
        }
        params.push(FoundParam {
            wire: name.to_owned(),
            place,
            ty: ty.into(),
            required: lower.contains("required"),
            secret: is_secret(name),
            doc: "From the appliance's own listing.".into(),
            ..FoundParam::default()
        });
        rest = behind.get(1..).unwrap_or_default().trim_start().trim_start_matches(',').trim_start();
        // Free remarks follow a dash, up to the next line.
        if rest.starts_with('-') {
            rest = rest.split_once('\n').map_or("", |(_, behind)| behind).trim_start();
        }
        if rest.starts_with('.') {
            break;
        }
    }
    (params, true)
}

/// Where the bracket that is open closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
