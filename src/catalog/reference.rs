//! The reference pages, one for each vendor, from the catalog alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::catalog::{
    Confidence, Effect, Inverse, Kind, LostAnswer, PageStyle, Param, Place, Row, Type, Vendor, signature,
};

/// The page of a vendor in Markdown.
pub fn page(vendor: &Vendor) -> String {
    let mut text = String::new();
    let _infallible = write_page(&mut text, vendor);
    text
}

fn write_page(text: &mut String, vendor: &Vendor) -> std::fmt::Result {
    let reads = vendor.rows.iter().filter(|row| row.effect.name() == "read").count();
    writeln!(text, "# {}\n", vendor.title)?;
    writeln!(
        text,
        "Vendor `{}`: {} calls, of which {reads} only read. This page is made from the catalog; `beadle calls show NAME` \
         shows the same.\n",
        vendor.id,
        vendor.rows.len()
    )?;
    if !vendor.products.is_empty() {
        writeln!(text, "Products: {}.\n", list(vendor.products))?;
    }
    writeln!(text, "Sign-in: {}.\n", list(vendor.auth))?;
    let mut areas: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in vendor.rows {
        areas.entry(row.area).or_default().push(row);
    }
    for (area, rows) in areas {
        writeln!(text, "## {area}\n")?;
        // Hundreds of reports take the same parameters: they are shown once.
        let mut shown: Vec<&Row> = Vec::new();
        for row in rows {
            let same = shown.iter().find(|other| other.params == row.params && !row.params.is_empty());
            write_row(text, row, same.map(|other| other.name))?;
            if same.is_none() {
                shown.push(row);
            }
        }
    }
    Ok(())
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn write_row(text: &mut String, row: &Row, same: Option<&str>) -> std::fmt::Result {
    writeln!(text, "### {}\n", row.name)?;
    writeln!(text, "{}.\n", row.summary)?;
    writeln!(
        text,
        "`{}` · `{} {}{}` · **{}**{}\n",
        signature(row),
        row.method,
        row.base,
        row.path,
        row.effect,
        facts(row)
    )?;
    if !row.doc.is_empty() {
        writeln!(text, "{}\n", row.doc.split_whitespace().collect::<Vec<_>>().join(" "))?;
    }
    if let Some(other) = same {
        writeln!(text, "Parameters as of `{other}`.\n")?;
    } else if !row.params.is_empty() {
        writeln!(text, "| parameter | in | type | |\n|---|---|---|---|")?;
        for param in row.params {
            write_param(text, param, "")?;
        }
        writeln!(text)?;
    }
    if let Some(example) = row.example.as_ref() {
        writeln!(text, "```rhai\n{}\n```\n", example.script)?;
    }
    writeln!(text, "Source: {} ({}).\n", row.source, confidence(row.confidence))
}

fn facts(row: &Row) -> String {
    let mut facts = Vec::new();
    if row.effect.name() != "read" {
        facts.push(match row.lost_answer {
            LostAnswer::Idempotent => "a lost answer is settled by sending again".to_owned(),
            LostAnswer::Detectable => "a lost answer is settled by sending again: a second one is refused".to_owned(),
            LostAnswer::Verify(read) => format!("a lost answer is settled by `{read}`"),
            LostAnswer::Never => "a lost answer leaves it uncertain".to_owned(),
        });
    }
    facts.extend(undo(row));
    facts.extend(row.before.as_ref().map(|read| format!("`{}` shows before and after", read.call)));
    if row.job {
        facts.push("starts a job".into());
    }
    match row.kind {
        Kind::Staged => facts.push("staged in a transaction".into()),
        Kind::Session => facts.push("Beadle calls it by itself".into()),
        Kind::Call => {}
    }
    if !row.on.is_empty() {
        facts.push(format!("only {}", row.on.join(", ")));
    }
    facts.extend(row.since.map(|since| format!("since {since}")));
    facts.extend(row.until.map(|until| format!("until {until}")));
    if row.experimental {
        facts.push("experimental".into());
    }
    if !row.update.is_empty() {
        facts.push(format!("`{}` with a function reads, changes and writes back", row.update));
    }
    if let Some(paging) = row.paging {
        let all = if paging.style == PageStyle::Numbers { "page by page" } else { "by offsets" };
        facts.push(format!("`{}_pages` walks through all of it, {all}", row.name));
    }
    facts.iter().map(|fact| format!(" · {fact}")).collect()
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

fn write_param(text: &mut String, param: &Param, at: &str) -> std::fmt::Result {
    let name = if at.is_empty() { param.name.to_owned() } else { format!("{at}.{}", param.name) };
    let place = match param.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Body => "body",
        Place::Header => "header",
        Place::Form => "form",
        Place::Part => "part",
    };
    let mut notes = vec![param.doc.trim().replace('|', "\\|")];
    if param.required {
        notes.push("Required.".into());
    }
    if let Some(default) = param.default {
        notes.push(format!("Default {default}."));
    }
    if !param.choices.is_empty() {
        notes.push(format!("One of {}.", param.choices.join(", ").replace('|', "\\|")));
    }
    if param.secret {
        notes.push("A secret.".into());
    }
    writeln!(text, "| `{name}` | {place} | {} | {} |", type_name(param.ty), notes.join(" "))?;
    for field in param.fields {
        write_param(text, field, &name)?;
    }
    Ok(())
}

/// A type in the words of a script's author.
pub fn type_name(ty: Type) -> String {
    match ty {
        Type::String => "string".into(),
        Type::Int => "int".into(),
        Type::Float => "float".into(),
        Type::Bool | Type::Flag => "bool".into(),
        Type::Pem => "PEM text".into(),
        Type::File => "path".into(),
        Type::Time(_) => "time".into(),
        Type::Address => "address".into(),
        Type::Regex => "regex".into(),
        Type::Object => "map".into(),
        Type::Any => "any".into(),
        Type::List(inner) => format!("list of {}", type_name(*inner)),
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Seed => "given with the request",
        Confidence::Documented => "documented",
        Confidence::Client => "seen in client code",
        Confidence::Inferred => "concluded",
    }
}
