//! Runs that nobody executes any more: their process died under them.
//!
//! The service goes on with its own, inside their window, three times at most and with growing pauses. What
//! it leaves alone is interrupted, and can be resumed by hand.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::run::{Outcome, is_running};
use crate::service::desk::Desk;
use crate::service::sources::Source;
use crate::trigger::Firing;

/// The pauses before a run goes on: for the first time, the second, the third.
const PAUSES: [SignedDuration; 3] = [SignedDuration::ZERO, SignedDuration::from_secs(30), SignedDuration::from_mins(2)];

/// A run that somebody else executes is looked at again after this long.
const AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// Runs without a process, and when they go on.
#[derive(Debug, Default)]
pub(super) struct Orphans {
    later: BTreeMap<String, Timestamp>,
    /// How often this service has tried to go on with a run, by its firing. The journal counts only those
    /// attempts that began.
    tried: BTreeMap<String, u64>,
}

/// What becomes of such a run.
enum Fate {
    /// It goes on at this time.
    GoesOn(Timestamp),
    /// It waits for its time.
    Waits,
    /// A person has it in hand.
    InHand,
    /// It has ended in the meantime.
    Ended(Outcome),
    /// It is left alone, and why.
    LeftAlone(String),
}

impl Orphans {
    fn times(&self, firing: &Firing) -> u64 {
        self.tried.get(&firing.id).copied().unwrap_or_default()
    }

    fn fate(&mut self, desk: &Desk, firing: &Firing, now: Timestamp) -> Result<Fate, String> {
        let run = firing.run.as_deref().unwrap_or_default();
        // Whoever is about to go on with it has it already, whatever is written yet.
        if is_running(&desk.project, run) {
            return Ok(Fate::InHand);
        }
        let run = desk.project.journal().find_run(run)?;
        match run.outcome.as_deref().map(|word| Outcome::from_name(word).unwrap_or(Outcome::Failed)) {
            None => return Ok(Fate::InHand),
            Some(Outcome::Waiting) if self.times(firing) < PAUSES.len() as u64 => return Ok(Fate::Waits),
            Some(Outcome::Waiting) => return Ok(Fate::LeftAlone("its wait cannot be taken up".into())),
            Some(Outcome::Interrupted) => {}
            Some(outcome) => return Ok(Fate::Ended(outcome)),
        }
        let schedule = desk.triggers.schedules.get(&firing.trigger);
        if schedule.is_none() && desk.triggers.watches.get(&firing.trigger).is_none() {
            return Ok(Fate::LeftAlone("its trigger is not configured any more".into()));
        }
        let times = run.resumed.max(self.times(firing));
        let Some(pause) = usize::try_from(times).ok().and_then(|times| PAUSES.get(times)) else {
            return Ok(Fate::LeftAlone(format!("it was tried {times} times already")));
        };
        let at = *self.later.entry(firing.id.clone()).or_insert_with(|| now.saturating_add(*pause).unwrap_or(now));
        // Files and firings by hand have no window.
        let window = schedule.zip(firing.due).and_then(|(schedule, due)| {
            due.saturating_add(SignedDuration::try_from(schedule.config.window).unwrap_or(SignedDuration::MAX)).ok()
        });
        if window.is_some_and(|end| at > end) {
            return Ok(Fate::LeftAlone("it is later than the window of its schedule allows".into()));
        }
        Ok(Fate::GoesOn(at))
    }
}

impl Source for Orphans {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        if !std::mem::take(&mut desk.orphaned) && self.later.values().all(|at| *at > now) {
            return Ok(self.later.values().min().copied());
        }
        // Until all of it is done, there is more to do.
        desk.orphaned = true;
        let mut next: Option<Timestamp> = None;
        let mut later = |at: Timestamp| next = Some(next.map_or(at, |next| next.min(at)));
        let unattended = desk.unattended()?;
        // A terminal tells the ledger by itself how the run ended that it has gone on with.
        self.later.retain(|id, _| unattended.iter().any(|firing| firing.id == *id));
        for firing in unattended {
            let run = firing.run.clone().unwrap_or_default();
            match self.fate(desk, &firing, now)? {
                Fate::GoesOn(at) if at <= now && desk.free() > 0 => {
                    self.later.remove(&firing.id);
                    *self.tried.entry(firing.id.clone()).or_default() += 1;
                    desk.resume(firing)?;
                }
                // With every place taken, the end of a run wakes the loop.
                Fate::GoesOn(at) if at <= now => later(now.saturating_add(AGAIN).unwrap_or(at)),
                Fate::GoesOn(at) => later(at),
                Fate::Waits => {
                    *self.tried.entry(firing.id.clone()).or_default() += 1;
                    desk.take_up(firing)?;
                }
                Fate::InHand => {
                    let at = now.saturating_add(AGAIN).unwrap_or(now);
                    self.later.insert(firing.id, at);
                    later(at);
                }
                Fate::Ended(outcome) => {
                    self.later.remove(&firing.id);
                    desk.close_unattended(&firing, outcome, now)?;
                }
                Fate::LeftAlone(why) => {
                    self.later.remove(&firing.id);
                    desk.close_unattended(&firing, Outcome::Interrupted, now)?;
                    desk.complain([format!(
                        "{}: run {run} was interrupted and does not go on by itself: {why}; `beadle runs resume {run}` \
                         goes on with it",
                        firing.trigger
                    )]);
                }
            }
        }
        self.tried.retain(|firing, _| desk.running.contains_key(firing) || self.later.contains_key(firing));
        desk.orphaned = false;
        Ok(next)
    }
}
