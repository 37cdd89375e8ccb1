//! Which ready files go into one run, and when.

use jiff::{SignedDuration, Timestamp};

use super::{Found, Sightings};
use crate::config::{Collect, FileOrder};

/// The groups of files that are claimed now, in order, and when the rest is.
pub(super) struct Gathered<'a> {
    /// One group for each run.
    pub(super) groups: Vec<&'a [Found]>,
    /// When files that wait for others are claimed at the latest.
    pub(super) closes: Option<Timestamp>,
}

/// Puts files in the order in which their runs start.
pub(super) fn sort(files: &mut [Found], order: FileOrder) {
    match order {
        FileOrder::Name => files.sort_by(|one, other| one.path.cmp(&other.path)),
        FileOrder::Time => {
            files.sort_by(|one, other| {
                (one.identity.modified(), &one.path).cmp(&(other.identity.modified(), &other.path))
            });
        }
    }
}

/// Forms groups of ready files, which are in order already.
pub(super) fn gather<'a>(
    files: &'a [Found],
    collect: Option<Collect>,
    sightings: &mut Sightings,
    now: Timestamp,
) -> Gathered<'a> {
    let Some(Collect { max, window }) = collect else {
        return Gathered { groups: files.chunks(1).collect(), closes: None };
    };
    let window = SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX);
    let full = files.len() / max.max(1) * max;
    let (complete, rest) = files.split_at(full);
    let mut groups: Vec<&[Found]> = complete.chunks(max.max(1)).collect();
    let first = rest.iter().map(|found| sightings.waits_since(found, now)).min();
    let closes = first.map(|first| first.saturating_add(window).unwrap_or(Timestamp::MAX));
    if closes.is_some_and(|closes| closes <= now) {
        groups.push(rest);
        return Gathered { groups, closes: None };
    }
    Gathered { groups, closes }
}
