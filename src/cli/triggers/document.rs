//! What there is to say of one trigger, gathered once for people and for programs.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};

use super::command::Opened;
use crate::cli::failure::CommandFailure;
use crate::trigger::watch::waiting;
use crate::trigger::{Account, LedgerRow, ScheduleDefinition, Standing, WatchDefinition};

/// So many owed instants are counted.
const OWED: usize = 1_000;

/// What a trigger is.
pub enum Subject<'a> {
    /// A schedule.
    Schedule(&'a ScheduleDefinition),
    /// A watch.
    Watch(&'a WatchDefinition),
}

/// An instant to come.
pub struct Next {
    /// When.
    pub at: Timestamp,
    /// In its zone, with a note.
    pub text: String,
    /// The note alone.
    pub note: Option<String>,
    /// How much later it starts.
    pub jitter: Option<SignedDuration>,
}

/// Instants that fell due and that nobody has decided on yet.
pub struct Owed {
    /// Later than this.
    pub since: Timestamp,
    /// How many.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
}

/// A trigger, explained.
pub struct Explained<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub subject: Subject<'a>,
    /// The zone of its times.
    pub zone: TimeZone,
    /// How many lines of each kind are wanted.
    pub limit: usize,
    /// The present instant.
    pub now: Timestamp,
    /// How it stands; nothing if nobody has ever served it.
    pub standing: Option<Standing>,
    /// Its sums.
    pub account: Account,
    /// Its last rows, the latest first.
    pub rows: Vec<LedgerRow>,
    /// Its next instants.
    pub next: Vec<Next>,
    /// What it owes.
    pub owed: Option<Owed>,
    /// The files in its folders.
    pub files: Vec<PathBuf>,
    /// Whether anybody serves.
    pub served: bool,
}

impl<'a> Explained<'a> {
    /// Gathers all of it.
    ///
    /// # Errors
    /// There is no such trigger, or the database cannot be read.
    pub fn of(opened: &'a Opened, name: &'a str, limit: usize) -> Result<Self, CommandFailure> {
        let triggers = &opened.triggers;
        let (standing, account, rows) = triggers.explain(name, limit).map_err(CommandFailure::usage)?;
        let (subject, zone) = match (triggers.schedules.get(name), triggers.watches.get(name)) {
            (Some(schedule), _) => (Subject::Schedule(schedule), schedule.schedule.zone().clone()),
            (None, Some(watch)) => (Subject::Watch(watch), TimeZone::UTC),
            (None, None) => return Err(CommandFailure::usage(format!("there is no trigger '{name}'"))),
        };
        let (mut next, mut owed, mut files) = (Vec::new(), None, Vec::new());
        match &subject {
            Subject::Schedule(schedule) => {
                next = next_of(schedule, opened.now, limit);
                owed = standing.as_ref().and_then(|standing| owed_by(schedule, standing, opened.now));
            }
            Subject::Watch(watch) => files = waiting(watch),
        }
        let served = opened.is_served();
        let now = opened.now;
        Ok(Self { name, subject, zone, limit, now, standing, account, rows, next, owed, files, served })
    }

    /// For programs.
    pub fn as_json(&self) -> Json {
        let standing = self.standing.as_ref();
        let mut json = json!({
            "name": self.name,
            "served": self.served,
            "paused": standing.is_some_and(|standing| standing.paused),
            "paused_at": standing.and_then(|standing| standing.paused_at).map(|at| at.to_string()),
            "paused_why": standing.and_then(|standing| standing.paused_why.clone()),
            "failures": standing.map_or(0, |standing| standing.failures),
            "active": standing.map_or(0, |standing| standing.active),
            "due": self.account.due,
            "started": self.account.started,
            "merged": self.account.merged,
            "skipped": self.account.skipped,
            "queued": self.account.queued,
            "folded": self.account.folded,
            "owed": self.owed.as_ref().map(|owed| json!({
                "since": owed.since.to_string(), "count": owed.count, "more": owed.more,
            })),
            "rows": self.rows.iter().map(row_json).collect::<Vec<_>>(),
        });
        let more = match &self.subject {
            Subject::Schedule(schedule) => json!({
                "kind": "schedule",
                "playbook": schedule.config.playbook,
                "cron": schedule.config.cron,
                "timezone": schedule.config.timezone,
                "next": self.next.iter().map(|next| json!({
                    "at": next.at.to_string(),
                    "local": next.at.to_zoned_datetime(self.zone.clone()).to_string(),
                    "note": next.note,
                    "jitter_ms": next.jitter.map_or(0, |jitter| jitter.as_millis()),
                })).collect::<Vec<_>>(),
            }),
            Subject::Watch(watch) => json!({
                "kind": "watch",
                "playbook": watch.config.playbook,
                "paths": watch.config.paths,
                "files": self.files,
            }),
        };
        if let (Some(json), Json::Object(more)) = (json.as_object_mut(), more) {
            json.extend(more);
        }
        json
    }
}

fn next_of(schedule: &ScheduleDefinition, now: Timestamp, limit: usize) -> Vec<Next> {
    let due = schedule.schedule.due_between(now, Timestamp::MAX).take(limit);
    due.map(|due| {
        let jitter = schedule.jitter(due.at);
        Next {
            at: due.at,
            text: schedule.schedule.explain(&due),
            note: schedule.schedule.note(&due),
            jitter: (!jitter.is_zero()).then_some(jitter),
        }
    })
    .collect()
}

fn owed_by(schedule: &ScheduleDefinition, standing: &Standing, now: Timestamp) -> Option<Owed> {
    let count = schedule.schedule.due_between(standing.since, now).take(OWED + 1).count();
    (count > 0).then(|| Owed { since: standing.since, count: count.min(OWED), more: count > OWED })
}

fn row_json(row: &LedgerRow) -> Json {
    json!({
        "first": row.first.to_string(),
        "last": row.last.to_string(),
        "count": row.count,
        "state": row.state,
        "reason": row.reason,
        "late_ms": row.late.map(|micros| micros / 1000),
        "firing": row.firing,
        "kind": row.kind,
        "file": row.file,
        "next": row.next.map(|next| next.to_string()),
        "runs": row.runs.iter().map(|run| json!({
            "run": run.run, "started": run.started.to_string(), "outcome": run.outcome, "by_hand": run.by_hand,
        })).collect::<Vec<_>>(),
    })
}
