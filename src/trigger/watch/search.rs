//! One search of a watch: it scans the folders, claims what is ready, and moves files. It knows nothing of
//! the loop, so that a file system that hangs keeps nobody else waiting.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::claim::{claim_all, refuse_all, sift};
use super::claims::is_paused;
use super::gather::{gather, sort};
use super::moves::{bring_all, put_away_all};
use super::remote::is_remote;
use super::{FolderId, Sightings, folder_id};
use crate::state::{State, StateError};
use crate::trigger::{Looked, WatchDefinition};

/// Folders are scanned this often even without a hint.
const RESCAN: SignedDuration = SignedDuration::from_mins(5);

/// The same, where there are no hints.
const POLL: SignedDuration = SignedDuration::from_secs(5);

/// The same, while something stands in the way: a folder that is not there, a file that cannot be moved.
const RETRY: SignedDuration = SignedDuration::from_secs(30);

/// The most runs that one commit queues: others write to the database as well, and the first runs of ten
/// thousand files need not wait for the last.
const CHUNK: usize = 500;

/// A search that is due.
#[derive(Debug)]
pub struct Search {
    /// What is searched for.
    pub(in crate::trigger) definition: Arc<WatchDefinition>,
    pub(in crate::trigger) state: Arc<State>,
    pub(in crate::trigger) sightings: Sightings,
    pub(in crate::trigger) now: Timestamp,
    /// Whether folders are scanned; if not, files of runs that have ended are put away and nothing else.
    pub(in crate::trigger) scans: bool,
    /// Whether the system hints at changes.
    pub(in crate::trigger) hears: bool,
}

/// What a search has found and done.
#[derive(Debug)]
pub struct Searched {
    /// How long it took.
    pub took: Duration,
    pub(in crate::trigger) definition: Arc<WatchDefinition>,
    pub(in crate::trigger) done: Result<Looked, StateError>,
    pub(in crate::trigger) sightings: Sightings,
    /// Where it looked and when to look again; none if it did not scan.
    pub(in crate::trigger) scanned: Option<Scanned>,
}

/// Where a search has looked.
#[derive(Debug)]
pub(in crate::trigger) struct Scanned {
    /// When to look again.
    pub(in crate::trigger) next: Timestamp,
    /// The folders in which a change is a reason to look again; none if they are not known.
    pub(in crate::trigger) folders: Option<Vec<(PathBuf, FolderId)>>,
}

impl Searched {
    /// The name of its watch.
    pub fn name(&self) -> &str {
        &self.definition.name
    }
}

impl Search {
    /// The name of its watch.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Searches. `queued` is called whenever firings have been queued, as there may be more to come. Whatever
    /// happens within, it comes back: a watch that lost its search would never be searched again.
    pub fn run(self, queued: &dyn Fn()) -> Searched {
        let (definition, next) = (Arc::clone(&self.definition), later(self.now, RETRY));
        let searched = std::panic::catch_unwind(AssertUnwindSafe(|| self.run_through(queued)));
        searched.unwrap_or_else(|_| Searched {
            done: Ok(Looked {
                problems: vec![format!(
                    "watches.{}: the search broke off, which is a mistake of Beadle: report it",
                    definition.name
                )],
                ..Looked::default()
            }),
            definition,
            took: Duration::ZERO,
            sightings: Sightings::default(),
            scanned: Some(Scanned { next, folders: None }),
        })
    }

    fn run_through(mut self, queued: &dyn Fn()) -> Searched {
        let begun = std::time::Instant::now();
        let mut scanned = None;
        let done = self.search(&mut scanned, queued);
        if done.is_err() {
            scanned = Some(Scanned { next: later(self.now, RETRY), folders: None });
        }
        Searched { took: begun.elapsed(), definition: self.definition, done, sightings: self.sightings, scanned }
    }

    fn search(&mut self, scanned: &mut Option<Scanned>, queued: &dyn Fn()) -> Result<Looked, StateError> {
        let mut looked = Looked { problems: put_away_all(&self.state, &self.definition.name)?, ..Looked::default() };
        if self.scans {
            *scanned = Some(self.scan(&mut looked, queued)?);
        }
        Ok(looked)
    }

    fn scan(&mut self, looked: &mut Looked, queued: &dyn Fn()) -> Result<Scanned, StateError> {
        let (state, watch, now) = (&*self.state, &*self.definition, self.now);
        if is_paused(state, &watch.name)? {
            return Ok(Scanned { next: later(now, RESCAN), folders: None });
        }
        // What is put there must not start runs, wherever the state folder is.
        let avoid = std::fs::metadata(state.folder()).ok().map(|metadata| folder_id(&metadata));
        let mut scan = self.sightings.scan(watch, avoid, now);
        let mut ready = sift(state, watch, &mut scan, &mut self.sightings)?;
        looked.missed.extend(refuse_all(state, &watch.name, &scan.refused, now)?);
        sort(&mut ready, watch.config.order);
        let gathered = gather(&ready, watch.config.collect, &mut self.sightings, now);
        let files = |groups: &[&[super::Found]]| groups.iter().map(|group| group.len()).sum::<usize>();
        let mut rest = &gathered.groups[..];
        loop {
            // At least one group, however large.
            let count = (1..rest.len()).take_while(|count| files(&rest[..=*count]) <= CHUNK).count() + 1;
            let (chunk, later) = rest.split_at(count.min(rest.len()));
            if !chunk.is_empty() {
                looked.queued.extend(claim_all(state, watch, chunk, now)?);
                for found in chunk.iter().flat_map(|group| group.iter()).filter(|_| watch.keeps()) {
                    self.sightings.settle(&found.path, found.identity);
                }
            }
            // Without new ones there may be some that could not be moved before.
            looked.problems.extend(bring_all(state, Some(&watch.name))?);
            queued();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let mut folders = scan.folders;
        for root in &scan.missing {
            let nearest = nearest_folder(root);
            looked.problems.push(format!(
                "watches.{}: {} is not there: make the folder. Until then it is looked for",
                watch.name,
                root.display()
            ));
            folders.extend(nearest);
        }
        looked.problems.extend(scan.problems.into_iter().map(|problem| format!("watches.{}: {problem}", watch.name)));
        let every = if looked.problems.is_empty() { RESCAN } else { RETRY };
        let mut next = later(now, every.min(self.polled(&folders)));
        for sooner in [scan.settles, gathered.closes].into_iter().flatten() {
            next = next.min(sooner);
        }
        Ok(Scanned { next, folders: Some(folders) })
    }
}

impl Search {
    /// How often folders are scanned without a hint.
    fn polled(&self, folders: &[(PathBuf, FolderId)]) -> SignedDuration {
        if let Some(poll) = self.definition.config.poll {
            return SignedDuration::try_from(poll).unwrap_or(SignedDuration::MAX);
        }
        // What is mounted stands at the root of a pattern or below: one look for each device.
        let mut seen = BTreeSet::new();
        let is_remote = folders.iter().any(|(path, (device, _))| seen.insert(*device) && is_remote(path));
        if is_remote || !self.hears { POLL } else { RESCAN }
    }
}

/// The folder in which a missing one, or the first of those above it, will appear.
fn nearest_folder(missing: &Path) -> Option<(PathBuf, FolderId)> {
    missing.ancestors().skip(1).find_map(|folder| {
        let metadata = std::fs::metadata(folder).ok().filter(std::fs::Metadata::is_dir)?;
        Some((folder.to_owned(), folder_id(&metadata)))
    })
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
