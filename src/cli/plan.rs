//! `beadle plan`: what a run would change, as a file that is reviewed and then applied.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::run::RunArgs;
use crate::run::plan::PlanFile;
use crate::run::{Intent, Outcome};

/// Write what a run would change to a file, to be reviewed and applied
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct PlanArgs {
    /// A playbook (std/seg/bulk_ip_block, or one of playbooks/), a file, or - for standard input
    #[arg(value_name = "PLAYBOOK|FILE|-")]
    script: Option<String>,
    /// Parameters; a,b or a repeated name for lists, @file and - for texts, @@x for a text @x, env:NAME for secrets
    #[arg(value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// Write the plan to this file; without it, the plan is only shown
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Read parameters from a TOML or JSON file; the command line comes first
    #[arg(long = "params", value_name = "FILE")]
    params_file: Option<PathBuf>,
    /// Add a right for this run; whoever applies the plan has to add it again
    #[arg(long, value_name = "EFFECT", value_parser = ["destroy"])]
    allow: Option<String>,
    /// End the run after this time
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse_std)]
    timeout: Option<Duration>,
    /// Print help; with a playbook, that of the playbook
    #[arg(short, long)]
    help: bool,
}

impl PlanArgs {
    /// Makes the plan.
    pub fn exec(self, program: &Program) -> Done {
        let output = self.output.map(|output| program.here.join(output));
        let run = RunArgs {
            script: self.script,
            params: self.params,
            dry_run: true,
            params_file: self.params_file,
            allow: self.allow,
            yes: false,
            timeout: self.timeout,
            help: self.help,
        };
        let intent = if output.is_some() { Intent::Plan } else { Intent::Dry };
        run.exec_for(program, intent, "plan", |ordered, ending| {
            let (Some(output), Some(plan)) = (&output, &ending.plan) else { return Ok(()) };
            if ending.outcome != Outcome::Succeeded {
                return Ok(());
            }
            PlanFile::write(output, ordered, plan).map_err(CommandFailure::failed)?;
            let shown = output.display();
            eprintln!(
                "{}",
                match &plan.partial {
                    Some(_) => format!("the plan is in {shown}; it is partial, and cannot be applied"),
                    None => format!("the plan is in {shown}: review it, then `beadle apply {shown}`"),
                }
            );
            Ok(())
        })
    }
}
