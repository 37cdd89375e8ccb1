//! Storm control: how many messages a channel carries in a period, and what it holds back.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, json};
use tokio::time::Instant;

use super::message::{Message, MessageKind};
use crate::config::Rate;

/// How many of the subjects that were held back are named.
const NAMED: usize = 10;

/// What a channel has carried lately, and what it holds back.
pub(super) struct Storm {
    limit: Rate,
    carried: VecDeque<Instant>,
    held: u64,
    subjects: BTreeMap<String, u64>,
}

impl Storm {
    pub(super) fn new(limit: Rate) -> Self {
        Self { limit, carried: VecDeque::new(), held: 0, subjects: BTreeMap::new() }
    }

    /// Whether a message may go now; else it is held back. While something is held back, whatever
    /// comes is held back as well, so that the sum tells of it in its order.
    pub(super) fn may_go(&mut self, message: &Message, now: Instant) -> bool {
        if self.held == 0 && self.opens(now) <= now {
            self.carried.push_back(now);
            return true;
        }
        self.held += 1;
        // The texts of many subjects are as much of a storm as the messages.
        if self.subjects.len() < NAMED || self.subjects.contains_key(&message.subject) {
            *self.subjects.entry(message.subject.clone()).or_default() += 1;
        }
        false
    }

    /// When the next message may go.
    pub(super) fn opens(&mut self, now: Instant) -> Instant {
        while self.carried.front().is_some_and(|first| now.duration_since(*first) >= self.limit.per) {
            self.carried.pop_front();
        }
        match self.carried.front() {
            Some(first) if self.carried.len() >= self.limit.count as usize => *first + self.limit.per,
            _ => now,
        }
    }

    /// How many are held back.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// The sum of what was held back, which counts as a message that goes now; nothing if nothing was.
    pub(super) fn sum(&mut self, now: Instant) -> Option<Message> {
        let held = std::mem::take(&mut self.held);
        let subjects = std::mem::take(&mut self.subjects);
        if held == 0 {
            return None;
        }
        self.carried.push_back(now);
        let mut text = String::from("This channel carries no more messages at a time. Held back were:\n");
        let mut named = 0;
        for (subject, count) in &subjects {
            named += count;
            text.push_str(&match count {
                1 => format!("- {subject}\n"),
                _ => format!("- {subject} ({count} times)\n"),
            });
        }
        if named < held {
            text.push_str(&format!("- {} more of other subjects\n", held - named));
        }
        let (count, per) = (self.limit.count, self.limit.per.as_secs());
        text.push_str(&format!("Its limit is {count} in {per} s. `beadle runs list` shows all runs."));
        let mut facts = Map::new();
        facts.insert("count".into(), json!(held));
        let subject = format!("{held} more message(s) were held back");
        Some(Message { kind: MessageKind::Held, subject, text, facts })
    }

    /// Takes back a sum that did not arrive.
    pub(super) fn keep(&mut self, sum: &Message) {
        self.held += sum.facts.get("count").and_then(serde_json::Value::as_u64).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn message(subject: &str) -> Message {
        Message { kind: MessageKind::Notice, subject: subject.into(), text: String::new(), facts: Map::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_go_and_the_rest_is_summed_up() {
        let mut storm = Storm::new(Rate { count: 2, per: Duration::from_secs(60) });
        let begun = Instant::now();
        let went: Vec<bool> = (0..5).map(|n| storm.may_go(&message(&format!("m{}", n % 2)), begun)).collect();
        assert_eq!(went, [true, true, false, false, false]);
        assert_eq!(storm.opens(begun), begun + Duration::from_secs(60));
        let later = begun + Duration::from_secs(61);
        let sum = storm.sum(later).unwrap();
        assert_eq!(sum.subject, "3 more message(s) were held back");
        assert!(sum.text.contains("- m0 (2 times)\n- m1\n"), "{}", sum.text);
        // The sum counts, so that one more goes.
        assert!(storm.may_go(&message("x"), later));
        assert!(!storm.may_go(&message("y"), later));
        assert!(storm.sum(later).is_some() && storm.sum(later).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn many_subjects_do_not_make_a_long_sum() {
        let mut storm = Storm::new(Rate { count: 1, per: Duration::from_secs(60) });
        let now = Instant::now();
        for n in 0..1_001 {
            storm.may_go(&message(&format!("m{n}")), now);
        }
        let sum = storm.sum(now).unwrap();
        assert!(sum.text.contains("- 990 more of other subjects"), "{}", sum.text);
        storm.keep(&sum);
        assert_eq!(storm.held(), 1_000);
    }
}
