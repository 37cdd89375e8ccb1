//! `beadle calls`: the catalog, for people and programs.

use clap::Subcommand;
use serde_json::json;

use crate::catalog::{Confidence, Kind, LostAnswer, Param, Place, Row, Type, signature};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::table;

/// Show the calls of the catalog
#[derive(Debug, Subcommand)]
pub enum CallsCommand {
    /// List every call
    List {
        /// Only of this vendor
        #[arg(long)]
        vendor: Option<String>,
    },
    /// Show one call with its parameters
    Show {
        /// The call's name, or vendor.name
        name: String,
    },
    /// Find calls by words
    Search {
        /// What the call should do, such as: block ip
        #[arg(required = true)]
        words: Vec<String>,
    },
}

impl CallsCommand {
    /// Shows what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let (_, catalog) = program.config()?;
        match self {
            Self::List { vendor } => {
                if let Some(vendor) = vendor.as_ref().filter(|vendor| catalog.vendor(vendor).is_none()) {
                    let ids: Vec<&str> = catalog.vendors().iter().map(|vendor| vendor.id).collect();
                    let message = format!("there is no vendor '{vendor}'. There are: {}", ids.join(", "));
                    return Err(CommandFailure::usage(message));
                }
                let rows: Vec<&Row> =
                    catalog.rows().filter(|row| vendor.as_deref().is_none_or(|vendor| vendor == row.vendor)).collect();
                program.print(|| overview(&rows), || rows.iter().map(|row| json_of(row)).collect())?;
            }
            Self::Show { name } => {
                let rows = catalog.named(&name).map_err(|message| {
                    CommandFailure::usage(message).hint("`beadle calls search WORDS` finds calls by what they do")
                })?;
                program.print(
                    || rows.iter().map(|row| page(row)).collect::<Vec<_>>().join("\n"),
                    || rows.iter().map(|row| json_of(row)).collect(),
                )?;
            }
            Self::Search { words } => {
                let rows = catalog.search(&words);
                if rows.is_empty() && !program.is_json() {
                    eprintln!("no call fits '{}'; try fewer or other words", words.join(" "));
                    return Ok(Exit::Succeeded);
                }
                program.print(|| overview(&rows), || rows.iter().map(|row| json_of(row)).collect())?;
            }
        }
        Ok(Exit::Succeeded)
    }
}

fn overview(rows: &[&Row]) -> String {
    table::plain(
        &["call", "effect", "summary"],
        rows.iter().map(|row| {
            let summary = if row.kind == Kind::Session {
                format!("{} (Beadle alone)", row.summary)
            } else {
                row.summary.to_owned()
            };
            vec![format!("{}.{}", row.vendor, row.name), row.effect.name().to_owned(), summary]
        }),
    )
}

/// A call's page: what it does, how it is written, its parameters, its facts.
pub fn page(row: &Row) -> String {
    let mut text = format!("{}.{}\n  {}\n", row.vendor, signature(row), row.summary);
    if !row.doc.trim().is_empty() {
        text.push('\n');
        for line in row.doc.trim().lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if !row.params.is_empty() {
        text.push_str("\nParameters:\n");
        for param in row.params {
            describe(param, 1, &mut text);
        }
    }
    let mut facts = vec![format!("{} {}{}", row.method, row.base, row.path), format!("effect {}", row.effect)];
    if row.effect != crate::catalog::Effect::Read {
        facts.push(format!("a lost answer: {}", lost_answer(row.lost_answer)));
    }
    facts.extend(row.since.map(|since| format!("since version {since}")));
    facts.extend(row.slow.map(|seconds| format!("may take {seconds} s")));
    facts.push(format!("source: {} ({})", row.source, confidence(row.confidence)));
    text.push_str(&format!("\n{}\n", facts.join("; ")));
    if let Some(example) = &row.example {
        text.push_str(&format!("\nExample:\n  {}\n  gives {}\n", example.script, example.answer));
    }
    text
}

fn describe(param: &Param, depth: usize, text: &mut String) {
    let mut facts = vec![type_name(param.ty)];
    if param.required {
        facts.push("required".into());
    }
    if let Some(condition) = &param.required_if {
        facts.push(format!("required if {} is {}", condition.param, condition.equals.join(" or ")));
    }
    facts.extend(param.default.map(|default| format!("default {default}")));
    if !param.choices.is_empty() {
        facts.push(format!("one of {}", param.choices.join(", ")));
    }
    facts.extend(param.secret.then(|| "secret".to_owned()));
    let indent = "  ".repeat(depth);
    text.push_str(&format!("{indent}{} ({})  {}\n", param.name, facts.join(", "), param.doc));
    for field in param.fields {
        describe(field, depth + 1, text);
    }
}

fn json_of(row: &Row) -> serde_json::Value {
    json!({
        "vendor": row.vendor,
        "name": row.name,
        "signature": signature(row),
        "method": row.method,
        "base": row.base,
        "path": row.path,
        "effect": row.effect.name(),
        "kind": match row.kind { Kind::Call => "call", Kind::Staged => "staged", Kind::Session => "session" },
        "experimental": row.experimental,
        "lost_answer": lost_answer(row.lost_answer),
        "summary": row.summary,
        "doc": row.doc.trim(),
        "area": row.area,
        "since": row.since,
        "source": row.source,
        "confidence": confidence(row.confidence),
        "params": row.params.iter().map(param_json).collect::<Vec<_>>(),
    })
}

fn param_json(param: &Param) -> serde_json::Value {
    json!({
        "name": param.name,
        "wire": param.wire,
        "place": match param.place {
            Place::Path => "path",
            Place::Query => "query",
            Place::Body => "body",
            Place::Header => "header",
            Place::Form => "form",
            Place::Part => "part",
        },
        "type": type_name(param.ty),
        "required": param.required,
        "secret": param.secret,
        "doc": param.doc,
        "fields": param.fields.iter().map(param_json).collect::<Vec<_>>(),
    })
}

fn type_name(ty: Type) -> String {
    match ty {
        Type::String => "string".into(),
        Type::Int => "int".into(),
        Type::Float => "float".into(),
        Type::Bool => "bool".into(),
        Type::Time(_) => "time".into(),
        Type::Address => "address".into(),
        Type::Regex => "regex".into(),
        Type::Object => "map".into(),
        Type::Any => "any".into(),
        Type::List(inner) => format!("list of {}", type_name(*inner)),
    }
}

fn lost_answer(rule: LostAnswer) -> String {
    match rule {
        LostAnswer::Idempotent => "idempotent".into(),
        LostAnswer::Detectable => "detectable".into(),
        LostAnswer::Verify(read) => format!("verify {read}"),
        LostAnswer::Never => "never".into(),
    }
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Seed => "seed",
        Confidence::Documented => "documented",
        Confidence::Client => "client",
        Confidence::Inferred => "inferred",
    }
}
