//! What becomes of the due instants of a schedule: a pure function of time, rules and standing.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Missed, Overlap};
use crate::trigger::Rules;
use crate::trigger::cron::Due;

/// An instant that is looked at this much too late counts as missed: nothing was there to start it.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);

/// A clock that stands this much before an instant already dealt with has been corrected.
pub const CORRECTION: SignedDuration = SignedDuration::from_hours(3);

/// The most missed firings that are made up for.
pub const MOST_MISSED: usize = 100;

/// Why a due instant was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// `missed = "none"`.
    Missed,
    /// `missed = "latest"`, and a later one was owed too.
    NotLatest,
    /// `missed = "all"` makes up for a hundred.
    TooMany,
    /// Later than `window` allows.
    Window,
    /// The last run was still going.
    Overlap,
    /// `overlap = "cancel-old"`, and a later one is due.
    Superseded,
    /// The trigger is paused.
    Paused,
    /// The trigger is not configured any more.
    Removed,
}

impl Why {
    /// The reason for people, as the ledger keeps it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missed => "it was missed, and missed firings are not made up for",
            Self::NotLatest => "it was missed, and only the latest is made up for",
            Self::TooMany => "it was missed, and at most 100 are made up for",
            Self::Window => "it was later than its window allows",
            Self::Overlap => "the last run was still going",
            Self::Superseded => "a later firing took its place",
            Self::Paused => "the trigger was paused",
            Self::Removed => "the trigger is not configured any more",
        }
    }
}

/// What becomes of due instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A firing is queued. `due.merged` further civil times are merged into it.
    Start {
        /// The instant.
        due: Due,
    },
    /// A stretch of instants is skipped, `count` civil times in all.
    Skip {
        /// The first of them.
        first: Timestamp,
        /// The last of them.
        last: Timestamp,
        /// How many.
        count: u64,
        /// The reason.
        why: Why,
    },
}

/// From where on instants are owed: `since`, the later of the last due instant and the first load,
/// unless the clock was so far ahead that it must have been wrong.
pub fn owed_from(since: Timestamp, now: Timestamp) -> Timestamp {
    if since.duration_since(now) > CORRECTION { now } else { since }
}

/// Decides on `owed`, the instants owed at `now`, in order; `busy` says whether a firing of the
/// trigger is queued or running. Every instant is in exactly one decision, and decisions are in order.
pub fn decide(
    now: Timestamp,
    rules: Rules,
    busy: bool,
    paused: bool,
    owed: impl IntoIterator<Item = Due>,
) -> Vec<Decision> {
    let mut decided = Decided(Vec::new());
    let limit = match rules.missed {
        Missed::None => 0,
        Missed::Latest => 1,
        Missed::All => MOST_MISSED,
    };
    let passed_over = match rules.missed {
        Missed::None => Why::Missed,
        Missed::Latest => Why::NotLatest,
        Missed::All => Why::TooMany,
    };
    let mut missed = VecDeque::new();
    let mut timely = Vec::new();
    for due in owed {
        let late = now.duration_since(due.at);
        if paused {
            decided.skip(due, Why::Paused);
        } else if late > rules.window {
            decided.skip(due, Why::Window);
        } else if late <= GRACE {
            timely.push(due);
        } else {
            missed.push_back(due);
            if missed.len() > limit
                && let Some(oldest) = missed.pop_front()
            {
                decided.skip(oldest, passed_over);
            }
        }
    }
    if rules.missed == Missed::Latest && !timely.is_empty() {
        missed.drain(..).for_each(|due| decided.skip(due, Why::NotLatest));
    }
    let starts: Vec<Due> = missed.into_iter().chain(timely).collect();
    let last = starts.len().saturating_sub(1);
    for (index, due) in starts.into_iter().enumerate() {
        // Those made up for wait for each other: skipping them for overlap would undo `missed = "all"`.
        let in_the_way = busy || (index > 0 && rules.missed != Missed::All);
        match rules.overlap {
            Overlap::Skip if in_the_way => decided.skip(due, Why::Overlap),
            Overlap::CancelOld if index < last => decided.skip(due, Why::Superseded),
            Overlap::Skip | Overlap::CancelOld | Overlap::Queue | Overlap::Parallel => {
                decided.0.push(Decision::Start { due });
            }
        }
    }
    decided.0
}

struct Decided(Vec<Decision>);

impl Decided {
    /// Skips an instant, in one stretch with those just before it that have the same reason.
    fn skip(&mut self, due: Due, reason: Why) {
        let more = u64::from(due.merged) + 1;
        if let Some(Decision::Skip { last, count, why, .. }) = self.0.last_mut()
            && *why == reason
        {
            *last = due.at;
            *count += more;
        } else {
            self.0.push(Decision::Skip { first: due.at, last: due.at, count: more, why: reason });
        }
    }
}

#[cfg(test)]
mod tests;
