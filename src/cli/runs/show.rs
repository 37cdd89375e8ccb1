//! `beadle runs show`: a run's facts and what it did.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value as Json;

use super::facts::facts;
use super::length::width;
use super::next;
use super::open::{Opened, colours, open};
use super::timeline::{Drawing, draw, shown};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::table;
use crate::journal::RunRow;
use crate::run::history::{Document, FORMAT, Reader, RunHistory, learn_secrets};

/// Show a run: its facts, what it did when, and each change with before and after
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The run: an id, the beginning of one, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
    /// Show a long run as a whole, with what a resume has done again
    #[arg(long)]
    pub all: bool,
    /// Show changes only
    #[arg(long)]
    pub changes: bool,
    /// Show the run that `beadle runs export` has written to this file
    #[arg(long, value_name = "FILE", conflicts_with = "id")]
    pub from: Option<PathBuf>,
}

impl ShowArgs {
    /// Shows it.
    pub fn exec(self, program: &Program) -> Done {
        let colours = colours(program);
        let columns = width(usize::from(table::WIDTH));
        let drawing = Drawing { all: self.all, changes: self.changes, width: columns, colours };
        let document = match &self.from {
            Some(file) => read(&program.here.join(file))?,
            None => {
                let opened = open(program)?;
                let run = opened.find(&self.id)?;
                if program.is_json() { document(&opened, &run, &|_, _| true)? } else { brief(&opened, &run, drawing)? }
            }
        };
        let run = &document.run;
        program.print(
            || format!("{}{}", facts(run, drawing.width), draw(run, drawing)),
            || {
                let mut run = run.clone();
                if self.changes {
                    keep_changes(&mut run);
                }
                serde_json::to_value(Document { run, ..document.clone() }).unwrap_or(Json::Null)
            },
        )?;
        if !program.is_json() && self.from.is_none() {
            next(run).into_iter().for_each(|hint| eprintln!("{hint}"));
        }
        Ok(Exit::Succeeded)
    }
}

/// The document of a run with the details that are wanted. What cannot be masked is said on standard error.
///
/// # Errors
/// What cannot be read.
pub fn document(opened: &Opened, run: &RunRow, wanted: &dyn Fn(&str, u64) -> bool) -> Result<Document, CommandFailure> {
    Ok(filled(opened, outline(opened, run)?, wanted))
}

/// The same with the details of what is drawn only.
fn brief(opened: &Opened, run: &RunRow, drawing: Drawing) -> Result<Document, CommandFailure> {
    let outline = outline(opened, run)?;
    let shown = shown(&outline, drawing);
    Ok(filled(opened, outline, &|run, number| shown.contains(&(run.to_owned(), number))))
}

fn outline(opened: &Opened, run: &RunRow) -> Result<RunHistory, CommandFailure> {
    Reader::new(&opened.project).outline(run).map_err(CommandFailure::failed)
}

fn filled(opened: &Opened, mut run: RunHistory, wanted: &dyn Fn(&str, u64) -> bool) -> Document {
    for lost in learn_secrets(&opened.project, &run) {
        eprintln!("note: {lost}");
    }
    Reader::new(&opened.project).fill(&mut run, wanted);
    Document { format: FORMAT, beadle: env!("CARGO_PKG_VERSION").to_owned(), run }
}

/// The document in a file.
fn read(path: &Path) -> Result<Document, CommandFailure> {
    let wrong = |why: String| CommandFailure::usage(format!("{}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let no_export = |error: serde_json::Error| wrong(format!("this is not what `beadle runs export` writes: {error}"));
    let json: Json = serde_json::from_str(&text).map_err(no_export)?;
    match json.get("format").and_then(Json::as_u64) {
        Some(format) if format > u64::from(FORMAT) => {
            Err(wrong(format!("it has format {format}, and this Beadle reads up to {FORMAT}: use the newer Beadle")))
        }
        _ => serde_json::from_value(json).map_err(no_export),
    }
}

fn keep_changes(run: &mut RunHistory) {
    run.entries.retain(crate::run::history::EntryHistory::is_change);
    run.children.iter_mut().for_each(keep_changes);
}

/// Whether the run failed at a change that was sent again after a lost answer, and refused.
fn ends_with_resend(run: &RunHistory) -> bool {
    let culprit = run.error.as_ref().and_then(|error| error.entry);
    let entry = run.entries.iter().find(|entry| Some(entry.number) == culprit);
    let fault = entry.and_then(|entry| entry.detail.as_ref()).and_then(|detail| detail.fault.as_ref());
    fault.is_some_and(|fault| fault.pointer("/details/resent") == Some(&serde_json::Value::Bool(true)))
}

/// What can be done with the run now.
fn next(run: &RunHistory) -> Option<String> {
    if run.parent.is_some() || run.mode == "session" {
        return None;
    }
    let id = &run.id;
    match run.outcome.as_deref() {
        None => Some(format!("`beadle runs cancel {id}` ends it")),
        Some("succeeded") => None,
        Some("waiting") => Some(format!(
            "`beadle serve` goes on with it then; `beadle runs resume {id}` does so now, and waits in its process"
        )),
        Some("uncertain") => Some(next::of_uncertain(id)),
        Some(_) if ends_with_resend(run) => Some(next::of_resent(id)),
        Some(_) => Some(format!("`beadle runs resume {id}` goes on with it")),
    }
}
