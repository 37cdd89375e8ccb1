//! The reference pages, one for each vendor, from the catalog alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::catalog::{Param, Place, Row, Type, Vendor, explain, signature};

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
    let source = explain::source(row);
    writeln!(text, "{}{}.\n", source.get(..1).unwrap_or_default().to_uppercase(), source.get(1..).unwrap_or_default())
}

fn facts(row: &Row) -> String {
    explain::facts(row).iter().map(|fact| format!(" · {fact}")).collect()
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
    let demands = explain::demands(param).join("; ");
    let notes = [param.doc.trim(), demands.as_str()].into_iter().filter(|note| !note.is_empty());
    let notes = notes.collect::<Vec<_>>().join(" — ").replace('|', "\\|");
    writeln!(text, "| `{name}` | {place} | {} | {notes} |", type_name(param.ty))?;
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
