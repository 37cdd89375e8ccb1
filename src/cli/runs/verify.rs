//! `beadle runs verify`: whether the journal is what was written.

use clap::Args;
use serde_json::json;

use super::open::open;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};

/// Look whether the journal is what was written
///
/// The changes of each run are chained by hash, and the ends of these chains as well. What was
/// altered, left out or put in, by accident or on purpose, breaks one of them.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The run: an id, the beginning of one, or `latest`; all runs if none is given
    #[arg(value_name = "RUN")]
    pub id: Option<String>,
}

impl VerifyArgs {
    /// Computes the chains again.
    pub fn exec(self, program: &Program) -> Done {
        let opened = open(program)?;
        let runs = match &self.id {
            Some(id) => vec![opened.find(id)?],
            None => opened.log.runs().map_err(CommandFailure::failed)?,
        };
        let broken = opened.log.verify(&runs).map_err(CommandFailure::failed)?;
        let links: u64 = runs.iter().map(|run| run.links).sum();
        program.print(
            || match broken.len() {
                0 => format!("{} run(s) with {links} links are as they were written\n", runs.len()),
                _ => broken.iter().map(|one| format!("run {}: {}\n", one.run, one.what)).collect(),
            },
            || {
                let broken = broken.iter().map(|one| json!({ "run": one.run, "what": one.what }));
                json!({ "runs": runs.len(), "links": links, "broken": broken.collect::<Vec<_>>() })
            },
        )?;
        Ok(if broken.is_empty() { Exit::Succeeded } else { Exit::Failed })
    }
}
