//! What a test stands on. The engine says what it needs; whoever has a lab and a project brings it.

use crate::value::{Map, Value};

/// The stage of one test. Every error is a message for its author, thrown in the script.
pub trait Stage: Send + Sync {
    /// Starts a simulated appliance, and gives the name of its target.
    ///
    /// # Errors
    /// An unknown vendor or option.
    fn lab(&self, vendor: &str, options: &Map) -> Result<String, String>;

    /// Writes a file of the test's own project, and gives its name.
    ///
    /// # Errors
    /// It cannot be written, or lies elsewhere.
    fn file(&self, name: &str, text: &str) -> Result<String, String>;

    /// The text of a file that a run has written, by its name below the test's own project.
    ///
    /// # Errors
    /// There is none, or it lies elsewhere.
    fn written(&self, name: &str) -> Result<String, String>;

    /// Adds to the `beadle.toml` of the test's own project.
    ///
    /// # Errors
    /// It is no configuration.
    fn settings(&self, toml: &str) -> Result<(), String>;

    /// Sets what goes wrong at a target's appliance from now on.
    ///
    /// # Errors
    /// No `lab` has that name, or one of the texts is no fault.
    fn faults(&self, target: &str, faults: &Value) -> Result<(), String>;

    /// Runs a playbook: `#{ outcome, value, error, out, failed }`.
    ///
    /// # Errors
    /// There is no such playbook, or parameters or options are wrong.
    fn run(&self, playbook: &str, params: &Map, options: &Map) -> Result<Value, String>;

    /// Goes on with the last run.
    ///
    /// # Errors
    /// There is none, or it has succeeded, or options are wrong.
    fn resume(&self, options: &Map) -> Result<Value, String>;

    /// Takes the last run back.
    ///
    /// # Errors
    /// There is none, or it has been taken back, or options are wrong.
    fn undo(&self, options: &Map) -> Result<Value, String>;

    /// The changes that a dry run of a playbook withholds.
    ///
    /// # Errors
    /// As [`Stage::run`]; also when the run does not come to its end.
    fn plan(&self, playbook: &str, params: &Map) -> Result<Value, String>;

    /// The requests that a target's appliance saw.
    ///
    /// # Errors
    /// No `lab` has that name.
    fn requests(&self, target: &str) -> Result<Value, String>;

    /// What a target's appliance holds.
    ///
    /// # Errors
    /// No `lab` has that name.
    fn state(&self, target: &str) -> Result<Value, String>;

    /// Compares a value with the one that is kept under a name.
    ///
    /// # Errors
    /// How they differ, or why they cannot be compared.
    fn snapshot(&self, name: &str, value: &Value) -> Result<(), String>;
}
