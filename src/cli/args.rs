//! The command line: every command with its arguments. What a command does stands in its own file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cli::exit::Exit;

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
    Run(super::run::RunArgs),
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
