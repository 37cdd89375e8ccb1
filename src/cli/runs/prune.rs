//! `beadle runs prune`: drops the answers of old runs.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::length::size;
use super::open::open;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::run::prune;

/// Drop the answers of old runs; their changes stay
///
/// Of a run that succeeded and ended longer ago than `[state] keep` the answers to its reads are
/// dropped; of one that changed nothing every entry. What was changed stays, with before and after.
/// `beadle serve` does the same once a day.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Only say what would be dropped
    #[arg(long)]
    pub dry_run: bool,
    /// How long ago the runs ended, instead of `[state] keep`
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    pub older: Option<Duration>,
}

impl PruneArgs {
    /// Drops them.
    pub fn exec(self, program: &Program) -> Done {
        let opened = open(program)?;
        let older = self.older.unwrap_or(opened.project.config.keep);
        let pruned =
            prune(&opened.project, older, self.dry_run).map_err(|fault| CommandFailure::failed(fault.message))?;
        program.print(
            || {
                let (would, files) = (if self.dry_run { "would drop" } else { "dropped" }, pruned.files);
                format!(
                    "{would} {} answers of {} run(s), {} in all, {files} of them in files of their own\n",
                    pruned.answers,
                    pruned.runs,
                    size(pruned.bytes)
                )
            },
            || {
                json!({
                    "dry_run": self.dry_run, "runs": pruned.runs, "answers": pruned.answers, "files": pruned.files,
                    "bytes": pruned.bytes,
                })
            },
        )?;
        Ok(Exit::Succeeded)
    }
}
