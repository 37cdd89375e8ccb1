//! The command line: every command with its arguments. What a command does stands in its own file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::cli::exit::Exit;
use crate::cli::run::RunArgs;

/// Makes security appliances scriptable: every REST call is a function, and every change goes through one door
#[derive(Debug, Parser)]
#[command(name = "beadle", version, about, after_help = exit_codes(), max_term_width = 100)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub struct Arguments {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    /// Reads a command line.
    ///
    /// # Errors
    /// What is wrong with it, or the help that it asks for.
    pub fn read(arguments: &[OsString]) -> Result<Self, clap::Error> {
        match Self::of_run(arguments) {
            Some(read) => Ok(read),
            None => Self::try_parse_from(arguments),
        }
    }

    /// A command line of `run`, read without making all the other commands, which takes as long as all else before
    /// a script's first line. What is not clearly one is left to the whole, which has the right words for it.
    fn of_run(arguments: &[OsString]) -> Option<Self> {
        if arguments.get(1)? != "run" {
            return None;
        }
        let command = Global::augment_args(clap::Command::new("beadle"));
        let command = command.subcommand(RunArgs::augment_args(clap::Command::new("run")));
        let mut matches = command.try_get_matches_from(arguments).ok()?;
        let (_, mut run) = matches.remove_subcommand()?;
        Some(Self {
            global: Global::from_arg_matches_mut(&mut matches).ok()?,
            command: Command::Run(RunArgs::from_arg_matches_mut(&mut run).ok()?),
        })
    }
}

/// What every command understands.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Use this configuration instead of the nearest beadle.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print data for people or for programs
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Log what happens inside, to standard error (repeat for more)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// For programs: one JSON document, or JSON lines where events are printed.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the lab and a ready project, and block a real list on it
    Demo(super::demo::DemoArgs),
    /// Make a project: beadle.toml, playbooks/, inbox/, .gitignore
    Init(super::init::InitArgs),
    /// Run a playbook or script
    Run(RunArgs),
    Check(super::check::CheckArgs),
    Test(super::test::TestArgs),
    /// Show runs, go on with them, take them back
    #[command(subcommand)]
    Runs(super::runs::RunsCommand),
    /// Write what a run would change to a file, to be reviewed and applied
    Plan(super::plan::PlanArgs),
    /// Carry out a plan, and nothing that is not in it
    Apply(super::apply::ApplyArgs),
    /// Show playbooks
    #[command(subcommand)]
    Playbooks(super::playbooks::PlaybooksCommand),
    /// Show the calls of the catalog
    #[command(subcommand)]
    Calls(super::calls::CallsCommand),
    /// Show vendors, and make catalogs from what appliances say of themselves
    #[command(subcommand)]
    Vendors(super::vendors::VendorsCommand),
    /// Show, check and trust targets
    #[command(subcommand)]
    Targets(super::targets::TargetsCommand),
    /// Type calls and see their answers
    Repl(super::repl::ReplArgs),
    /// Start runs by schedules and dropped files
    Serve(super::serve::ServeArgs),
    /// Show schedules and watches
    #[command(subcommand)]
    Triggers(super::triggers::TriggersCommand),
    /// Start simulated appliances
    #[command(subcommand)]
    Lab(super::lab::LabCommand),
    /// Write a completion script for a shell
    Completions(super::complete::CompletionsArgs),
    /// Tell what could stand at the end of a command line: completion scripts ask it
    #[command(hide = true)]
    Complete(super::complete::CompleteArgs),
    /// Interpret one script for the service that starts this
    #[command(hide = true)]
    Interpret(super::interpret::InterpretArgs),
    /// Write what scripts can call, as Rhai's definition files for editors
    Definitions(super::documents::DefinitionsArgs),
    /// Write the manual pages
    Man(super::documents::ManArgs),
}

fn exit_codes() -> String {
    let rows = Exit::TABLE.iter().map(|(exit, meaning)| format!("  {:>3}  {meaning}", exit.code()));
    format!("Exit codes:\n{}", rows.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_command_line_of_run_is_read_as_the_whole_would_read_it() {
        for line in [
            "beadle run x",
            "beadle run",
            "beadle run --help",
            "beadle run std/seg/bulk_ip_block target=a group=b --dry-run --yes",
            "beadle run x --allow destroy --timeout 5m --params file.toml -v",
            "beadle run -vv --format json --config there/beadle.toml x a=1 -- b=-2 --yes",
            "beadle run --config=there/beadle.toml -",
        ] {
            let own = Arguments::of_run(&words(line)).unwrap();
            assert_eq!(format!("{own:?}"), format!("{:?}", Arguments::try_parse_from(words(line)).unwrap()), "{line}");
        }
    }

    #[test]
    fn what_is_no_sound_line_of_run_is_left_to_the_whole() {
        for line in ["beadle", "beadle runs list", "beadle --format json run x", "beadle run x --alow destroy"] {
            assert!(Arguments::of_run(&words(line)).is_none(), "{line}");
        }
        let wrong = Arguments::read(&words("beadle run x --alow destroy")).unwrap_err();
        assert!(wrong.to_string().contains("Usage: beadle run"), "{wrong}");
    }
}
