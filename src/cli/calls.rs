//! `beadle calls`: the catalog, for people and programs.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use crate::catalog::{Catalog, Confidence, Kind, LostAnswer, Param, Place, Row, explain, reference, signature};
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
        #[arg(long, value_name = "VENDOR")]
        vendor: Option<String>,
    },
    /// Show one call with its parameters
    Show {
        /// The call's name, or vendor.name
        #[arg(value_name = "CALL")]
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
                    || rows.iter().map(|row| explain::page(row, table::WIDTH.into())).collect::<Vec<_>>().join("\n"),
                    || rows.iter().map(|row| json_of(row)).collect(),
                )?;
            }
            Self::Document { folder } => return document(program, &catalog, &folder),
            Self::Search { words } => {
                let rows = catalog.search(&words.join(" "));
                if rows.is_empty() && !program.is_json() {
                    eprintln!("no call fits '{}'; try fewer or other words", words.join(" "));
                    return Ok(Exit::Succeeded);
                }
                // For people the best of them: nobody reads three hundred.
                let best = rows.get(..BEST).unwrap_or(&rows);
                program.print(|| overview(best), || rows.iter().map(|row| json_of(row)).collect())?;
                if !program.is_json() && rows.len() > best.len() {
                    eprintln!("… and {} more: another word narrows it down", rows.len() - best.len());
                }
            }
        }
        Ok(Exit::Succeeded)
    }
}

/// So many finds of a search are shown to people.
const BEST: usize = 20;

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
    let row = |row: &&Row| {
        let alone = if row.kind == Kind::Session { " (Beadle alone)" } else { "" };
        [format!("{}.{}", row.vendor, row.name), row.effect.name().to_owned(), format!("{}{alone}", row.summary)]
    };
    table::names(["CALL", "EFFECT", "SUMMARY"], rows.iter().map(row))
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
            let page = explain::page(row, table::WIDTH.into());
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
        let page = explain::page(row, table::WIDTH.into());
        for wanted in [
            "cidr (int, required, 0 to 128)",
            "required if cidr is 0",
            "without ( ) / \\ ; .",
            "a second one is refused",
            "undone by itself, with add and remove exchanged",
        ] {
            assert!(page.contains(wanted), "{wanted}\n{page}");
        }
    }

    #[test]
    fn a_page_says_how_a_change_is_undone_and_what_shows_it() {
        let facts = |vendor: &str, name: &str| explain::facts(Catalog::builtin().row(vendor, name).unwrap()).join("\n");
        let replace = facts("sps", "ssh_connection_replace");
        assert!(replace.contains("undone by writing back what `ssh_connection` showed"), "{replace}");
        let secret = facts("spectra", "config_smtp_set");
        assert!(secret.contains("no undo: former secrets are never shown\n`config_smtp` shows before"), "{secret}");
        let job = facts("seg", "config_backup_run");
        assert!(job.contains("starts a job rather than writes a state"), "{job}");
        assert!(!facts("seg", "groups").contains("undo"));
    }
}
