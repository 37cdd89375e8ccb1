//! Opening the journal to look into it.

use std::io::IsTerminal;
use std::sync::Arc;

use crate::cli::failure::CommandFailure;
use crate::cli::program::Program;
use crate::journal::{Log, RunRow};
use crate::run::Project;

/// A project with its journal.
pub struct Opened {
    /// The project.
    pub project: Arc<Project>,
    /// Its journal.
    pub log: Arc<Log>,
    _runtime: tokio::runtime::Runtime,
}

/// Opens the journal; of one that a newer Beadle has written it is said that it is only read.
///
/// # Errors
/// A wrong configuration, or a database that cannot be used.
pub fn open(program: &Program) -> Result<Opened, CommandFailure> {
    let (project, runtime) = program.project()?;
    let state = project.state().map_err(|fault| CommandFailure::failed(fault.message))?;
    if let Some(caveat) = state.caveat() {
        eprintln!("note: {caveat}");
    }
    Ok(Opened { log: project.journal(), project, _runtime: runtime })
}

/// Whether what goes to standard output is coloured.
pub fn colours(program: &Program) -> bool {
    std::io::stdout().is_terminal() && !program.environment.no_color
}

impl Opened {
    /// The run that `name` means.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn find(&self, name: &str) -> Result<RunRow, CommandFailure> {
        self.log.find_run(name).map_err(CommandFailure::usage)
    }
}
