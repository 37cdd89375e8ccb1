//! `beadle runs list`: what ran, the latest first.

use std::collections::HashMap;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::length::{clipped_front, length_of, width};
use super::open::{Opened, colours, open};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::journal::{Log, RunRow, Tally};

/// List runs, the latest first
///
/// A number of changes in brackets is of a dry run, which has withheld them. Times are UTC.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only runs that ended so, or that are running or waiting
    #[arg(long, value_delimiter = ',', value_parser = ["succeeded", "failed", "refused", "cancelled", "timed-out", "uncertain", "interrupted", "running", "waiting"])]
    pub outcome: Vec<String>,
    /// Only runs of this playbook: its name, or the last part of it
    #[arg(long, value_name = "NAME")]
    pub playbook: Option<String>,
    /// Only runs that began since: `24h`, `7d`, `2026-11-25` or `2026-11-25T18:00Z`
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only runs of this trigger
    #[arg(long, value_name = "NAME")]
    pub trigger: Option<String>,
    /// Only runs that reached this target
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// The runs within runs as well, below the run that they are a part of
    #[arg(long)]
    pub all: bool,
}

/// A run with what the table says of it.
struct Listed {
    run: RunRow,
    tally: Tally,
    ran: i64,
    depth: usize,
}

/// The latest runs as a table; nothing if there is none yet.
///
/// # Errors
/// What the journal refuses.
pub fn recent(log: &Log, now: Timestamp, limit: usize, width: usize, colours: bool) -> Result<Option<String>, String> {
    let runs = log.runs()?;
    let ids = shortest(&runs);
    let mut listed = Vec::new();
    for run in runs.into_iter().filter(|run| run.parent.is_none()).take(limit) {
        listed.push(Listed { tally: log.tally(&run.id)?, ran: ran(&run, now), run, depth: 0 });
    }
    Ok((!listed.is_empty()).then(|| table(&listed, ids, width, colours)))
}

impl ListArgs {
    /// Lists them.
    pub fn exec(self, program: &Program) -> Done {
        let opened = open(program)?;
        let now = opened.project.clock.now();
        let since = self.since.as_deref().map(|text| instant(text, now)).transpose().map_err(CommandFailure::usage)?;
        let runs = opened.log.runs().map_err(CommandFailure::failed)?;
        let width_of_ids = shortest(&runs);
        let (roots, children): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.parent.is_none());
        let mut below: HashMap<String, Vec<RunRow>> = HashMap::new();
        for child in children {
            below.entry(child.parent.clone().unwrap_or_default()).or_default().push(child);
        }
        let mut listed = Vec::new();
        let (mut found, mut more) = (0, false);
        for run in roots.into_iter().filter(|run| self.wants(run, since)) {
            let tally = opened.log.tally(&run.id).map_err(CommandFailure::failed)?;
            if self.target.as_ref().is_some_and(|target| !tally.targets.contains(target)) {
                continue;
            }
            if found == self.limit {
                more = true;
                break;
            }
            found += 1;
            let id = run.id.clone();
            listed.push(Listed { ran: ran(&run, now), run, tally, depth: 0 });
            if self.all {
                add_children(&opened, &mut below, &id, 1, now, &mut listed)?;
            }
        }
        if listed.is_empty() && !program.is_json() {
            eprintln!("no run is like that; `beadle run` starts one");
            return Ok(Exit::Succeeded);
        }
        // Names and numbers only: nothing here has passed the door.
        let colours = colours(program);
        program.print(|| table(&listed, width_of_ids, width(80), colours), || listed.iter().map(as_json).collect())?;
        if more && !program.is_json() {
            eprintln!("… and more: --limit N shows them");
        }
        Ok(Exit::Succeeded)
    }

    fn wants(&self, run: &RunRow, since: Option<Timestamp>) -> bool {
        let outcome = run.state();
        let playbook = self.playbook.as_ref().is_none_or(|name| {
            run.name == *name || run.name.strip_suffix(name.as_str()).is_some_and(|before| before.ends_with('/'))
        });
        (self.outcome.is_empty() || self.outcome.iter().any(|wanted| wanted == outcome))
            && playbook
            && since.is_none_or(|since| run.started >= since)
            && self.trigger.as_ref().is_none_or(|name| trigger(run) == Some(name))
    }
}

fn add_children(
    opened: &Opened,
    below: &mut HashMap<String, Vec<RunRow>>,
    parent: &str,
    depth: usize,
    now: Timestamp,
    listed: &mut Vec<Listed>,
) -> Result<(), CommandFailure> {
    // Below their parent in the order in which they ran.
    for run in below.remove(parent).unwrap_or_default().into_iter().rev() {
        let tally = opened.log.tally(&run.id).map_err(CommandFailure::failed)?;
        let id = run.id.clone();
        listed.push(Listed { ran: ran(&run, now), run, tally, depth });
        add_children(opened, below, &id, depth + 1, now, listed)?;
    }
    Ok(())
}

/// The instant that a person means.
fn instant(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = || format!("--since '{text}' is no time with its zone: write 24h, 7d, 2026-11-25 or 2026-11-25T18:00Z");
    if let Ok(length) = crate::duration::parse(text) {
        return now.checked_sub(length).map_err(|_| wrong());
    }
    crate::clock::instant(text).ok_or_else(wrong)
}

/// For how long a run has run: while it runs, until now.
fn ran(run: &RunRow, now: Timestamp) -> i64 {
    match run.outcome {
        Some(_) => run.ran,
        None => run.ran + (now.as_microsecond() - run.began.as_microsecond()).max(0),
    }
}

fn trigger(run: &RunRow) -> Option<&str> {
    run.cause.strip_prefix("trigger ")
}

/// How much of an id is enough: it names one run, and will for a long time.
fn shortest(runs: &[RunRow]) -> usize {
    let mut ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
    ids.sort_unstable();
    let shared = |one: &str, other: &str| one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let longest = ids.array_windows().map(|[one, other]| shared(one, other)).max().unwrap_or_default();
    (longest + 1).max(8)
}

fn as_json(listed: &Listed) -> Json {
    let Listed { run, tally, ran, .. } = listed;
    json!({
        "id": run.id, "parent": run.parent, "playbook": run.name, "mode": run.mode, "cause": run.cause,
        "trigger": trigger(run), "started": run.started.to_string(),
        "ended": run.ended.map(|ended| ended.to_string()),
        "outcome": run.state(), "wake": run.wake.map(|wake| wake.to_string()), "resumed": run.resumed, "reads": tally.reads,
        "changes": tally.changes, "targets": tally.targets, "ran_ms": ran / 1000,
    })
}

const HEADER: [&str; 8] = ["ID", "STARTED", "PLAYBOOK", "MODE", "CAUSE", "OUTCOME", "CHANGES", "TOOK"];

/// The column of outcomes.
const OUTCOME: usize = 5;

/// The columns that give way where the room is small: the playbook's name, and then the cause.
const SOFT: [usize; 2] = [2, 4];

/// The least that is left of it.
const LEAST: usize = 8;

fn table(listed: &[Listed], ids: usize, width: usize, colours: bool) -> String {
    let rows: Vec<[String; 8]> = listed.iter().map(|one| cells(one, ids)).collect();
    let header = HEADER.map(str::to_owned);
    let mut widths = HEADER.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for column in SOFT {
        let over = (widths.iter().sum::<usize>() + 2 * (widths.len() - 1)).saturating_sub(width);
        if let Some(soft) = widths.get_mut(column) {
            *soft = soft.saturating_sub(over).max(LEAST.min(*soft));
        }
    }
    let mut text = String::new();
    for row in std::iter::once(&header).chain(&rows) {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            let cell = clipped_front(cell, width);
            let padded = if column >= 6 { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            match (column, cell.as_str()) {
                (OUTCOME, "failed" | "uncertain" | "refused" | "timed-out") if colours => {
                    format!("\x1b[31m{padded}\x1b[0m")
                }
                (OUTCOME, "running" | "waiting" | "interrupted" | "cancelled") if colours => {
                    format!("\x1b[33m{padded}\x1b[0m")
                }
                _ => padded,
            }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn cells(listed: &Listed, ids: usize) -> [String; 8] {
    let Listed { run, tally, ran, depth } = listed;
    let id: String = run.id.chars().take(ids).collect();
    [
        format!("{}{id}", "  ".repeat(*depth)),
        run.started.strftime("%m-%d %H:%M").to_string(),
        run.name.clone(),
        run.mode.clone(),
        if *depth > 0 { "run".to_owned() } else { trigger(run).unwrap_or(&run.cause).to_owned() },
        run.state().to_owned(),
        if run.mode == "dry" { format!("({})", tally.changes) } else { tally.changes.to_string() },
        // Nobody has written down when a run was interrupted.
        if run.state() == "interrupted" && *ran == 0 { "?".to_owned() } else { length_of(*ran) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, name: &str, outcome: Option<&str>) -> RunRow {
        RunRow {
            id: id.into(),
            parent: None,
            name: name.into(),
            mode: "session".into(),
            cause: "trigger a-rather-long-name".into(),
            started: "2026-11-25T18:00:00Z".parse().unwrap(),
            began: Timestamp::UNIX_EPOCH,
            ended: None,
            outcome: outcome.map(str::to_owned),
            ran: 59_999_000,
            resumed: 0,
            links: 0,
            head: [0; 32],
            script: [0; 32],
            pruned: None,
            wake: None,
        }
    }

    #[test]
    fn the_table_fits_eighty_columns_with_the_longest_words() {
        let one = Listed {
            run: run("abcdefghjkmn", "std/spectra/backup_then_upgrade", Some("interrupted")),
            tally: Tally { changes: 1_234_567, ..Tally::default() },
            ran: 59_999_000,
            depth: 0,
        };
        let text = table(&[one], 8, 80, false);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("…upgrade"), "{text}");
        assert!(text.contains("interrupted"), "{text}");
    }

    #[test]
    fn as_much_of_an_id_is_shown_as_names_one_run() {
        assert_eq!(shortest(&[run("abcdefghjkmn", "a", None)]), 8);
        assert_eq!(shortest(&[run("abcdefghjkmn", "a", None), run("abcdefghjkma", "a", None)]), 12);
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-25T18:00:00Z".parse().unwrap();
        for (text, at) in [
            ("24h", "2026-11-24T18:00:00Z"),
            ("2d", "2026-11-23T18:00:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T10:30Z", "2026-11-20T10:30:00Z"),
        ] {
            assert_eq!(instant(text, now).unwrap().to_string(), at);
        }
        assert!(instant("yesterday", now).unwrap_err().contains("2026-11-25"));
    }
}
