//! `beadle run`: one script, from the command line to an exit code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, CommandFactory};

use crate::cli::args::Arguments;
use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::lines::Lines;
use crate::cli::program::{Done, Program};
use crate::cli::screen::Screen;
use crate::cli::signals::cancel_on_signal;
use crate::cli::table;
use crate::door::Halt;
use crate::engine;
use crate::run::header::Header;
use crate::run::params::{Given, read_arguments, resolve};
use crate::run::plan::PlanOrder;
use crate::run::{Cause, Ending, Intent, Listener, Order, Playbook, Project, Within, execute, explain};
use crate::toml_words;
use crate::value::Value;

/// Run a playbook or script
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct RunArgs {
    /// A playbook (std/seg/bulk_ip_block, or one of playbooks/), a file, or - for standard input
    #[arg(value_name = "PLAYBOOK|FILE|-")]
    pub script: Option<String>,
    /// Parameters; a,b or a repeated name for lists, @file and - for texts, @@x for a text @x, env:NAME for secrets
    #[arg(value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Send nothing but reads, and show the plan of all else
    #[arg(long)]
    pub dry_run: bool,
    /// Read parameters from a TOML or JSON file; the command line comes first
    #[arg(long = "params", value_name = "FILE")]
    pub params_file: Option<PathBuf>,
    /// Add a right for this run
    #[arg(long, value_name = "EFFECT", value_parser = ["destroy"])]
    pub allow: Option<String>,
    /// Answer every question with yes
    #[arg(long)]
    pub yes: bool,
    /// End the run after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    pub timeout: Option<Duration>,
    /// Print help; with a playbook, that of the playbook
    #[arg(short, long)]
    pub help: bool,
}

impl RunArgs {
    /// Runs the script.
    pub fn exec(self, program: &Program) -> Done {
        let intent = Intent::dry(self.dry_run);
        self.exec_for(program, intent, "run", |_, _| Ok(()))
    }

    /// Runs the script for `intent`, as `command` was asked to; `then` gets what was ordered, and how it
    /// ended.
    pub(super) fn exec_for(
        self,
        program: &Program,
        intent: Intent,
        command: &str,
        then: impl FnOnce(&PlanOrder, &Ending) -> Result<(), CommandFailure>,
    ) -> Done {
        let Some(script) = &self.script else {
            return usage(command, self.help);
        };
        let (config, catalog) = program.config()?;
        let playbook = find(script, &program.here, &config.folder)?;
        if self.help {
            print!("{}", explain::page(&playbook, command, table::WIDTH.into()));
            return Ok(Exit::Succeeded);
        }
        engine::prepare();
        let (project, runtime) = program.project_of(config, catalog)?;
        let params = self.params(&project, &playbook.header, &program.here)?;
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        // Parameters may be long lists: they are kept where a plan is made of them.
        let ordered = match intent {
            Intent::Plan => {
                PlanOrder { playbook: playbook.name.clone(), params: params.clone(), ..PlanOrder::default() }
            }
            _ => PlanOrder::default(),
        };
        let order = Order {
            playbook,
            params,
            event: crate::value::Map::new(),
            event_files: Vec::new(),
            cause: Cause::Command,
            intent,
            allow_destroy: self.allow.is_some(),
            yes: self.yes,
            ask: ask::terminal(&halt),
            timeout: self.timeout,
            halt,
        };
        let ending = conclude(program, &project, runtime, order);
        then(&ordered, &ending)?;
        Ok(Exit::of(&ending))
    }

    fn params(
        &self,
        project: &Project,
        header: &Header,
        here: &Path,
    ) -> Result<crate::run::params::Params, CommandFailure> {
        let mut given = match &self.params_file {
            Some(file) => read_params(&here.join(file)).map_err(CommandFailure::usage)?,
            None => BTreeMap::new(),
        };
        given.extend(read_arguments(&self.params).map_err(CommandFailure::usage)?);
        resolve(header, &given, &Within { project, folder: here }).map_err(|mistakes| {
            CommandFailure::usage(mistakes.join("\nerror: ")).hint("--help after the playbook shows its parameters")
        })
    }
}

/// Runs an order, the only one of this process, and signs out.
pub fn conclude(program: &Program, project: &Arc<Project>, runtime: tokio::runtime::Runtime, order: Order) -> Ending {
    let ending = carry_out(program, project, order);
    runtime.block_on(project.close());
    // What still waits belongs to no one any more.
    runtime.shutdown_background();
    ending
}

/// Runs an order with the listener that the format asks for.
fn carry_out(program: &Program, project: &Arc<Project>, order: Order) -> Ending {
    let masker = project.masker().clone();
    if program.is_json() {
        let lines = Arc::new(Lines::new(masker));
        let ending = execute(project, order, &(Arc::clone(&lines) as Arc<dyn Listener>));
        lines.ending(&ending);
        return ending;
    }
    let screen = Arc::new(Screen::new(masker, program.colours(), program.global.verbose > 0));
    let ending = execute(project, order, &(Arc::clone(&screen) as Arc<dyn Listener>));
    screen.ending(&ending);
    ending
}

fn usage(name: &str, asked: bool) -> Done {
    let mut command = Arguments::command();
    let Some(run) = command.find_subcommand_mut(name) else { return Ok(Exit::Usage) };
    let mut run = run.clone().bin_name(format!("beadle {name}"));
    if asked {
        print!("{}", run.render_help());
        return Ok(Exit::Succeeded);
    }
    Err(CommandFailure::usage("which playbook or script? Name one, or see `beadle playbooks list`"))
}

fn find(name: &str, here: &Path, project: &Path) -> Result<Playbook, CommandFailure> {
    let found = if name == "-" {
        let text = std::io::read_to_string(std::io::stdin())
            .map_err(|error| CommandFailure::failed(format!("standard input: {error}")))?;
        Playbook::of("-", text, Some(here.to_owned()))
    } else {
        Playbook::find(name, here, project)
    };
    found.map_err(CommandFailure::usage)
}

/// Parameters of a TOML or JSON file.
fn read_params(file: &Path) -> Result<BTreeMap<String, Vec<Given>>, String> {
    let wrong = |cause: String| format!("{}: {cause}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let value = if file.extension().is_some_and(|extension| extension == "json") {
        Value::from(serde_json::from_str::<serde_json::Value>(&text).map_err(|error| wrong(error.to_string()))?)
    } else {
        let table: toml::Table = toml::from_str(&text).map_err(|error| wrong(toml_words::of(&error, &text)))?;
        crate::run::params::from_toml(&toml::Value::Table(table))
    };
    match value {
        Value::Map(map) => Ok(map.into_iter().map(|(name, value)| (name, vec![Given::Typed(value)])).collect()),
        other => Err(wrong(format!("it must be an object of parameters, not {}", other.kind()))),
    }
}
