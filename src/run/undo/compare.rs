//! Whether what a run left is still there: only that is taken back.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::made::{CallMade, KeyMade, Made, What};
use crate::catalog::hidden::hide;
use crate::catalog::{Bound, Catalog, Row, inverse_of, plain, read_about, steady, would_be};
use crate::door::{Action, Branch, Passage, Reply};
use crate::fault::{Failure, FaultKind};
use crate::value::Value;

/// What becomes of one thing that was made.
pub enum Decision {
    /// A call takes it back; with what it does not bring back, and why it could not be compared.
    Call(Bound, Vec<String>),
    /// A store's keys are brought back.
    Store(String, Vec<(String, Option<Value>)>),
    /// The script's own function takes it back.
    Step(String),
    /// It is left alone, and why.
    Leave(String),
    /// It cannot be taken back, and why.
    Cannot(String),
}

/// Looks at the present states. What has been decided on the same object before, which was made later,
/// is thought of as taken back.
pub struct Comparer<'a> {
    /// The calls.
    pub catalog: &'a Catalog,
    /// The door of the undo.
    pub door: &'a dyn Passage,
    /// The branch whose entries its reads are.
    pub branch: &'a Branch,
    /// The state that each object will have at this point of the undo: target, read and its arguments.
    objects: BTreeMap<String, Option<Json>>,
    keys: BTreeMap<String, Option<Value>>,
}

impl<'a> Comparer<'a> {
    /// Nothing has been looked at yet.
    pub fn new(catalog: &'a Catalog, door: &'a dyn Passage, branch: &'a Branch) -> Self {
        Self { catalog, door, branch, objects: BTreeMap::new(), keys: BTreeMap::new() }
    }

    /// Decides on one thing.
    ///
    /// # Errors
    /// The end of the run.
    pub fn decide(&mut self, made: &Made) -> Result<Decision, Failure> {
        match &made.what {
            What::Call(call) => self.call(call),
            What::Store(store, keys) => self.store(store, keys),
            What::Step { name, .. } => Ok(Decision::Step(name.clone())),
            What::Lasting(why) => Ok(Decision::Cannot(why.clone())),
        }
    }

    fn call(&mut self, call: &CallMade) -> Result<Decision, Failure> {
        let undo = match inverse_of(self.catalog, call.row, &call.args, call.before.as_ref(), call.answer.as_ref()) {
            Ok(undo) => undo,
            Err(why) => return Ok(Decision::Cannot(why.to_string())),
        };
        let mut caveats = undo.caveats.clone();
        if let Some(leave) = self.compare(call, &mut caveats)? {
            return Ok(Decision::Leave(leave));
        }
        match crate::catalog::bind(undo.row, undo.positional, undo.map) {
            Ok(bound) => Ok(Decision::Call(bound, caveats)),
            Err(fault) => Ok(Decision::Cannot(fault.message)),
        }
    }

    /// Why a call is left alone; nothing if the state that it left is there, or cannot be seen.
    fn compare(&mut self, call: &CallMade, caveats: &mut Vec<String>) -> Result<Option<String>, Failure> {
        let read = call.row.before.as_ref().and_then(|read| read_about(self.catalog, call.row, read.call, &call.args));
        let after = call.before.as_ref().and_then(|before| would_be(call.row, &call.args, before));
        let (Some(read), Some(after)) = (read, after) else {
            caveats.push("whether others have changed it since cannot be seen".into());
            return Ok(None);
        };
        let object = format!("{} {} {:?}", call.target, read.row.name, read.args);
        let present = match self.objects.get(&object) {
            Some(present) => present.clone(),
            None => self.present(&call.target, &read)?,
        };
        let Some(present) = present else {
            self.objects.insert(object, None);
            caveats.push("its present state could not be read".into());
            return Ok(None);
        };
        let before = call.before.as_ref().map(|before| comparable(before, read.row)).unwrap_or_default();
        let after = comparable(&after, read.row);
        // What was made has what the appliance adds by itself as well.
        let is_there = if before.is_null() { covers(&present, &after) } else { present == after };
        if is_there {
            self.objects.insert(object, Some(before));
            return Ok(None);
        }
        let why = if present == before { "it is as it was before" } else { "others have changed it since" };
        // What stands there stays, also for what was done to it earlier.
        self.objects.insert(object, Some(present));
        Ok(Some(why.into()))
    }

    fn present(&self, target: &Arc<str>, read: &Bound) -> Result<Option<Json>, Failure> {
        let action = Action::Call { target: Arc::clone(target), call: read.clone() };
        match self.door.pass(self.branch, action) {
            Ok(Reply::Http(answer)) => {
                let json = serde_json::from_slice::<Json>(&answer.body).ok();
                Ok(json.map(|json| comparable(&json, read.row)))
            }
            Ok(_) => Ok(None),
            Err(Failure::Fault(fault)) if fault.kind == FaultKind::NotFound => Ok(Some(Json::Null)),
            Err(Failure::Fault(_)) => Ok(None),
            Err(stop) => Err(stop),
        }
    }

    fn store(&mut self, store: &str, keys: &[KeyMade]) -> Result<Decision, Failure> {
        let mut back = Vec::new();
        for made in keys {
            let name = format!("{store} {}", made.key);
            let present = match self.keys.get(&name) {
                Some(present) => present.clone(),
                None => self.stored(store, &made.key)?,
            };
            if present == made.set {
                back.push((made.key.clone(), made.before.clone()));
                self.keys.insert(name, made.before.clone());
            } else {
                self.keys.insert(name, present);
            }
        }
        if back.is_empty() {
            return Ok(Decision::Leave("the store has changed since".into()));
        }
        Ok(Decision::Store(store.to_owned(), back))
    }

    fn stored(&self, store: &str, key: &str) -> Result<Option<Value>, Failure> {
        let action = Action::StoreLook { store: store.to_owned(), key: key.to_owned() };
        match self.door.pass(self.branch, action)? {
            Reply::Value(Value::Null) => Ok(None),
            Reply::Value(value) => Ok(Some(value)),
            Reply::Http(_) | Reply::Json(_) | Reply::Bytes(_) => Ok(None),
        }
    }
}

/// Whether a state has everything that another one has.
fn covers(state: &Json, other: &Json) -> bool {
    match (state, other) {
        (Json::Object(state), Json::Object(other)) => {
            other.iter().all(|(name, value)| state.get(name).is_some_and(|have| covers(have, value)))
        }
        (Json::Array(state), Json::Array(other)) => {
            state.len() == other.len() && state.iter().zip(other).all(|(have, value)| covers(have, value))
        }
        (state, other) => state == other,
    }
}

/// A state as states are compared: without what changes by itself, and without secrets.
fn comparable(state: &Json, read: &Row) -> Json {
    let mut state = steady(state.clone(), read.answer.fields);
    hide(&mut state, read.answer.fields);
    plain(&state)
}
