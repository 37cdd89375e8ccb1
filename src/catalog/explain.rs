//! What there is to say of a call: one source for pages, help at the prompt, completion and the
//! reference. How it looks is the business of each; what it says is not.

use crate::catalog::reference::type_name;
use crate::catalog::{Confidence, Effect, Inverse, Kind, LostAnswer, PageStyle, Param, Row, Type, signature};
use crate::wrap::wrapped;

/// What is shown beside a call's name: one line.
pub fn brief(row: &Row) -> String {
    match row.effect {
        Effect::Read => row.summary.to_owned(),
        effect => format!("{} [{effect}]", row.summary),
    }
}

/// What must be known of a call beyond its parameters, a statement each; names in backticks.
pub fn facts(row: &Row) -> Vec<String> {
    let mut facts = Vec::new();
    let raises = row.raises.iter().map(|raise| format!("{} if `{}` asks for it", raise.effect, raise.param));
    facts.extend(raises);
    if row.effect != Effect::Read {
        facts.push(settling(row.lost_answer));
    }
    facts.extend(undo(row));
    facts.extend(row.before.as_ref().map(|read| format!("`{}` shows before and after", read.call)));
    if row.job {
        facts.push("starts a job rather than writes a state".into());
    }
    match row.kind {
        Kind::Call => {}
        Kind::Staged => facts.push("staged: in a transaction with others, or in one of its own".into()),
        Kind::Session => facts.push("a part of signing in: Beadle calls it, scripts do not".into()),
    }
    if !row.on.is_empty() {
        facts.push(format!("only for targets of {}", row.on.join(", ")));
    }
    if !row.update.is_empty() {
        let keys: String = row.path_params().map(|param| format!("{}, ", param.name)).collect();
        facts.push(format!("`{}({keys}|it| {{ it.x = 1; it }})` reads, changes and writes back", row.update));
    }
    if let Some(paging) = row.paging {
        let how = if paging.style == PageStyle::Numbers { "page by page" } else { "by offsets" };
        facts.push(format!("`for one in {}_pages(…)` walks through all of it, {how}", row.name));
    }
    if row.chunked {
        facts.push("a long file goes in pieces".into());
    }
    if row.experimental {
        facts.push("experimental: needs `experimental = true` at the target to change something".into());
    }
    facts.extend(row.since.map(|since| format!("since version {since}")));
    facts.extend(row.until.map(|until| format!("until version {until}")));
    facts.extend(row.slow.map(|seconds| format!("may take {seconds} s")));
    facts
}

fn settling(rule: LostAnswer) -> String {
    match rule {
        LostAnswer::Idempotent => "a lost answer is settled by sending again".into(),
        LostAnswer::Detectable => "a lost answer is settled by sending again: a second one is refused".into(),
        LostAnswer::Verify(read) => format!("a lost answer is settled by `{read}`"),
        LostAnswer::Never => "a lost answer leaves it uncertain".into(),
    }
}

/// How a change is taken back, in words; `None` for calls that nobody takes back.
pub fn undo(row: &Row) -> Option<String> {
    if row.effect == Effect::Read || row.kind == Kind::Session {
        return None;
    }
    Some(match (&row.inverse, &row.before) {
        (Some(Inverse::Swap(one, other)), _) => format!("undone by itself, with `{one}` and `{other}` exchanged"),
        (Some(Inverse::Call(name, _)), _) => format!("undone by `{name}`"),
        (Some(Inverse::Replace(_)), Some(read)) => format!("undone by writing back what `{}` showed", read.call),
        _ if row.writes_object() && row.params.iter().any(Param::is_secret) => {
            "no undo: former secrets are never shown".into()
        }
        _ => "no undo".into(),
    })
}

/// What a parameter's value must be, beyond its type.
pub fn demands(param: &Param) -> Vec<String> {
    let mut demands = Vec::new();
    if param.required {
        demands.push("required".to_owned());
    }
    if let Some(condition) = &param.required_if {
        demands.push(format!("required if {} is {}", condition.param, condition.equals.join(" or ")));
    }
    demands.extend(limits(param));
    demands.extend(param.default.map(|default| format!("default {default}")));
    if !param.choices.is_empty() {
        demands.push(format!("one of {}", param.choices.join(", ")));
    }
    if !param.forbid.is_empty() {
        demands.push(format!("without {}", param.forbid.chars().map(String::from).collect::<Vec<_>>().join(" ")));
    }
    demands.extend(param.secret.then(|| "secret".to_owned()));
    demands
}

fn limits(param: &Param) -> Option<String> {
    let of = match param.ty {
        Type::String | Type::Regex | Type::Address => "characters: ",
        Type::List(_) => "entries: ",
        _ => "",
    };
    match (param.min, param.max) {
        // A text that must not be empty is what anyone expects.
        (Some(1), None) if of == "characters: " => None,
        (Some(min), Some(max)) => Some(format!("{of}{min} to {max}")),
        (Some(min), None) => Some(format!("{of}at least {min}")),
        (None, Some(max)) => Some(format!("{of}at most {max}")),
        (None, None) => None,
    }
}

/// A parameter in one line: its type, what its value must be, and what it is.
pub fn param_line(param: &Param) -> String {
    let mut facts = vec![type_name(param.ty)];
    facts.extend(demands(param));
    format!("({})  {}", facts.join(", "), param.doc.trim())
}

/// A call's page for a terminal: what it does, how it is written, its parameters, its facts. No line
/// but one of an example's script is wider than `width`.
pub fn page(row: &Row, width: usize) -> String {
    let mut text = wrapped(&format!("{}.{}", row.vendor, signature(row)), width, "", "    ");
    text.push_str(&wrapped(row.summary, width, "  ", "  "));
    if !row.doc.trim().is_empty() {
        text.push('\n');
        // What the catalog breaks into lines is one paragraph; an empty line begins another.
        for paragraph in row.doc.trim().split("\n\n") {
            text.push_str(&wrapped(paragraph, width, "  ", "  "));
        }
    }
    if !row.params.is_empty() {
        text.push_str("\nParameters:\n");
        for param in row.params {
            describe(param, 1, width, &mut text);
        }
    }
    text.push('\n');
    text.push_str(&wrapped(&format!("{} {}{}", row.method, row.base, row.path), width, "", "  "));
    text.push_str(&wrapped(&format!("effect {}", row.effect), width, "", "  "));
    for fact in facts(row) {
        text.push_str(&wrapped(&fact.replace('`', ""), width, "", "  "));
    }
    text.push_str(&wrapped(&source(row), width, "", "  "));
    if let Some(example) = &row.example {
        text.push_str(&format!("\nExample:\n  {}\n", example.script));
        text.push_str(&wrapped(&format!("gives {}", example.answer), width, "  ", "    "));
    }
    text
}

/// Where the facts come from, and how sure they are.
pub fn source(row: &Row) -> String {
    format!("source: {} ({})", row.source, confidence(row.confidence))
}

fn describe(param: &Param, depth: usize, width: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    let line = format!("{} {}", param.name, param_line(param));
    text.push_str(&wrapped(&line, width, &indent, &format!("{indent}    ")));
    for field in param.fields {
        describe(field, depth + 1, width, text);
    }
}

/// How sure a fact is, in words.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Seed => "given with the request",
        Confidence::Documented => "documented",
        Confidence::Client => "seen in client code",
        Confidence::Inferred => "concluded",
    }
}
