//! What a run takes from its surroundings beside answers: chance, time, and the files that it reads.
//!
//! A run that makes a plan keeps them, and a run that applies it is given the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::door::position::{Counters, Place, Step};

/// How many readings of the clock are kept for each branch: a script that reads it without end must
/// not fill the memory.
const READINGS: usize = 10_000;

/// What was taken, in the order of each branch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pinned {
    /// The random numbers.
    pub random: BTreeMap<Place, Vec<i64>>,
    /// The readings of the clock.
    pub readings: BTreeMap<Place, Vec<Timestamp>>,
    /// The files that were read, by their path within the project's folder, or else from the root.
    pub files: BTreeMap<PathBuf, Bytes>,
    /// When the run began.
    pub clock_start: Option<Timestamp>,
}

/// Keeps what a run takes, or gives what an earlier one took. It is shared by the doors of a run and
/// of its children.
#[derive(Debug, Default)]
pub struct Pins {
    playbooks: Counters,
    digests: Mutex<BTreeMap<PathBuf, String>>,
    way: Way,
}

#[derive(Debug, Default)]
enum Way {
    /// Neither.
    #[default]
    Loose,
    /// It keeps.
    Keep(Mutex<Pinned>),
    /// It gives.
    Give(Box<Giving>),
}

#[derive(Debug)]
struct Giving {
    pinned: Pinned,
    /// When this run began.
    begun: Timestamp,
    drawn: Counters,
    read: Counters,
    slept: Mutex<BTreeSet<Place>>,
    written: Mutex<BTreeSet<PathBuf>>,
    latest: Mutex<BTreeMap<Place, Timestamp>>,
}

impl Pins {
    /// Keeps what the run takes, which begins now.
    pub fn keep(now: Timestamp) -> Self {
        let pinned = Pinned { clock_start: Some(now), ..Pinned::default() };
        Self { way: Way::Keep(Mutex::new(pinned)), ..Self::default() }
    }

    /// Gives what an earlier run took, to one that begins now.
    pub fn give(pinned: Pinned, now: Timestamp) -> Self {
        let giving = Giving {
            pinned,
            begun: now,
            drawn: Counters::default(),
            read: Counters::default(),
            slept: Mutex::default(),
            written: Mutex::default(),
            latest: Mutex::default(),
        };
        Self { way: Way::Give(Box::new(giving)), ..Self::default() }
    }

    /// What was kept; nothing if it does not keep.
    pub fn kept(&self) -> Option<Pinned> {
        match &self.way {
            Way::Keep(kept) => Some(locked(kept).clone()),
            Way::Loose | Way::Give(_) => None,
        }
    }

    /// Whether it keeps.
    pub fn keeps(&self) -> bool {
        matches!(self.way, Way::Keep(_))
    }

    /// How long a run that is given something has lasted; nothing for others.
    pub fn elapsed(&self, clock: &dyn Clock) -> SignedDuration {
        match &self.way {
            Way::Give(giving) => clock.now().duration_since(giving.begun),
            Way::Loose | Way::Keep(_) => SignedDuration::ZERO,
        }
    }

    /// The digest of a file that is sent: it is made once, although the file may go in many pieces.
    ///
    /// # Errors
    /// What making it comes to.
    pub fn digest<E>(&self, file: &Path, make: impl FnOnce() -> Result<String, E>) -> Result<String, E> {
        if let Some(known) = locked(&self.digests).get(file) {
            return Ok(known.clone());
        }
        let digest = make()?;
        locked(&self.digests).insert(file.to_owned(), digest.clone());
        Ok(digest)
    }

    /// The number of the next playbook that a branch runs.
    pub fn next_playbook(&self, place: &[Step]) -> u64 {
        self.playbooks.next(place)
    }

    /// The present instant as the run sees it.
    pub fn now(&self, place: &[Step], clock: &dyn Clock) -> Timestamp {
        let now = clock.now();
        match &self.way {
            Way::Loose => now,
            Way::Keep(kept) => {
                let mut kept = locked(kept);
                let readings = kept.readings.entry(place.to_vec()).or_default();
                if readings.len() < READINGS {
                    readings.push(now);
                }
                now
            }
            Way::Give(giving) => giving.now(place, now),
        }
    }

    /// A random number between the two, both included.
    pub fn draw(&self, place: &[Step], low: i64, high: i64) -> i64 {
        let number = fastrand::i64(low..=high);
        match &self.way {
            Way::Loose => number,
            Way::Keep(kept) => {
                locked(kept).random.entry(place.to_vec()).or_default().push(number);
                number
            }
            Way::Give(giving) => {
                let earlier = nth(&giving.pinned.random, place, giving.drawn.next(place));
                earlier.filter(|earlier| (low..=high).contains(earlier)).unwrap_or(number)
            }
        }
    }

    /// A branch has really waited: what it reads of the clock from now on is not what the earlier run,
    /// which did not wait, has read.
    pub fn slept(&self, place: &[Step]) {
        if let Way::Give(giving) = &self.way {
            locked(&giving.slept).insert(place.to_vec());
        }
    }

    /// The contents that the earlier run read from a file, unless this run has written it since.
    pub fn file(&self, name: &Path) -> Option<Bytes> {
        let Way::Give(giving) = &self.way else { return None };
        if locked(&giving.written).contains(name) {
            return None;
        }
        giving.pinned.files.get(name).cloned()
    }

    /// A file was read.
    pub fn was_read(&self, name: &Path, contents: &Bytes) {
        if let Way::Keep(kept) = &self.way {
            locked(kept).files.entry(name.to_owned()).or_insert_with(|| contents.clone());
        }
    }

    /// A file was written.
    pub fn was_written(&self, name: &Path) {
        if let Way::Give(giving) = &self.way {
            locked(&giving.written).insert(name.to_owned());
        }
    }
}

impl Giving {
    /// The reading that the earlier run had at this point, as long as the branch has not waited; then
    /// the clock runs on from there.
    fn now(&self, place: &[Step], now: Timestamp) -> Timestamp {
        let start = self.pinned.clock_start.unwrap_or(self.begun);
        let on = start.saturating_add(now.duration_since(self.begun)).unwrap_or(now);
        let earlier = nth(&self.pinned.readings, place, self.read.next(place));
        let slept = locked(&self.slept).contains(place);
        let mut latest = locked(&self.latest);
        let reading = earlier.filter(|_| !slept).unwrap_or(on);
        let reading = latest.get(place).map_or(reading, |latest| reading.max(*latest));
        latest.insert(place.to_vec(), reading);
        reading
    }
}

fn nth<T: Copy>(taken: &BTreeMap<Place, Vec<T>>, place: &[Step], number: u64) -> Option<T> {
    taken.get(place)?.get(usize::try_from(number).ok()?).copied()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FixedClock;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_one_run_took_is_given_to_the_next_in_the_order_of_each_branch() {
        let clock = FixedClock::new(instant("2026-11-25T10:00:00Z"));
        let keeping = Pins::keep(clock.now());
        let item = [Step::Item(0, 1)];
        let drawn = [keeping.draw(&[], 0, i64::MAX), keeping.draw(&item, 0, i64::MAX), keeping.draw(&[], 0, i64::MAX)];
        clock.advance(SignedDuration::from_secs(2));
        let read = keeping.now(&[], &clock);
        keeping.was_read(Path::new("list.txt"), &Bytes::from_static(b"a"));

        clock.advance(SignedDuration::from_secs(3600));
        let giving = Pins::give(keeping.kept().unwrap(), clock.now());
        assert_eq!(giving.draw(&item, 0, i64::MAX), drawn[1]);
        assert_eq!([giving.draw(&[], 0, i64::MAX), giving.draw(&[], 0, i64::MAX)], [drawn[0], drawn[2]]);
        assert_eq!(giving.now(&[], &clock), read);
        assert_eq!(giving.file(Path::new("list.txt")).unwrap(), "a");
        giving.was_written(Path::new("list.txt"));
        assert_eq!(giving.file(Path::new("list.txt")), None, "this run's own file comes first");
    }

    #[test]
    fn the_clock_starts_at_the_plans_instant_and_runs_on() {
        let start = instant("2026-11-25T10:00:00Z");
        let pinned = Pinned { clock_start: Some(start), ..Pinned::default() };
        let clock = FixedClock::new(instant("2026-11-27T08:00:00Z"));
        let giving = Pins::give(pinned, clock.now());
        assert_eq!(giving.now(&[], &clock), start);
        clock.advance(SignedDuration::from_secs(90));
        assert_eq!(giving.now(&[], &clock), instant("2026-11-25T10:01:30Z"));
    }

    #[test]
    fn a_branch_that_has_waited_leaves_the_readings_of_the_plan() {
        let start = instant("2026-11-25T10:00:00Z");
        let readings = BTreeMap::from([(Vec::new(), vec![start, start])]);
        let pinned = Pinned { clock_start: Some(start), readings, ..Pinned::default() };
        let clock = FixedClock::new(start);
        let giving = Pins::give(pinned, clock.now());
        assert_eq!(giving.now(&[], &clock), start);
        clock.advance(SignedDuration::from_secs(60));
        giving.slept(&[]);
        assert_eq!(giving.now(&[], &clock), instant("2026-11-25T10:01:00Z"));
    }
}
