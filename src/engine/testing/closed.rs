//! The door of a test itself: closed but for the clock, which stands.

use std::sync::Arc;

use jiff::Timestamp;

use crate::door::{Action, Branch, Composite, Passage, Reply};
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::Value;

/// Lets nothing pass.
pub(super) struct Closed {
    /// The instant at which the clock stands.
    pub(super) now: Timestamp,
}

fn refused() -> Failure {
    let message = "a test does nothing by itself: run(playbook, params) runs what does, file(name, text) writes a file";
    Fault::new(FaultKind::Refused, message).into()
}

impl Passage for Closed {
    fn pass(&self, _branch: &Branch, action: Action) -> Result<Reply, Failure> {
        match action {
            Action::Clock => Ok(Reply::Value(Value::Time(self.now))),
            _ => Err(refused()),
        }
    }

    fn abandon(&self, _branch: &Branch, _target: &Arc<str>, _caught: bool) {}

    fn open(&self, _branch: &Branch, _action: Action) -> Result<Composite, Failure> {
        Err(refused())
    }

    fn close(&self, _composite: Composite, _outcome: Result<Value, Fault>) -> Result<(), Failure> {
        Err(refused())
    }

    fn item_failed(&self, _composite: &Composite, _item: u64) -> Result<(), Failure> {
        Err(refused())
    }

    fn is_replaying(&self) -> bool {
        false
    }

    fn is_assumed(&self, _value: &Value) -> bool {
        false
    }

    fn is_assumed_target(&self, _target: &str) -> bool {
        false
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        None
    }
}
