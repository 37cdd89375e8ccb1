//! A door that becomes another one: a replayed script's functions are called again at the undo's door.

use std::sync::{Arc, OnceLock};

use crate::door::{Action, Branch, Composite, Passage, Reply};
use crate::engine::{Output, OutputEvent};
use crate::fault::{Failure, Fault};
use crate::value::Value;

/// The replay's door, silent, until it is told another one.
pub struct Relay {
    replay: Arc<dyn Passage>,
    after: OnceLock<(Arc<dyn Passage>, Arc<dyn Output>)>,
}

impl Relay {
    /// The door of a replay.
    pub fn new(replay: Arc<dyn Passage>) -> Self {
        Self { replay, after: OnceLock::new() }
    }

    /// From now on this is the door, and what is shown is shown there.
    pub fn set(&self, passage: Arc<dyn Passage>, output: Arc<dyn Output>) {
        // It is told once, when the replay has ended.
        let _only_once = self.after.set((passage, output));
    }

    fn door(&self) -> &dyn Passage {
        self.after.get().map_or(&*self.replay, |(passage, _)| &**passage)
    }
}

impl Output for Relay {
    fn show(&self, event: OutputEvent) {
        if let Some((_, output)) = self.after.get() {
            output.show(event);
        }
    }
}

impl Passage for Relay {
    fn pass(&self, branch: &Branch, action: Action) -> Result<Reply, Failure> {
        self.door().pass(branch, action)
    }

    fn open(&self, branch: &Branch, action: Action) -> Result<Composite, Failure> {
        self.door().open(branch, action)
    }

    fn item_failed(&self, composite: &Composite, item: u64) -> Result<(), Failure> {
        self.door().item_failed(composite, item)
    }

    fn close(&self, composite: Composite, outcome: Result<Value, Fault>) -> Result<(), Failure> {
        self.door().close(composite, outcome)
    }

    fn abandon(&self, branch: &Branch, target: &Arc<str>, caught: bool) {
        self.door().abandon(branch, target, caught);
    }

    fn is_replaying(&self) -> bool {
        self.door().is_replaying()
    }

    fn is_assumed(&self, value: &Value) -> bool {
        self.door().is_assumed(value)
    }

    fn instead_of_waiting(&self) -> Option<Value> {
        self.door().instead_of_waiting()
    }

    fn is_assumed_target(&self, target: &str) -> bool {
        self.door().is_assumed_target(target)
    }
}
