//! `beadle triggers`: schedules and watches, and what became of their firings.

use clap::Subcommand;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::table;
use crate::run::Project;
use crate::service::definitions;
use crate::trigger::Triggers;

/// Show schedules and watches
#[derive(Debug, Subcommand)]
pub enum TriggersCommand {
    /// List the triggers with what comes next
    List,
    /// Explain one trigger: when it goes off next, and what became of earlier firings
    Explain {
        /// The trigger
        #[arg(value_name = "TRIGGER")]
        name: String,
    },
    /// Make a trigger go off now; `serve` starts its run
    Fire {
        /// The trigger
        #[arg(value_name = "TRIGGER")]
        name: String,
    },
    /// Let a trigger rest
    Pause {
        /// The trigger
        #[arg(value_name = "TRIGGER")]
        name: String,
    },
    /// Let a paused trigger go on
    Resume {
        /// The trigger
        #[arg(value_name = "TRIGGER")]
        name: String,
    },
}

impl TriggersCommand {
    /// Does what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let (project, _runtime) = program.project()?;
        let (schedules, watches) =
            definitions(&project).map_err(|mistakes| CommandFailure::usage(mistakes.join("\nerror: ")))?;
        let state = project.state().map_err(|fault| CommandFailure::failed(fault.message))?;
        let now = project.clock.now();
        let mut triggers = Triggers::open(state, schedules, watches, now).map_err(CommandFailure::failed)?;
        match self {
            Self::List => list(program, &project, &triggers)?,
            Self::Explain { name } => explain(program, &triggers, &name, now)?,
            Self::Fire { name } => {
                let firing = triggers.fire(&name, now).map_err(CommandFailure::usage)?;
                eprintln!("{name} has gone off (firing {}); `beadle serve` starts its run", firing.id);
            }
            Self::Pause { name } => {
                triggers.pause(&name, now).map_err(CommandFailure::usage)?;
                eprintln!("{name} rests until `beadle triggers resume {name}`");
            }
            Self::Resume { name } => {
                triggers.resume(&name, now).map_err(CommandFailure::usage)?;
                eprintln!("{name} goes on");
            }
        }
        Ok(Exit::Succeeded)
    }
}

fn list(program: &Program, project: &Project, triggers: &Triggers) -> Result<(), CommandFailure> {
    let now = project.clock.now();
    let mut rows = Vec::new();
    for (name, schedule) in &project.config.schedules {
        let next = triggers.schedules.get(name).and_then(|schedule| schedule.schedule.next_after(now));
        let next = next.map(|due| due.at.to_string()).unwrap_or_default();
        rows.push((
            name,
            "schedule",
            schedule.playbook.clone(),
            format!("{} {}", schedule.cron, schedule.timezone),
            next,
        ));
    }
    for (name, watch) in &project.config.watches {
        let paths: Vec<String> = watch.paths.iter().map(|path| path.display().to_string()).collect();
        rows.push((name, "watch", watch.playbook.clone(), paths.join(", "), String::new()));
    }
    if rows.is_empty() && !program.is_json() {
        eprintln!("no triggers are configured: see [schedules.NAME] and [watches.NAME] in beadle.toml");
        return Ok(());
    }
    program.print(
        || {
            let lines = rows.iter().map(|(name, kind, playbook, when, next)| {
                vec![(*name).clone(), (*kind).to_owned(), playbook.clone(), when.clone(), next.clone()]
            });
            table::plain(&["trigger", "kind", "playbook", "when", "next"], lines)
        },
        || {
            let rows = rows.iter().map(|(name, kind, playbook, when, next)| {
                json!({ "name": name, "kind": kind, "playbook": playbook, "when": when, "next": next })
            });
            rows.collect()
        },
    )?;
    Ok(())
}

fn explain(program: &Program, triggers: &Triggers, name: &str, now: jiff::Timestamp) -> Result<(), CommandFailure> {
    let (standing, account, rows) = triggers.explain(name, 20).map_err(CommandFailure::usage)?;
    let mut text = String::new();
    if let Some(schedule) = triggers.schedules.get(name) {
        let mut at = now;
        for _ in 0..5 {
            let Some(due) = schedule.schedule.next_after(at) else { break };
            text.push_str(&format!("next: {}\n", schedule.schedule.explain(&due)));
            at = due.at;
        }
    }
    if standing.as_ref().is_some_and(|standing| standing.paused) {
        text.push_str("it is paused\n");
    }
    text.push_str(&format!(
        "due {} = started {} + merged {} + skipped {} + queued {}\n",
        account.due, account.started, account.merged, account.skipped, account.queued
    ));
    if !rows.is_empty() {
        text.push_str(&table::plain(
            &["when", "count", "state", "why"],
            rows.iter().map(|row| {
                let late = row.late.map(|micros| format!("{} ms late", micros / 1000));
                vec![
                    row.first.to_string(),
                    row.count.to_string(),
                    row.state.clone(),
                    row.reason.clone().or(late).unwrap_or_default(),
                ]
            }),
        ));
    }
    let json = json!({
        "name": name,
        "paused": standing.as_ref().is_some_and(|standing| standing.paused),
        "due": account.due, "started": account.started, "merged": account.merged, "skipped": account.skipped,
        "queued": account.queued,
        "rows": rows.iter().map(|row| json!({
            "first": row.first.to_string(), "last": row.last.to_string(), "count": row.count, "state": row.state,
            "reason": row.reason, "late_ms": row.late.map(|micros| micros / 1000), "firing": row.firing,
        })).collect::<Vec<_>>(),
    });
    program.print(|| text, || json)?;
    Ok(())
}
