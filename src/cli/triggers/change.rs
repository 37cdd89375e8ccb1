//! `beadle triggers pause` and `resume`.

use clap::Args;
use serde_json::json;

use super::command::Opened;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::service::ring;

/// The triggers that are meant.
#[derive(Debug, Args)]
pub struct ChangeArgs {
    /// The triggers
    #[arg(value_name = "TRIGGER", required = true)]
    pub names: Vec<String>,
}

impl ChangeArgs {
    /// Lets them rest.
    pub fn pause(self, program: &Program, mut opened: Opened) -> Done {
        self.known(&opened)?;
        for name in &self.names {
            opened.triggers.pause(name, opened.now).map_err(CommandFailure::failed)?;
        }
        self.told(program, &opened, |name| format!("{name} rests until `beadle triggers resume {name}`"))
    }

    /// Lets them go on.
    pub fn resume(self, program: &Program, mut opened: Opened) -> Done {
        self.known(&opened)?;
        for name in &self.names {
            opened.triggers.resume(name, opened.now).map_err(CommandFailure::failed)?;
        }
        self.told(program, &opened, |name| format!("{name} goes on"))
    }

    /// A mistyped name changes none of the others.
    fn known(&self, opened: &Opened) -> Result<(), CommandFailure> {
        self.names.iter().try_for_each(|name| opened.triggers.look_at(name).map(|_| ()).map_err(CommandFailure::usage))
    }

    fn told(&self, program: &Program, opened: &Opened, sentence: impl Fn(&str) -> String) -> Done {
        let served = wake(opened)?;
        if program.is_json() {
            program.print(String::new, || json!({ "triggers": self.names, "served": served }))?;
        } else {
            self.names.iter().for_each(|name| eprintln!("{}", sentence(name)));
            if !served {
                eprintln!("nothing serves at the moment: it holds from the next `beadle serve` on");
            }
        }
        Ok(Exit::Succeeded)
    }
}

/// Wakes the service, if there is one.
pub fn wake(opened: &Opened) -> Result<bool, CommandFailure> {
    ring(&opened.project.config.state_dir)
        .map_err(|error| CommandFailure::failed(format!("it is done, but the service cannot be told of it: {error}")))
}
