//! The functions of a script that has ended: what its steps named to be taken back by.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::door::Branch;
use crate::engine::{Afterwards, RunContext, ScriptError, StepUndo};

/// A step that has such a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptStep {
    /// The branch that the step stands in.
    pub path: Vec<(u64, u64)>,
    /// Its place there.
    pub place: u64,
}

/// The functions of a script, as long as whoever has interpreted it keeps them.
pub trait Functions {
    /// The steps that have one, in the order in which they were completed.
    fn kept(&self) -> &[KeptStep];

    /// Calls the function of the step of that number, as a part of `branch`.
    ///
    /// # Errors
    /// What it came to.
    fn call(&self, step: usize, branch: &Branch) -> Result<(), ScriptError>;
}

/// Those of a script that was interpreted in this process.
pub struct Here<'a> {
    afterwards: &'a Afterwards<'a>,
    undos: Vec<StepUndo>,
    steps: Vec<KeptStep>,
}

impl<'a> Here<'a> {
    /// Takes them from the context of the script. What ended the script, and how far it had come, does not concern
    /// them.
    pub fn of(afterwards: &'a Afterwards<'a>, context: &RunContext) -> Self {
        context.go_on();
        context.steps.store(0, Ordering::Relaxed);
        let undos = std::mem::take(&mut *context.undo.lock().unwrap_or_else(PoisonError::into_inner));
        let steps = undos.iter().map(|undo| KeptStep { path: undo.path.clone(), place: undo.place }).collect();
        Self { afterwards, undos, steps }
    }
}

impl Functions for Here<'_> {
    fn kept(&self) -> &[KeptStep] {
        &self.steps
    }

    fn call(&self, step: usize, branch: &Branch) -> Result<(), ScriptError> {
        self.undos.get(step).map_or(Ok(()), |undo| self.afterwards.call(undo, branch.clone()))
    }
}
