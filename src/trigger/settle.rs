//! Settling schedules: every instant owed gets its decision, in one commit for all schedules.

use jiff::Timestamp;
use rusqlite::Connection;

use crate::config::Overlap;
use crate::trigger::decide::{Decision, decide, owed_from};
use crate::trigger::{Firing, FiringKind, Missed, Rules, ScheduleDefinition, ledger, queue};

/// The most instants beyond their window that are counted at once: a schedule of every second that
/// slept for a year must not hold the database for a minute. They are skipped whatever comes after.
const CHUNK: usize = 20_000;

/// What settling a schedule did.
pub(super) struct Settled {
    /// The schedule.
    pub(super) name: String,
    /// Up to where everything has been dealt with.
    pub(super) since: Timestamp,
    /// What was queued.
    pub(super) queued: Vec<Firing>,
    /// What was passed over.
    pub(super) missed: Vec<Missed>,
}

/// Decides on what a schedule owes at `now`, and writes it.
pub(super) fn settle(
    connection: &Connection,
    definition: &ScheduleDefinition,
    now: Timestamp,
) -> rusqlite::Result<Settled> {
    let name = &definition.name;
    let Some(standing) = ledger::standing(connection, name)? else {
        return Ok(Settled { name: name.clone(), since: now, queued: Vec::new(), missed: Vec::new() });
    };
    let from = owed_from(standing.since, now);
    let fired = ledger::fired_since(connection, name, from)?;
    let (mut since, mut count) = (from, 0);
    let rules = Rules::from(&definition.config);
    let window = now.saturating_sub(rules.window).unwrap_or(Timestamp::MIN);
    let (mut seen, mut complete) = (0, true);
    let owed = definition.schedule.due_between(from, now).take_while(|due| {
        seen += 1;
        complete = seen <= CHUNK || due.at >= window;
        complete
    });
    let owed = owed.inspect(|due| since = due.at);
    let owed = owed.filter(|due| !fired.contains(&due.at)).inspect(|due| count += 1 + u64::from(due.merged));
    let decisions = decide(now, rules, standing.active > 0, standing.paused, owed);
    let missed = decisions.iter().filter_map(|decision| Missed::of(name, decision)).collect();
    let mut queued = Vec::new();
    for decision in &decisions {
        match decision {
            Decision::Skip { .. } => ledger::skip(connection, name, decision)?,
            Decision::Start { due } => {
                if rules.overlap == Overlap::CancelOld {
                    queue::supersede(connection, name)?;
                }
                let firing = Firing::new(name, FiringKind::Schedule, Some(due.at));
                let not_before = due.at.saturating_add(definition.jitter(due.at)).unwrap_or(due.at);
                let expires = not_before.saturating_add(rules.window).unwrap_or(Timestamp::MAX);
                ledger::queue(connection, &firing, due.at, not_before, Some(expires))?;
                ledger::merge(connection, &firing, due)?;
                queued.push(firing);
            }
        }
    }
    if since != standing.since {
        ledger::advance(connection, name, since, count)?;
    }
    Ok(Settled { name: name.clone(), since: if complete { since.max(now) } else { since }, queued, missed })
}
