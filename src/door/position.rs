//! Where an action stands in a run: the same in every execution of the same script, whatever the
//! threads do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// One step from the main line of a run into a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// An item of a `parallel`: the number of the `parallel` in its branch, and of the item in it.
    Item(u64, u64),
    /// A playbook that the branch runs, by its number there.
    Playbook(u64),
}

/// The steps that lead to a branch; none on the main line.
pub type Place = Vec<Step>;

/// The place of a change, and its number among the changes of that branch, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The branch.
    pub place: Place,
    /// The number.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "change {}", self.number)?;
        for step in self.place.iter().rev() {
            match step {
                Step::Item(parallel, item) => write!(f, " of item {} of parallel {}", item + 1, parallel + 1)?,
                Step::Playbook(number) => write!(f, " of playbook {}", number + 1)?,
            }
        }
        Ok(())
    }
}

/// Counts by branch.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<Place, u64>>);

impl Counters {
    /// The next number of a branch, from 0.
    pub fn next(&self, place: &[Step]) -> u64 {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = counters.get_mut(place) else {
            counters.insert(place.to_vec(), 1);
            return 0;
        };
        *count += 1;
        *count - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_branch_counts_by_itself() {
        let counters = Counters::default();
        let item = [Step::Item(0, 3)];
        assert_eq!((counters.next(&[]), counters.next(&item), counters.next(&[])), (0, 0, 1));
        let position = Position { place: item.to_vec(), number: 1 };
        assert_eq!(position.to_string(), "change 1 of item 4 of parallel 1");
    }
}
