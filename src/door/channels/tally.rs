//! What was held back, counted by subject, and the message that sums it up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, json};

use super::message::{Message, MessageKind};
use crate::config::Rate;

/// How many of the subjects that were held back are named: the texts of many are as much of a storm as the messages.
pub(super) const NAMED: usize = 10;

/// How often something was held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// How often.
    pub(super) count: u64,
    /// How many of these may have been told: a sum was on its way when its process died.
    pub(super) maybe: u64,
}

/// What was held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Messages by their subjects; those of no name are of other subjects.
    pub(super) subjects: BTreeMap<String, Count>,
    /// When the first of them was held back.
    pub(super) since: Option<Timestamp>,
}

impl Tally {
    /// Counts messages of a subject.
    pub(super) fn add(&mut self, subject: &str, added: Count, since: Timestamp) {
        let named = self.subjects.keys().filter(|name| !name.is_empty()).count();
        let subject = if named < NAMED || self.subjects.contains_key(subject) { subject } else { "" };
        let known = self.subjects.entry(subject.to_owned()).or_default();
        known.count += added.count;
        known.maybe += added.maybe;
        self.since = Some(self.since.map_or(since, |known| known.min(since)));
    }

    /// Counts what another has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        for (subject, count) in &other.subjects {
            self.add(subject, *count, other.since.unwrap_or(Timestamp::MAX));
        }
    }

    /// Whether nothing was held back.
    pub(super) fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// The message that sums it up.
    pub(super) fn message(&self, limit: Rate) -> Message {
        let (held, maybe) =
            self.subjects.values().fold((0, 0), |(held, maybe), count| (held + count.count, maybe + count.maybe));
        let since = self.since.map(|since| format!("{since:.0}")).unwrap_or_default();
        let mut text = format!("This channel carries no more messages at a time. Held back since {since} were:\n");
        for (subject, Count { count, .. }) in self.subjects.iter().filter(|(subject, _)| !subject.is_empty()) {
            text.push_str(&match count {
                1 => format!("- {subject}\n"),
                _ => format!("- {subject} ({count} times)\n"),
            });
        }
        if let Some(others) = self.subjects.get("") {
            text.push_str(&format!("- {} more of other subjects\n", others.count));
        }
        if maybe > 0 {
            text.push_str(&format!("{maybe} of them may have been told before: a sum of them did not come back.\n"));
        }
        text.push_str(&format!(
            "Its limit is {} in {} s. `beadle runs list` shows all runs.",
            limit.count,
            limit.per.as_secs()
        ));
        let mut facts = Map::new();
        facts.insert("count".into(), json!(held));
        facts.insert("since".into(), json!(since));
        if maybe > 0 {
            facts.insert("maybe_told".into(), json!(maybe));
        }
        let subject = format!("{held} more message(s) were held back");
        Message { kind: MessageKind::Held, subject, text, facts }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: Count = Count { count: 1, maybe: 0 };

    #[test]
    fn many_subjects_do_not_make_a_long_sum() {
        let mut tally = Tally::default();
        for n in 0..1_000 {
            tally.add(&format!("m{n}"), ONE, Timestamp::UNIX_EPOCH);
        }
        tally.add("m3", ONE, Timestamp::UNIX_EPOCH);
        let sum = tally.message(Rate { count: 1, per: Duration::from_secs(60) });
        assert_eq!(sum.facts["count"], 1_001);
        assert!(sum.text.contains("- 990 more of other subjects\n"), "{}", sum.text);
        assert!(sum.text.contains("- m3 (2 times)\n") && !sum.text.contains("may have been told"), "{}", sum.text);
    }

    #[test]
    fn a_sum_says_since_when_and_what_may_come_twice() {
        let mut tally = Tally::default();
        tally.add("a", ONE, Timestamp::from_second(100).unwrap());
        let mut other = Tally::default();
        other.add("a", Count { count: 3, maybe: 2 }, Timestamp::from_second(50).unwrap());
        tally.merge(&other);
        let sum = tally.message(Rate { count: 1, per: Duration::from_secs(60) });
        assert!(sum.text.contains("since 1970-01-01T00:00:50Z were:\n- a (4 times)\n2 of them may"), "{}", sum.text);
        assert_eq!((&sum.facts["count"], &sum.facts["maybe_told"]), (&json!(4), &json!(2)));
    }
}
