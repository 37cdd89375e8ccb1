//! A run as the journal keeps it: what it is pinned to, what it is made of, and how it ended.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::clock::Clock;
use crate::door::Recorder;
use crate::engine::Texts;
use crate::failpoint;
use crate::fault::{Fault, FaultKind};
use crate::journal::{
    BeginRecord, EndRecord, JournalRecorder, Log, Owner, Past, Record, code, fault_json, hex, is_owned, sha256,
};
use crate::run::outcome::{Counts, Outcome, RunError};
use crate::run::project::Project;
use crate::value::Value;

/// A former execution of a run.
#[derive(Debug)]
pub struct Former {
    /// The run's id.
    pub id: String,
    /// What is to become of its entries.
    pub past: Past,
    /// For how long it has run.
    pub ran: Duration,
    /// The texts that it is made of, by name.
    pub texts: BTreeMap<String, String>,
    /// The ownership of the run; a child is its parent's.
    pub owner: Option<Owner>,
}

/// What the journal is told of a run that begins.
pub struct Beginning<'a> {
    /// The run that it is a child of.
    pub parent: Option<String>,
    /// The script's name.
    pub name: &'a str,
    /// `live`, `dry`, `apply`, `undo` or `session`.
    pub mode: &'static str,
    /// What set it off, in words.
    pub cause: String,
    /// The script's text.
    pub text: &'a str,
    /// What it is pinned to.
    pub pinned: Json,
}

/// The record of one run, which may be an execution that goes on from a former one.
pub struct RunRecord {
    log: Arc<Log>,
    id: Arc<str>,
    past: Past,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    begun: Instant,
    ran: Duration,
    texts: BTreeMap<String, String>,
    known: Mutex<HashSet<String>>,
    owner: Mutex<Option<Owner>>,
}

impl RunRecord {
    /// The record of a new run.
    ///
    /// # Errors
    /// `file`, when too much waits to be written.
    pub fn begin(project: &Arc<Project>, id: &str, beginning: Beginning<'_>) -> Result<Self, Fault> {
        // A child is executed by whoever executes its parent.
        let taken = match beginning.parent {
            None => Owner::take(&project.config.state_dir, id),
            Some(_) => Ok(None),
        };
        // A run that nobody owns could be resumed while it runs: it stops before its first change.
        let unowned = taken.as_ref().err().map(|error| format!("the run's lock file cannot be made: {error}"));
        let owner = taken.unwrap_or_default();
        let former = Former { id: id.to_owned(), past: Past::None, ran: Duration::ZERO, texts: BTreeMap::new(), owner };
        let recorder = Self::journal(project, &former);
        if let Some(reason) = unowned {
            recorder.close(reason);
        }
        let record = Self::with(project, former, Arc::new(recorder));
        let script = sha256(beginning.text.as_bytes());
        let mut pinned = beginning.pinned;
        if let Some(pinned) = pinned.as_object_mut() {
            // The chain of changes begins with what a run is pinned to, and so covers the script.
            pinned.insert("script".into(), hex(&script).into());
        }
        let begin = BeginRecord {
            run: Arc::clone(&record.id),
            parent: beginning.parent,
            name: beginning.name.to_owned(),
            mode: beginning.mode.to_owned(),
            cause: beginning.cause,
            started: record.clock.now().as_microsecond(),
            script,
            pinned: pinned.to_string().into_bytes(),
        };
        // Together: a run without its text could not go on.
        let text = record.text(beginning.name, beginning.text);
        record.log.add_together([Record::Begin(Box::new(begin)), text]).map_err(unusable)?;
        Ok(record)
    }

    /// The record of a run that goes on from a former execution.
    pub fn of(project: &Arc<Project>, former: Former) -> Self {
        let recorder = Self::journal(project, &former);
        Self::with(project, former, Arc::new(recorder))
    }

    /// The record of the run `id`, which is retold by a recorder of its own: nothing of it is written. It has the id of
    /// the run that it was, since scripts make names of it.
    pub fn retold(project: &Arc<Project>, id: String, recorder: Arc<dyn Recorder>) -> Self {
        let former = Former { id, past: Past::Only, ran: Duration::ZERO, texts: BTreeMap::new(), owner: None };
        Self::with(project, former, recorder)
    }

    fn journal(project: &Arc<Project>, former: &Former) -> JournalRecorder {
        let (clock, secret) = (Arc::clone(&project.clock), project.secret_supply());
        JournalRecorder::new(project.journal(), former.id.as_str().into(), former.past, clock, secret)
    }

    fn with(project: &Arc<Project>, former: Former, recorder: Arc<dyn Recorder>) -> Self {
        Self {
            log: project.journal(),
            id: former.id.as_str().into(),
            past: former.past,
            recorder,
            clock: Arc::clone(&project.clock),
            begun: Instant::now(),
            ran: former.ran,
            texts: former.texts,
            known: Mutex::default(),
            owner: Mutex::new(former.owner),
        }
    }

    /// A text that the run is made of, as a record; it is written once.
    fn text(&self, name: &str, text: &str) -> Record {
        self.known().insert(name.to_owned());
        Record::Text { run: Arc::clone(&self.id), name: name.to_owned(), text: text.to_owned() }
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the door writes to.
    pub fn recorder(&self) -> Arc<dyn Recorder> {
        Arc::clone(&self.recorder)
    }

    /// What becomes of the former execution's entries.
    pub const fn past(&self) -> Past {
        self.past
    }

    /// For how long earlier executions have run.
    pub const fn ran(&self) -> Duration {
        self.ran
    }

    /// When this execution began.
    pub const fn begun(&self) -> Instant {
        self.begun
    }

    /// Whether somebody has asked for the run to be cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(Owner::is_cancelled)
    }

    /// Writes that the run waits until then, with all that came before; it is on the disk when this returns.
    ///
    /// # Errors
    /// `file`, when it cannot be written.
    pub(super) fn wait(&self, until: Timestamp) -> Result<(), Fault> {
        let ran = self.ran + self.begun.elapsed();
        let record = Record::Wait {
            run: Arc::clone(&self.id),
            until: until.as_microsecond(),
            now: self.clock.now().as_microsecond(),
            ran: i64::try_from(ran.as_micros()).unwrap_or(i64::MAX),
        };
        failpoint::reach("waiting");
        self.log.commit(record).map_err(unusable)
    }

    /// Gives up the ownership to the record of the next execution.
    pub(super) fn hand_over(&self) -> Option<Owner> {
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Writes how the run ended; it is on the disk when this returns.
    ///
    /// # Errors
    /// `file`, when it cannot be written.
    pub fn end(
        &self,
        outcome: Outcome,
        value: Option<&Value>,
        error: Option<&RunError>,
        counts: Counts,
        masked: impl Fn(&str) -> String,
    ) -> Result<(), Fault> {
        if self.past == Past::Only {
            return Ok(());
        }
        let error = error.map(|error| {
            json!({
                "message": masked(&error.message), "report": masked(&error.report),
                "fault": error.fault.as_ref().map(fault_json),
            })
        });
        let ending = json!({
            "value": value.map(code), "error": error,
            "reads": counts.reads, "changes": counts.changes, "withheld": counts.withheld,
        });
        let ran = self.ran + self.begun.elapsed();
        let end = EndRecord {
            run: Arc::clone(&self.id),
            outcome: outcome.name(),
            ending: ending.to_string().into_bytes(),
            ended: self.clock.now().as_microsecond(),
            ran: i64::try_from(ran.as_micros()).unwrap_or(i64::MAX),
        };
        failpoint::reach("ending");
        let written = self.log.commit(Record::End(Box::new(end))).map_err(unusable);
        failpoint::reach("ended");
        // Whoever waits for the run finds its end in the database.
        self.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
        written
    }
}

impl Texts for RunRecord {
    fn pinned(&self, name: &str) -> Option<String> {
        self.texts.get(name).cloned()
    }

    fn loaded(&self, name: &str, text: &str) {
        if self.past == Past::Only || self.texts.get(name).is_some_and(|pinned| pinned == text) {
            return;
        }
        if self.known().contains(name) {
            return;
        }
        // What cannot be written stops the run at its next change.
        let _later = self.log.add(self.text(name, text));
    }
}

/// A journal that cannot be used, as a fault.
pub fn unusable(message: String) -> Fault {
    Fault::new(FaultKind::File, format!("the journal cannot be used: {message}"))
}

/// Whether a living process executes the run.
pub fn is_running(project: &Project, id: &str) -> bool {
    is_owned(&project.config.state_dir, id)
}
