//! `beadle playbooks`: what there is to run.

use clap::Subcommand;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::table;
use crate::run::{Playbook, explain};

/// Show playbooks
#[derive(Debug, Subcommand)]
pub enum PlaybooksCommand {
    /// List the playbooks built in and those of the project
    List,
    /// Show one playbook with its parameters
    Show {
        /// The playbook's name
        #[arg(value_name = "PLAYBOOK")]
        name: String,
    },
}

impl PlaybooksCommand {
    /// Shows what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let (config, _) = program.config()?;
        match self {
            Self::List => {
                let (mut playbooks, mut broken) = (Vec::new(), Vec::new());
                for found in Playbook::all(&config.folder) {
                    match found {
                        Ok(playbook) => playbooks.push(playbook),
                        Err(error) => broken.push(error.to_string()),
                    }
                }
                let rows =
                    || playbooks.iter().map(|playbook| vec![playbook.name.clone(), playbook.header.summary.clone()]);
                program.print(
                    || table::plain(&["playbook", "summary"], rows()),
                    || playbooks.iter().map(json_of).collect(),
                )?;
                for message in broken {
                    eprintln!("warning: {message}");
                }
            }
            Self::Show { name } => {
                let playbook = Playbook::find(&name, &program.here, &config.folder).map_err(CommandFailure::usage)?;
                program.print(|| explain::page(&playbook, "run", table::WIDTH.into()), || json_of(&playbook))?;
            }
        }
        Ok(Exit::Succeeded)
    }
}

fn json_of(playbook: &Playbook) -> serde_json::Value {
    let header = &playbook.header;
    json!({
        "name": playbook.name,
        "summary": header.summary,
        "vendor": header.vendor,
        "effects": header.policy.effects.as_ref().map(|effects| effects.iter().map(|effect| effect.name()).collect::<Vec<_>>()),
        "params": header.params.iter().map(|param| json!({
            "name": param.name,
            "type": param.type_name(),
            "required": param.is_required(),
            "default": param.default.as_ref().map(|default| crate::run::params::from_toml(default).to_json()),
            "doc": param.doc,
        })).collect::<Vec<_>>(),
    })
}
