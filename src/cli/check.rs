//! `beadle check`: everything that can be known before running.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::config::Config;
use crate::engine::check::{Code, Finding, Severity};
use crate::engine::{Index, Place, Sources};
use crate::run::{self, Checked, Playbook, PlaybookError, Project};

/// Say what is wrong with scripts and configuration, before anything runs
///
/// Without arguments: every playbook of the project, its triggers and its secrets. With them: those
/// scripts and what they import. `run` refuses what has errors here.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Playbooks, std/… names or files; by default the whole project
    #[arg(value_name = "PLAYBOOK|FILE")]
    pub scripts: Vec<String>,
    /// Count warnings as errors
    #[arg(long)]
    pub strict: bool,
}

impl CheckArgs {
    /// Checks what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let (project, _runtime) = program.project()?;
        let index = Arc::new(Index::new(&project.catalog));
        let found = if self.scripts.is_empty() {
            whole(program, &project, &index)?
        } else {
            let find = |name: &String| Playbook::find(name, &program.here, &project.config.folder);
            self.scripts.iter().map(|name| one(&project, &index, find(name))).collect::<Result<_, _>>()?
        };
        let mut seen = BTreeSet::new();
        let mut findings: Vec<(&Finding, &Sources)> = Vec::new();
        for checked in &found {
            for finding in &checked.findings {
                // Two scripts may import one module.
                let place = &finding.place;
                if seen.insert((place.file.clone(), place.line, place.column, finding.message.clone())) {
                    findings.push((finding, &checked.sources));
                }
            }
        }
        let count = |severity| findings.iter().filter(|(finding, _)| finding.severity == severity).count();
        let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
        program.print(
            || {
                let drawn = findings.iter().map(|(finding, sources)| {
                    let drawn = finding.render(sources, program.colours_out());
                    format!("{}\n\n", project.masker().mask(&drawn))
                });
                drawn.collect()
            },
            || {
                let listed: Vec<_> = findings.iter().map(|(finding, sources)| json_of(finding, sources)).collect();
                json!({ "findings": listed, "errors": errors, "warnings": warnings, "checked": found.len() })
            },
        )?;
        if !program.is_json() {
            eprintln!("{}", summary(errors, warnings, found.len()));
        }
        let wrong = errors > 0 || (self.strict && warnings > 0);
        Ok(if wrong { Exit::Found } else { Exit::Succeeded })
    }
}

/// Every playbook of the project, and its configuration.
fn whole(program: &Program, project: &Arc<Project>, index: &Arc<Index>) -> Result<Vec<Checked>, CommandFailure> {
    let playbooks = Playbook::own(&project.config.folder);
    if playbooks.is_empty() && project.config.file.is_none() {
        return Err(CommandFailure::usage("there is nothing to check here: name a script, or make a project")
            .hint("`beadle init DIR` makes a project"));
    }
    let mut found: Vec<Checked> =
        playbooks.into_iter().map(|found| one(project, index, found)).collect::<Result<_, _>>()?;
    if let Some(file) = &project.config.file {
        let shown = file.strip_prefix(&program.here).unwrap_or(file).display().to_string();
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let sources = Sources::default();
        sources.add(&shown, &text);
        let findings = crate::service::check(project, &shown, &text);
        found.push(Checked { name: shown, findings, sources });
    }
    Ok(found)
}

/// One script; a wrong header is a finding like others.
fn one(
    project: &Project,
    index: &Arc<Index>,
    found: Result<Playbook, PlaybookError>,
) -> Result<Checked, CommandFailure> {
    let (playbook, broken) = match found {
        Ok(playbook) => (playbook, None),
        Err(PlaybookError::Header { error, bare, .. }) => (*bare, Some(error)),
        // The others are checked all the same.
        Err(PlaybookError::Unreadable { name, cause }) => {
            let shown = Path::new(&name)
                .strip_prefix(&project.config.folder)
                .map_or(name.clone(), |path| path.display().to_string());
            let place = Place { file: shown.clone(), line: 1, column: 1 };
            let findings = vec![Finding::new(Code::Header, place, format!("it cannot be read: {cause}"))];
            return Ok(Checked { name: shown, findings, sources: Sources::default() });
        }
        Err(other) => return Err(CommandFailure::usage(other)),
    };
    let name = shown(&playbook, &project.config);
    Ok(run::check(&project.config, index, &playbook, &name, broken.as_ref()))
}

/// What messages call a script: a path that can be opened, where there is one.
fn shown(playbook: &Playbook, config: &Config) -> String {
    let own = Path::new("playbooks").join(&playbook.name).with_extension("rhai");
    let is_own = !playbook.name.starts_with("std/")
        && playbook.folder.as_deref() == config.folder.join(&own).parent()
        && config.folder.join(&own).is_file();
    if is_own { own.display().to_string() } else { playbook.name.clone() }
}

fn json_of(finding: &Finding, sources: &Sources) -> serde_json::Value {
    let place = &finding.place;
    json!({
        "severity": finding.severity.name(),
        "code": finding.code.name(),
        "message": finding.message,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_column": finding.end_column(sources),
        "nearest": finding.nearest,
        "signature": finding.signature,
        "hint": finding.hint,
    })
}

fn summary(errors: usize, warnings: usize, checked: usize) -> String {
    let many = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => format!("{} checked: nothing is wrong", many(checked, "file")),
        _ => format!("{} checked: {}, {}", many(checked, "file"), many(errors, "error"), many(warnings, "warning")),
    }
}
