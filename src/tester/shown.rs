//! What a run showed and how it ended, as values of a test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::door::{DoorEvent, Withheld};
use crate::engine::{Output, OutputEvent, Reach};
use crate::lab::Seen;
use crate::run::{Ending, Listener, RunError, RunEvent};
use crate::tester::reached::Gathered;
use crate::value::{Map, Value};

/// Keeps what a script shows, a line for each print, log line and row of a table, and which steps failed.
#[derive(Debug, Default)]
pub(super) struct Shown {
    text: Mutex<String>,
    failed: Mutex<Vec<String>>,
    /// Takes what a run reaches, with the vendors of its targets; nothing of what a test itself shows.
    counting: Option<(Arc<Gathered>, BTreeMap<String, String>)>,
}

impl Shown {
    /// Of a run: what it reaches is gathered; `vendors` are those of its targets.
    pub(super) fn counting(gathered: &Arc<Gathered>, vendors: BTreeMap<String, String>) -> Self {
        Self { counting: Some((Arc::clone(gathered), vendors)), ..Self::default() }
    }

    fn count(&self, target: &str, operation: &str) {
        if let Some((gathered, vendors)) = &self.counting
            && let Some(vendor) = vendors.get(target)
        {
            gathered.called(vendor, operation);
        }
    }

    /// What was shown so far.
    pub(super) fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The steps that failed.
    pub(super) fn failed(&self) -> Vec<String> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn line(&self, line: &str) {
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
    }
}

impl Output for Shown {
    fn show(&self, event: OutputEvent) {
        match event {
            OutputEvent::Print(line) => self.line(&line),
            OutputEvent::Log(level, line) => self.line(&format!("{}: {line}", level.name())),
            OutputEvent::Table(rows) => {
                for row in rows.as_list().unwrap_or_default() {
                    self.line(&row.to_json().to_string());
                }
            }
            OutputEvent::Step(name, None) => self.line(&format!("step: {name}")),
            OutputEvent::Step(name, Some(false)) => {
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
            OutputEvent::Step(..) | OutputEvent::Progress { .. } => {}
        }
    }
}

impl Listener for Shown {
    fn on(&self, event: RunEvent) {
        match event {
            RunEvent::Output(event) => self.show(event),
            RunEvent::Door(DoorEvent::Called { target, operation, .. }) => self.count(&target, &operation),
            RunEvent::Door(DoorEvent::Withheld(change)) => self.count(&change.target, &change.operation),
            RunEvent::Door(_) | RunEvent::Started { .. } | RunEvent::Waits(_) | RunEvent::GoesOn => {}
        }
    }

    fn reach(&self) -> Option<Arc<dyn Reach>> {
        self.counting.as_ref().map(|(gathered, _)| Arc::clone(gathered) as Arc<dyn Reach>)
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(number: impl TryInto<i64>) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}

fn map<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Map(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// `#{ outcome, value, error, out, failed }`; `failed` names the steps that failed.
pub(super) fn ending(ending: &Ending, shown: &Shown) -> Value {
    map([
        ("outcome", text(ending.outcome.name())),
        ("value", ending.value.clone().unwrap_or(Value::Null)),
        ("error", ending.error.as_ref().map_or(Value::Null, error)),
        ("out", Value::Text(shown.text())),
        ("failed", Value::List(shown.failed().into_iter().map(Value::Text).collect())),
    ])
}

/// `#{ message, kind, file, line }`; `kind` is that of the error which a script would have caught.
fn error(error: &RunError) -> Value {
    let (file, line) =
        error.place.as_ref().map_or((Value::Null, Value::Null), |(file, line)| (text(file), number(*line)));
    map([
        ("message", text(&error.message)),
        ("kind", error.fault.as_ref().map_or(Value::Null, |fault| text(fault.kind.name()))),
        ("file", file),
        ("line", line),
    ])
}

/// `#{ target, operation, effect, args, items }`.
pub(super) fn withheld(change: &Withheld) -> Value {
    map([
        ("target", text(&change.target)),
        ("operation", text(&change.operation)),
        ("effect", text(change.effect.name())),
        ("args", Value::Map(change.args.clone())),
        ("items", number(change.items)),
    ])
}

/// `#{ method, path, body, status, write, applied }`; a body is JSON where it can be read so.
pub(super) fn request(seen: &Seen) -> Value {
    let body = serde_json::from_slice::<serde_json::Value>(&seen.body).map(Value::from);
    map([
        ("method", text(&seen.method)),
        ("path", text(&seen.target)),
        ("body", body.unwrap_or_else(|_| text(&String::from_utf8_lossy(&seen.body)))),
        ("status", seen.status.map_or(Value::Null, number)),
        ("write", Value::Bool(seen.writes)),
        ("applied", Value::Bool(seen.applied)),
    ])
}

/// Reads the options of a function: each is taken by its name, and none may be left.
pub(super) struct Options<'a> {
    map: &'a Map,
    of: &'a str,
}

impl<'a> Options<'a> {
    /// The options of `of`, of which only these are known.
    ///
    /// # Errors
    /// An unknown one.
    pub(super) fn new(map: &'a Map, of: &'a str, known: &[&str]) -> Result<Self, String> {
        match map.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { map, of }),
            Some(name) => {
                let hint = crate::nearest::did_you_mean(name, known.iter().copied());
                Err(format!("{of} has no option '{name}'.{hint} There are: {}", known.join(", ")))
            }
        }
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> String {
        format!("option '{name}' of {} must be {wanted}, not {}", self.of, value.kind())
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        let value = self.map.get(name);
        value.map(|value| value.as_text().ok_or_else(|| self.wrong(name, "a text", value))).transpose()
    }

    /// Whether it is set.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.map.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => Err(self.wrong(name, "true or false", value)),
        }
    }

    /// A number from 1.
    pub(super) fn count(&self, name: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.map.get(name) else { return Ok(None) };
        let count = value.as_int().and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        count.map(Some).ok_or_else(|| self.wrong(name, "a number from 1", value))
    }

    /// Texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        let Some(value) = self.map.get(name) else { return Ok(Vec::new()) };
        texts(value).ok_or_else(|| self.wrong(name, "a list of texts", value))
    }

    /// Lists of texts by name.
    pub(super) fn lists(&self, name: &str) -> Result<Vec<(String, Vec<String>)>, String> {
        let Some(value) = self.map.get(name) else { return Ok(Vec::new()) };
        let lists = value.as_map().and_then(|map| {
            map.iter().map(|(name, value)| Some((name.clone(), texts(value)?))).collect::<Option<Vec<_>>>()
        });
        lists.ok_or_else(|| self.wrong(name, "a map of lists of texts", value))
    }
}

/// A list of texts.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_list()?.iter().map(|item| item.as_text().map(str::to_owned)).collect()
}
