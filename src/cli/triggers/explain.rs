//! `beadle triggers explain`: one trigger, for people.

use std::fmt::Write;

use clap::Args;
use jiff::SignedDuration;

use super::command::Opened;
use super::document::{Explained, Owed, Subject};
use super::times::{length, local, short};
use crate::cli::exit::Exit;
use crate::cli::program::{Done, Program};
use crate::cli::table;
use crate::config::Failures;
use crate::trigger::LedgerRow;
use crate::wrap::{harmless, wrapped};

/// The trigger, and how much of it is shown.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The trigger
    #[arg(value_name = "TRIGGER")]
    pub name: String,
    /// How many instants to come, and how many of the past
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = some)]
    pub limit: usize,
}

/// None at all would look as if there were none to come.
fn some(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number from 1 on is wanted".to_owned())
}

impl ExplainArgs {
    /// Explains it.
    pub fn exec(self, program: &Program, opened: &Opened) -> Done {
        let explained = Explained::of(opened, &self.name, self.limit)?;
        program.print(|| page(&explained), || explained.as_json())?;
        if !explained.served && !program.is_json() {
            eprintln!("nothing serves at the moment: `beadle serve` starts runs");
        }
        Ok(Exit::Succeeded)
    }
}

fn page(explained: &Explained<'_>) -> String {
    let columns = usize::from(table::terminal_width().unwrap_or(table::WIDTH)).clamp(60, 160);
    let mut text = format!("{}\n", explained.name);
    let mut line = |name: &str, value: &str| {
        text.push_str(&wrapped(value, columns, &format!("{name:<10}"), &" ".repeat(10)));
    };
    match &explained.subject {
        Subject::Schedule(schedule) => {
            let config = &schedule.config;
            line("schedule", &format!("{} in {}", config.cron, config.timezone));
            line("playbook", &config.playbook);
        }
        Subject::Watch(watch) => {
            let paths = watch.config.paths.iter().map(|path| path.display().to_string());
            line("watch", &paths.collect::<Vec<_>>().join(", "));
            line("playbook", &watch.config.playbook);
        }
    }
    line("rules", &rules(&explained.subject));
    line("state", &state(explained));
    let account = &explained.account;
    line(
        "account",
        &format!(
            "due {} = started {} + merged {} + skipped {} + queued {}",
            account.due, account.started, account.merged, account.skipped, account.queued
        ),
    );
    if account.folded > 0 {
        line("", &format!("{} of them are old, and have no row any more ([state] ledger)", account.folded));
    }
    if let Some(owed) = &explained.owed {
        line("owed", &owed_sentence(owed, explained));
    }
    upcoming(&mut text, explained);
    past(&mut text, explained);
    text
}

fn rules(subject: &Subject<'_>) -> String {
    let of = |length: std::time::Duration| self::length(SignedDuration::try_from(length).unwrap_or_default());
    let (mut rules, failures, max_runs, timeout) = match subject {
        Subject::Schedule(schedule) => {
            let config = &schedule.config;
            let mut rules = vec![
                format!("overlap {}", config.overlap.name()),
                format!("missed {}", config.missed.name()),
                format!("window {}", of(config.window)),
            ];
            if !config.jitter.is_zero() {
                rules.push(format!("jitter up to {}", of(config.jitter)));
            }
            (rules, config.failures, config.max_runs, config.timeout)
        }
        Subject::Watch(watch) => {
            let config = &watch.config;
            let rules = vec![
                format!("ready {}", config.ready.name()),
                format!("after {}", watch.after().name()),
                format!("overlap {}", config.overlap.name()),
            ];
            (rules, config.failures, config.max_runs, config.timeout)
        }
    };
    rules.extend(max_runs.map(|runs| format!("{runs} run(s) at once")));
    rules.extend(timeout.map(|timeout| format!("timeout {}", of(timeout))));
    let Failures { attempts, backoff, pause_after } = failures;
    if attempts > 1 {
        rules.push(format!("{attempts} attempts, the second after {}", of(backoff)));
    }
    rules.extend(pause_after.map(|most| format!("paused after {most} failure(s)")));
    rules.join(", ")
}

fn state(explained: &Explained<'_>) -> String {
    let Some(standing) = &explained.standing else {
        return "new: nobody has served it yet, and it owes nothing".to_owned();
    };
    let mut parts = Vec::new();
    if standing.paused {
        let since = standing.paused_at.map(|at| format!(" since {}", local(at, &explained.zone)));
        let why = standing.paused_why.as_ref().map(|why| format!(", after {why}"));
        parts.push(format!(
            "paused{}{}: `beadle triggers resume {}` lets it go on",
            since.unwrap_or_default(),
            why.unwrap_or_default(),
            explained.name
        ));
    }
    match standing.active {
        0 => {}
        1 => parts.push("one firing is queued or running".to_owned()),
        many => parts.push(format!("{many} firings are queued or running")),
    }
    match standing.failures {
        0 => {}
        1 => parts.push("the last firing failed".to_owned()),
        many => parts.push(format!("the last {many} firings failed")),
    }
    if parts.is_empty() { "at rest".to_owned() } else { parts.join("; ") }
}

fn owed_sentence(owed: &Owed, explained: &Explained<'_>) -> String {
    let count = if owed.more { format!("more than {}", owed.count) } else { owed.count.to_string() };
    let times = if owed.count == 1 { "instant" } else { "instants" };
    format!("{count} {times} since {}, which the service decides on", local(owed.since, &explained.zone))
}

fn upcoming(text: &mut String, explained: &Explained<'_>) {
    if let Subject::Watch(_) = explained.subject {
        let _never = writeln!(text, "\nfiles in its folders: {}", explained.files.len());
        for file in explained.files.iter().take(explained.limit) {
            let _never = writeln!(text, "  {}", harmless(&file.to_string_lossy()));
        }
        return;
    }
    let paused = explained.standing.as_ref().is_some_and(|standing| standing.paused);
    text.push_str(if paused { "\nnext (skipped while it is paused)\n" } else { "\nnext\n" });
    for next in &explained.next {
        let jitter = next.jitter.map(|jitter| format!("  (starts {} later: jitter)", length(jitter)));
        let _never = writeln!(text, "  {}{}", next.text, jitter.unwrap_or_default());
    }
    if explained.next.is_empty() {
        text.push_str("  never again\n");
    }
}

fn past(text: &mut String, explained: &Explained<'_>) {
    if explained.rows.is_empty() {
        return;
    }
    text.push('\n');
    let cells = explained.rows.iter().map(|row| {
        let what = match (&row.file, row.kind.as_deref()) {
            (Some(file), _) => file.rsplit('/').next().unwrap_or(file).to_owned(),
            (None, Some("manual")) => "by hand".to_owned(),
            _ => format!("{}×", row.count),
        };
        vec![short(row.first, &explained.zone), harmless(&what), row.state.clone(), harmless(&became(row, explained))]
    });
    text.push_str(&table::plain(&["last", "what", "state", "what became of it"], cells));
}

/// What became of a row of the ledger, in words.
fn became(row: &LedgerRow, explained: &Explained<'_>) -> String {
    let mut parts = Vec::new();
    if row.last != row.first {
        parts.push(format!("until {}", short(row.last, &explained.zone)));
    }
    for run in &row.runs {
        let how = run.outcome.as_deref().unwrap_or("is going");
        let by_hand = if run.by_hand { "resumed by hand, " } else { "" };
        parts.push(format!("run {} {by_hand}{how}", run.run));
    }
    if let Some(late) = row.late.filter(|late| *late >= 1_000_000) {
        parts.push(format!("{} late", length(SignedDuration::from_micros(late))));
    }
    let is_in_hand = row.runs.iter().any(|run| run.by_hand && run.outcome.is_none());
    match row.next {
        Some(_) if is_in_hand => parts.push("tried again unless that succeeds".to_owned()),
        Some(next) if next > explained.now => {
            let verb = if row.runs.is_empty() { "starts" } else { "tried again" };
            parts.push(format!("{verb} at {}", short(next, &explained.zone)));
        }
        Some(_) => parts.push("waits for a place".to_owned()),
        None => {}
    }
    parts.extend(row.reason.clone());
    parts.join(", ")
}
