//! `beadle runs undo`: taking back what a run changed.

use std::time::Duration;

use clap::Args;

use super::carry_on::carry_on;
use crate::cli::ask;
use crate::cli::program::{Done, Program};
use crate::run::{Now, UndoOrder, undo};

/// Take back what a run changed
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// The run: an id, the beginning of one, or `latest`, which is no dry run and no undo
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
    /// Send nothing but reads, and show what would be taken back
    #[arg(long)]
    pub dry_run: bool,
    /// Add a right for what the script's own undo functions do
    #[arg(long, value_name = "EFFECT", value_parser = ["destroy"])]
    pub allow: Option<String>,
    /// Answer every question with yes
    #[arg(long)]
    pub yes: bool,
    /// End the undo after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    pub timeout: Option<Duration>,
}

impl UndoArgs {
    /// Takes it back.
    pub fn exec(self, program: &Program) -> Done {
        carry_on(program, |project, halt, listener| {
            let now = Now {
                ask: ask::terminal(&halt),
                yes: self.yes,
                allow_destroy: self.allow.is_some(),
                timeout: self.timeout,
                halt,
            };
            undo(project, &self.id, UndoOrder { now, dry: self.dry_run, only: None }, listener)
        })
    }
}
