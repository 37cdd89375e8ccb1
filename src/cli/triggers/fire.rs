//! `beadle triggers fire`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::change::wake;
use super::command::Opened;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::door::Halt;
use crate::run::params::{Given, read_arguments};
use crate::service::{order, overrides};
use crate::trigger::Firing;

/// The parameter by which a watch is given its file.
pub const FILE: &str = "path";

/// What is to go off, and with which parameters.
#[derive(Debug, Args)]
pub struct FireArgs {
    /// The trigger
    #[arg(value_name = "TRIGGER")]
    pub name: String,
    /// Parameters that come before the configured ones, written as for `beadle run`; for a watch path=FILE
    /// is the file to hand to it, a copy of which is worked on
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

impl FireArgs {
    /// Lets it go off.
    pub fn exec(self, program: &Program, mut opened: Opened) -> Done {
        let name = &self.name;
        opened.triggers.look_at(name).map_err(CommandFailure::usage)?;
        let mut given = read_arguments(&self.params).map_err(CommandFailure::usage)?;
        let is_watch = opened.triggers.watches.get(name).is_some();
        let file = if is_watch { file_of(name, &mut given)? } else { None };
        let file = file.map(|file| program.here.join(file));
        let params = overrides(&opened.project, name, &given, &program.here).map_err(usage)?;
        let mut firing = Firing::by_hand(name, params, opened.now);
        if let Some(file) = &file {
            for part in [FILE, "name", "original"] {
                firing.event.insert(part.into(), json!(file.to_string_lossy()));
            }
            firing.event.insert("size".into(), json!(0));
        }
        // What the service would refuse is said here, and nothing goes off.
        order(&opened.project, &firing, Halt::default()).map_err(usage)?;
        let now = opened.now;
        let fired = match &file {
            Some(file) => opened.triggers.fire_file(name, file, firing.params.as_ref(), now),
            None => opened.triggers.fire(&firing, now).map(|()| firing),
        };
        let id = fired.map_err(CommandFailure::usage)?.id;
        let served = wake(&opened)?;
        if program.is_json() {
            program.print(String::new, || json!({ "trigger": name, "firing": id, "served": served }))?;
        } else if served {
            eprintln!("{name} has gone off (firing {id}); `beadle triggers explain {name}` shows what becomes of it");
        } else {
            eprintln!("{name} has gone off (firing {id}); nothing serves at the moment: `beadle serve` starts its run");
        }
        Ok(Exit::Succeeded)
    }
}

fn usage(message: String) -> CommandFailure {
    CommandFailure::usage(message).hint("`beadle playbooks show PLAYBOOK` shows the parameters of a playbook")
}

/// The file that is handed to a watch.
fn file_of(name: &str, given: &mut BTreeMap<String, Vec<Given>>) -> Result<Option<PathBuf>, CommandFailure> {
    match given.remove(FILE).as_deref() {
        Some([Given::Text(file)]) => Ok(Some(PathBuf::from(file))),
        Some(_) => Err(CommandFailure::usage(format!("'{name}' is a watch, and takes one file at a time"))),
        None => Err(CommandFailure::usage(format!("'{name}' is a watch, and goes off for a file"))
            .hint(format!("`beadle triggers fire {name} path=FILE` hands it a copy of one"))),
    }
}
