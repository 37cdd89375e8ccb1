//! `beadle runs cancel`: ends a run in another process.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::open::{Opened, open};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::journal::{RunRow, ask_to_cancel};
use crate::service::by_hand;
use crate::service::ring;

/// How long the run may take to end: a change that has left gets five seconds for its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// End a run that another process executes
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The run: an id, the beginning of one, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
}

impl CancelArgs {
    /// Asks for the end, and waits for it.
    pub fn exec(self, program: &Program) -> Done {
        let opened = open(program)?;
        let run = opened.find(&self.id)?;
        let id = &run.id;
        if run.state() == "waiting" && run.outcome.is_some() {
            // Nobody executes it, so that nobody else can end it.
            let (ending, notes) =
                by_hand::cancel(&opened.project, id).map_err(|fault| CommandFailure::failed(fault.message))?;
            notes.iter().for_each(|note| eprintln!("note: {note}"));
            return told(program, id, ending.outcome.name());
        }
        if let Some(outcome) = &run.outcome {
            let message = match outcome.as_str() {
                "interrupted" => format!("nobody executes run {id}: it was interrupted"),
                outcome => format!("nobody executes run {id}: it has ended ({outcome})"),
            };
            let refused = CommandFailure::usage(message);
            let resumable = outcome == "interrupted" && run.parent.is_none() && run.mode != "session";
            let hint = format!("`beadle runs resume {id}` goes on with it");
            return Err(if resumable { refused.hint(hint) } else { refused });
        }
        if let Some(parent) = &run.parent {
            let message = format!("run {id} is a part of run {parent}: cancel that one");
            return Err(CommandFailure::usage(message));
        }
        if run.mode == "session" {
            let message = format!("run {id} is a session of the prompt: it ends where it is typed, with Ctrl-D");
            return Err(CommandFailure::usage(message));
        }
        let folder = &opened.project.config.state_dir;
        // One that waits looks only when the service is rung for.
        ask_to_cancel(folder, id)
            .and_then(|()| ring(folder))
            .map_err(|error| CommandFailure::failed(format!("run {id} cannot be asked to end: {error}")))?;
        let Some(outcome) = wait(&opened, &run)? else {
            let message = format!("run {id} was asked to end, and has not within {} s", PATIENCE.as_secs());
            return Err(CommandFailure::failed(message).hint(format!("`beadle runs show {id}` shows where it is")));
        };
        told(program, id, &outcome)
    }
}

fn told(program: &Program, id: &str, outcome: &str) -> Done {
    if program.is_json() {
        program.print(String::new, || json!({ "run": id, "outcome": outcome }))?;
    } else {
        eprintln!("run {id} has ended: {outcome}");
    }
    Ok(Exit::Succeeded)
}

/// The run's outcome, once it has one.
fn wait(opened: &Opened, run: &RunRow) -> Result<Option<String>, CommandFailure> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(50));
        let now = opened.find(&run.id)?;
        if now.outcome.is_some() {
            return Ok(now.outcome);
        }
    }
    Ok(None)
}
