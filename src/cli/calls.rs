//! `beadle calls`: the catalog, for people and programs.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::catalog::{Catalog, Confidence, Effect, Kind, LostAnswer, Param, Place, Row, Type, reference, signature};
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
    /// Write the reference pages into a folder, one for each vendor
    Document {
        /// The folder
        folder: PathBuf,
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
            Self::Document { folder } => return document(program, &catalog, &folder),
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

fn document(program: &Program, catalog: &Catalog, folder: &Path) -> Done {
    let folder = program.here.join(folder);
    std::fs::create_dir_all(&folder)?;
    for vendor in catalog.vendors() {
        let file = folder.join(format!("{}.md", vendor.id));
        let wrong = |error: std::io::Error| CommandFailure::failed(format!("{}: {error}", file.display()));
        std::fs::write(&file, reference::page(vendor)).map_err(wrong)?;
    }
    Ok(Exit::Succeeded)
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

/// A call's page: what it does, how it is written, its parameters, its facts. No line but one of an
/// example's script is wider than the screen.
pub fn page(row: &Row) -> String {
    let mut text = wrapped(&format!("{}.{}", row.vendor, signature(row)), "", "    ");
    text.push_str(&wrapped(row.summary, "  ", "  "));
    if !row.doc.trim().is_empty() {
        text.push('\n');
        // What the catalog breaks into lines is one paragraph; an empty line begins another.
        for paragraph in row.doc.trim().split("\n\n") {
            text.push_str(&wrapped(paragraph, "  ", "  "));
        }
    }
    if !row.params.is_empty() {
        text.push_str("\nParameters:\n");
        for param in row.params {
            describe(param, 1, &mut text);
        }
    }
    text.push('\n');
    for fact in facts(row) {
        text.push_str(&wrapped(&fact, "", "  "));
    }
    if let Some(example) = &row.example {
        text.push_str(&format!("\nExample:\n  {}\n", example.script));
        text.push_str(&wrapped(&format!("gives {}", example.answer), "  ", "    "));
    }
    text
}

fn facts(row: &Row) -> Vec<String> {
    let mut facts = vec![format!("{} {}{}", row.method, row.base, row.path)];
    let effect = match row.effect {
        Effect::Read => "effect read".to_owned(),
        other => format!("effect {other}; a lost answer: {}", lost_answer(row.lost_answer)),
    };
    let raises = row.raises.iter().map(|raise| format!("{} if {} asks for it", raise.effect, raise.param));
    facts.push([effect].into_iter().chain(raises).collect::<Vec<_>>().join("; "));
    facts.extend(reference::undo(row));
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
        facts.push(format!("{}({keys}|it| {{ it.x = 1; it }}) reads, changes and writes back", row.update));
    }
    if row.paging.is_some() {
        facts.push(format!("for one in {}_pages(…) walks through all pages", row.name));
    }
    if row.chunked {
        facts.push("a long file goes in pieces".into());
    }
    if row.experimental {
        facts.push("experimental: needs experimental = true at the target to change something".into());
    }
    let versions: Vec<String> = row
        .since
        .map(|since| format!("since version {since}"))
        .into_iter()
        .chain(row.until.map(|until| format!("until version {until}")))
        .chain(row.slow.map(|seconds| format!("may take {seconds} s")))
        .collect();
    if !versions.is_empty() {
        facts.push(versions.join("; "));
    }
    facts.push(format!("source: {} ({})", row.source, confidence(row.confidence)));
    facts
}

/// Words in lines of the screen's width. A word that is wider stands alone.
fn wrapped(text: &str, first: &str, rest: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let width = line.chars().count() + usize::from(!is_empty) + word.chars().count();
        if !is_empty && width > usize::from(table::WIDTH) {
            lines.push_str(&line);
            lines.push('\n');
            line = rest.to_owned();
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push_str(&line);
    lines.push('\n');
    lines
}

fn describe(param: &Param, depth: usize, text: &mut String) {
    let mut facts = vec![reference::type_name(param.ty)];
    if param.required {
        facts.push("required".into());
    }
    if let Some(condition) = &param.required_if {
        facts.push(format!("required if {} is {}", condition.param, condition.equals.join(" or ")));
    }
    facts.extend(limits(param));
    facts.extend(param.default.map(|default| format!("default {default}")));
    if !param.choices.is_empty() {
        facts.push(format!("one of {}", param.choices.join(", ")));
    }
    if !param.forbid.is_empty() {
        facts.push(format!("without {}", param.forbid.chars().map(String::from).collect::<Vec<_>>().join(" ")));
    }
    facts.extend(param.secret.then(|| "secret".to_owned()));
    let indent = "  ".repeat(depth);
    let line = format!("{} ({})  {}", param.name, facts.join(", "), param.doc);
    text.push_str(&wrapped(&line, &indent, &format!("{indent}    ")));
    for field in param.fields {
        describe(field, depth + 1, text);
    }
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

fn json_of(row: &Row) -> serde_json::Value {
    json!({
        "vendor": row.vendor,
        "name": row.name,
        "signature": signature(row),
        "method": row.method,
        "base": row.base,
        "path": row.path,
        "effect": row.effect.name(),
        "on": row.on,
        "update": (!row.update.is_empty()).then_some(row.update),
        "pages": row.paging.map(|_| format!("{}_pages", row.name)),
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
        "type": reference::type_name(param.ty),
        "required": param.required,
        "secret": param.secret,
        "doc": param.doc,
        "fields": param.fields.iter().map(param_json).collect::<Vec<_>>(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_wider_than_the_screen_but_for_scripts() {
        let catalog = Catalog::builtin();
        let mut offenders = Vec::new();
        for row in catalog.rows() {
            let script = row.example.as_ref().map_or("", |example| example.script);
            let page = page(row);
            let wide = page.lines().filter(|line| line.chars().count() > usize::from(table::WIDTH));
            offenders.extend(
                wide.filter(|line| line.trim() != script && !line.contains(row.path))
                    .map(|line| format!("{}: {line}", row.name)),
            );
        }
        let list = overview(&catalog.rows().collect::<Vec<_>>());
        offenders.extend(list.lines().filter(|line| line.chars().count() > 100).map(str::to_owned));
        assert!(offenders.is_empty(), "{}", offenders.join("\n"));
    }

    #[test]
    fn a_page_names_limits_conditions_and_what_is_asked_of_a_target() {
        let row = Catalog::builtin().row("seg", "ip_group_delta").unwrap();
        let page = page(row);
        for wanted in [
            "cidr (int, required, 0 to 128)",
            "required if cidr is 0",
            "without ( ) / \\ ; .",
            "detectable",
            "undone by itself, with `add` and `remove` exchanged",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
    }

    #[test]
    fn a_page_says_how_a_change_is_undone_and_what_shows_it() {
        let facts = |vendor: &str, name: &str| facts(Catalog::builtin().row(vendor, name).unwrap()).join("\n");
        let replace = facts("sps", "ssh_connection_replace");
        assert!(replace.contains("undone by writing back what `ssh_connection` showed"), "{replace}");
        let secret = facts("spectra", "config_smtp_set");
        assert!(secret.contains("no undo: former secrets are never shown\n`config_smtp` shows before"), "{secret}");
        let job = facts("seg", "config_backup_run");
        assert!(job.contains("starts a job rather than writes a state"), "{job}");
        assert!(!facts("seg", "groups").contains("undo"));
    }
}
