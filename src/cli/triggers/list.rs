//! `beadle triggers list`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::command::Opened;
use super::times::{local, short};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::table;
use crate::trigger::{FiringRun, Standing};

/// When a schedule is due next.
struct Next {
    at: Timestamp,
    local: String,
    short: String,
}

/// A trigger as it is listed.
struct Listed {
    name: String,
    kind: &'static str,
    playbook: String,
    when: String,
    next: Option<Next>,
    standing: Option<Standing>,
    last: Option<FiringRun>,
}

/// Lists the triggers.
pub fn exec(program: &Program, opened: &Opened) -> Done {
    let config = &opened.project.config;
    if config.schedules.is_empty() && config.watches.is_empty() && !program.is_json() {
        eprintln!("no triggers are configured: see [schedules.NAME] and [watches.NAME] in beadle.toml");
        return Ok(Exit::Succeeded);
    }
    let mut listed = Vec::new();
    for (name, schedule) in &config.schedules {
        let definition = opened.triggers.schedules.get(name);
        let next = definition.and_then(|definition| definition.schedule.next_after(opened.now));
        let zone = definition.map_or(TimeZone::UTC, |definition| definition.schedule.zone().clone());
        let (standing, last) = opened.triggers.look_at(name).map_err(CommandFailure::failed)?;
        listed.push(Listed {
            name: name.clone(),
            kind: "schedule",
            playbook: schedule.playbook.clone(),
            when: format!("{} {}", schedule.cron, schedule.timezone),
            next: next.map(|due| Next { at: due.at, local: local(due.at, &zone), short: short(due.at, &zone) }),
            standing,
            last,
        });
    }
    for (name, watch) in &config.watches {
        let inside = |path: &std::path::PathBuf| {
            path.strip_prefix(&config.folder).unwrap_or(path).to_string_lossy().into_owned()
        };
        let (standing, last) = opened.triggers.look_at(name).map_err(CommandFailure::failed)?;
        listed.push(Listed {
            name: name.clone(),
            kind: "watch",
            playbook: watch.playbook.clone(),
            when: watch.paths.iter().map(inside).collect::<Vec<_>>().join(", "),
            next: None,
            standing,
            last,
        });
    }
    let served = opened.is_served();
    program.print(|| table(&listed), || listed.iter().map(|one| as_json(one, served)).collect())?;
    if !served && !program.is_json() {
        eprintln!("nothing serves at the moment: `beadle serve` starts runs");
    }
    Ok(Exit::Succeeded)
}

/// From this width on kind and playbook have a place as well, and times their offset.
const WIDE: u16 = 110;

fn table(listed: &[Listed]) -> String {
    if table::terminal_width().is_some_and(|width| width >= WIDE) {
        let header = ["trigger", "kind", "playbook", "when", "next", "last run"];
        return table::plain(&header, listed.iter().map(|one| cells(one).to_vec()));
    }
    let narrow = |one: &Listed| {
        let [name, _, _, when, next, last] = cells(one);
        // The zone stands beside the expression already.
        let next = if next == "paused" { None } else { one.next.as_ref() }.map_or(next, |next| next.short.clone());
        vec![name, when, next, last]
    };
    table::plain(&["trigger", "when", "next", "last run"], listed.iter().map(narrow))
}

fn cells(listed: &Listed) -> [String; 6] {
    let paused = listed.standing.as_ref().is_some_and(|standing| standing.paused);
    let active = listed.standing.as_ref().map_or(0, |standing| standing.active);
    let next = match (&listed.next, paused) {
        (_, true) => "paused".to_owned(),
        (Some(next), false) => next.local.clone(),
        (None, false) if listed.kind == "watch" => "a file".to_owned(),
        (None, false) => "never".to_owned(),
    };
    let last = match &listed.last {
        _ if active > 1 => format!("{active} active"),
        Some(run) => run.outcome.clone().unwrap_or_else(|| "running".into()),
        None if active == 1 => "queued".to_owned(),
        None => "none yet".to_owned(),
    };
    let text = [&listed.name, listed.kind, &listed.playbook, &listed.when, &next, &last];
    text.map(str::to_owned)
}

fn as_json(listed: &Listed, served: bool) -> Json {
    json!({
        "name": listed.name,
        "kind": listed.kind,
        "playbook": listed.playbook,
        "when": listed.when,
        "next": listed.next.as_ref().map(|next| next.at.to_string()),
        "next_local": listed.next.as_ref().map(|next| &next.local),
        "paused": listed.standing.as_ref().is_some_and(|standing| standing.paused),
        "paused_why": listed.standing.as_ref().and_then(|standing| standing.paused_why.clone()),
        "active": listed.standing.as_ref().map_or(0, |standing| standing.active),
        "last_run": listed.last.as_ref().map(|run| json!({
            "run": run.run, "started": run.started.to_string(), "outcome": run.outcome, "by_hand": run.by_hand,
        })),
        "served": served,
    })
}
