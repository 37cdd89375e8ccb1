//! What tells a watched folder that a file is a run's own.

use std::path::Path;
use std::sync::Arc;

use crate::door::Authorship;
use crate::fault::{Fault, FaultKind};
use crate::run::project::Project;
use crate::state::{State, StateError};
use crate::value::{Map, Value};
use crate::written::{self, Written};

/// The files of one run and its children.
pub(super) struct RunAuthorship {
    project: Arc<Project>,
    written: Written,
}

impl RunAuthorship {
    /// The files of the run `run`, which the event set off.
    pub(super) fn of(project: &Arc<Project>, run: &str, event: &Map) -> Arc<dyn Authorship> {
        let depth = match event.get("depth") {
            Some(Value::Int(depth)) => depth.unsigned_abs(),
            _ => 0,
        };
        Arc::new(Self { project: Arc::clone(project), written: Written { run: run.to_owned(), depth } })
    }

    fn note(&self, note: impl FnOnce(&State) -> Result<(), StateError>) -> Result<(), Fault> {
        // Without a watch nobody asks.
        if self.project.config.watches.is_empty() {
            return Ok(());
        }
        let state = self.project.state()?;
        note(&state).map_err(|error| Fault::new(FaultKind::File, error.to_string()))
    }
}

impl Authorship for RunAuthorship {
    fn begin(&self, path: &Path) -> Result<(), Fault> {
        self.note(|state| written::begin(state, path, &self.written, self.project.clock.now()))
    }

    fn end(&self, path: &Path) -> Result<(), Fault> {
        self.note(|state| written::end(state, path))
    }
}
