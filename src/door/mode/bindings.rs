//! Comparing what a plan has with what a live run asks for.
//!
//! An assumed id of the plan stands for what the live run got in its place. What it stands for is
//! learned from the answer that gives it, or else where it is first used, and holds from then on.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use regex::Regex;

use crate::door::mode::assumed;
use crate::value::{Map, Value};

/// What the plan's assumed ids stand for.
#[derive(Debug, Default)]
pub struct Bindings {
    known: BTreeMap<String, String>,
    /// What the comparison under way has learned.
    fresh: Vec<String>,
    /// Texts of the plan that are others in this run, such as the run's id.
    replaced: Vec<(String, String)>,
    /// How far apart two readings of the clock may be: no further than the run has lasted.
    slack: SignedDuration,
}

/// Where what is asked for differs from the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Mismatch {
    /// The path within the arguments.
    pub path: String,
    /// What the plan has.
    pub planned: String,
    /// What is asked for.
    pub asked: String,
}

impl Bindings {
    /// Without ids; each first text of `replaced` is the second in this run.
    pub fn new(replaced: Vec<(String, String)>) -> Self {
        let replaced = replaced.into_iter().filter(|(planned, _)| !planned.is_empty()).collect();
        Self { replaced, ..Self::default() }
    }

    /// Readings of the clock may be so far apart.
    pub fn allow(&mut self, slack: SignedDuration) {
        self.slack = slack;
    }

    /// The answer to a planned change says what an assumed id of it stands for.
    pub fn learn(&mut self, token: &str, value: &serde_json::Value) {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => return,
        };
        self.known.insert(token.to_owned(), text);
    }

    /// Keeps what `compare` learns, or forgets it where it finds that the two differ.
    ///
    /// # Errors
    /// As `compare`.
    pub fn tried<T, E>(&mut self, compare: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        self.fresh.clear();
        let outcome = compare(self);
        if outcome.is_err() {
            for token in std::mem::take(&mut self.fresh) {
                self.known.remove(&token);
            }
        }
        outcome
    }

    /// Compares the arguments of a change.
    ///
    /// # Errors
    /// The first place where they differ.
    pub fn compare(&mut self, planned: &Map, asked: &Map) -> Result<(), Mismatch> {
        self.maps("", planned, asked)
    }

    /// Compares texts such as a path or address.
    ///
    /// # Errors
    /// The two, with `at` as the path.
    pub fn texts(&mut self, at: &str, planned: &str, asked: &str) -> Result<(), Mismatch> {
        if planned == asked || self.same_text(planned, asked) {
            return Ok(());
        }
        Err(Mismatch { path: at.to_owned(), planned: planned.to_owned(), asked: asked.to_owned() })
    }

    fn maps(&mut self, at: &str, planned: &Map, asked: &Map) -> Result<(), Mismatch> {
        let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        let nothing = || "nothing".to_owned();
        let mut left: Vec<&String> = asked.keys().collect();
        for (name, value) in planned {
            // A name may be an id as well, where a body is free.
            let Some(found) = left.iter().position(|other| *other == name || self.same_text(name, other)) else {
                return Err(Mismatch { path: path(name), planned: shown(value), asked: nothing() });
            };
            let other = left.remove(found);
            self.values(&path(name), value, asked.get(other).unwrap_or(&Value::Null))?;
        }
        match left.first().and_then(|name| Some((name, asked.get(*name)?))) {
            Some((name, value)) => Err(Mismatch { path: path(name), planned: nothing(), asked: shown(value) }),
            None => Ok(()),
        }
    }

    fn values(&mut self, at: &str, planned: &Value, asked: &Value) -> Result<(), Mismatch> {
        let same = match (planned, asked) {
            (Value::Map(planned), Value::Map(asked)) => return self.maps(at, planned, asked),
            (Value::List(planned), Value::List(asked)) if planned.len() == asked.len() => {
                for (index, (planned, asked)) in planned.iter().zip(asked).enumerate() {
                    self.values(&format!("{at}[{index}]"), planned, asked)?;
                }
                true
            }
            (Value::Int(number), Value::Int(_) | Value::Text(_)) if assumed::is_assumed(planned) => {
                let asked = asked.as_text().map_or_else(|| shown(asked), str::to_owned);
                self.same_text(&number.to_string(), &asked)
            }
            (Value::Text(text), Value::Int(number)) if assumed::is_assumed(planned) => {
                self.same_text(text, &number.to_string())
            }
            (Value::Text(planned), Value::Text(asked)) => self.same_text(planned, asked),
            (Value::Time(planned), Value::Time(asked)) => planned.duration_since(*asked).abs() <= self.slack,
            // A float that was written and read may differ in its last digit.
            (Value::Float(planned), Value::Float(asked)) => (planned - asked).abs() <= f64::EPSILON * planned.abs(),
            (planned, asked) => planned == asked,
        };
        if same {
            return Ok(());
        }
        Err(Mismatch { path: at.to_owned(), planned: shown(planned), asked: shown(asked) })
    }

    /// Whether the texts are the same, once every id stands for what it stands for. Ids that are not
    /// known yet become so.
    fn same_text(&mut self, planned: &str, asked: &str) -> bool {
        if planned == asked {
            return true;
        }
        let mut pattern = String::from("(?s)^");
        let mut unknown = Vec::new();
        let mut from = 0;
        let literal = |text: &str| {
            let text = self.replaced.iter().fold(text.to_owned(), |text, (planned, now)| text.replace(planned, now));
            regex::escape(&text)
        };
        for range in assumed::tokens(planned) {
            let (before, token) = (planned.get(from..range.start), planned.get(range.clone()));
            let (Some(before), Some(token)) = (before, token) else { return false };
            pattern.push_str(&literal(before));
            match self.known.get(token) {
                Some(known) => pattern.push_str(&regex::escape(known)),
                None => {
                    pattern.push_str("(.+)");
                    unknown.push(token.to_owned());
                }
            }
            from = range.end;
        }
        pattern.push_str(&literal(planned.get(from..).unwrap_or_default()));
        pattern.push('$');
        let Some(found) = Regex::new(&pattern).ok().and_then(|pattern| pattern.captures(asked)) else { return false };
        for (index, token) in unknown.into_iter().enumerate() {
            let Some(value) = found.get(index + 1) else { return false };
            // One that stands twice in this text stands for one value.
            match self.known.get(&token) {
                Some(known) if known != value.as_str() => return false,
                Some(_) => {}
                None => {
                    self.fresh.push(token.clone());
                    self.known.insert(token, value.as_str().to_owned());
                }
            }
        }
        true
    }
}

fn shown(value: &Value) -> String {
    value.to_json().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(json: serde_json::Value) -> Map {
        match Value::from(json) {
            Value::Map(map) => map,
            _ => Map::new(),
        }
    }

    const FIRST: i64 = 8_800_000_000_000_001;

    #[test]
    fn an_assumed_id_stands_for_one_value_wherever_it_is_used() {
        let mut bindings = Bindings::default();
        bindings.learn(&FIRST.to_string(), &json!(17));
        let planned = map(json!({ "group": FIRST, "path": format!("/groups/{FIRST}/x"), "list": ["assumed-2"] }));
        bindings.compare(&planned, &map(json!({ "group": 17, "path": "/groups/17/x", "list": ["k7"] }))).unwrap();
        let other = bindings.compare(&planned, &map(json!({ "group": 18, "path": "/groups/18/x", "list": ["k7"] })));
        assert_eq!(other.unwrap_err().path, "group");
        let moved = bindings.compare(&map(json!({ "id": "assumed-2" })), &map(json!({ "id": "k8" })));
        assert_eq!(moved.unwrap_err().asked, "\"k8\"", "what it stood for first holds");
    }

    #[test]
    fn what_a_failed_comparison_has_learned_is_forgotten() {
        let mut bindings = Bindings::default();
        let planned = map(json!({ "a": "assumed-1", "b": 1 }));
        bindings.tried(|bindings| bindings.compare(&planned, &map(json!({ "a": "x", "b": 2 })))).unwrap_err();
        bindings.tried(|bindings| bindings.compare(&planned, &map(json!({ "a": "y", "b": 1 })))).unwrap();
        bindings.tried(|bindings| bindings.compare(&planned, &map(json!({ "a": "x", "b": 1 })))).unwrap_err();
    }

    #[test]
    fn what_is_not_an_id_has_to_be_equal() {
        let mut bindings = Bindings::new(vec![("planrun".into(), "liverun".into())]);
        let planned = map(json!({ "a": 1, "b": { "c": "by planrun" } }));
        bindings.compare(&planned, &map(json!({ "a": 1, "b": { "c": "by liverun" } }))).unwrap();
        for (asked, path) in [
            (json!({ "a": 2, "b": { "c": "by liverun" } }), "a"),
            (json!({ "a": 1, "b": { "c": "x" } }), "b.c"),
            (json!({ "a": 1 }), "b"),
            (json!({ "a": 1, "b": { "c": "by liverun" }, "d": 1 }), "d"),
        ] {
            assert_eq!(bindings.compare(&planned, &map(asked)).unwrap_err().path, path);
        }
    }

    #[test]
    fn readings_of_the_clock_may_be_as_far_apart_as_the_run_has_lasted() {
        let time = |text: &str| Map::from([("t".to_owned(), Value::Time(text.parse().unwrap()))]);
        let (planned, asked) = (time("2026-11-25T10:00:00Z"), time("2026-11-25T10:00:02Z"));
        let mut bindings = Bindings::default();
        assert!(bindings.compare(&planned, &asked).is_err());
        bindings.allow(SignedDuration::from_secs(3));
        bindings.compare(&planned, &asked).unwrap();
    }
}
