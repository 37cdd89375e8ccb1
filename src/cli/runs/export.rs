//! `beadle runs export`: one run as one JSON document.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;

use super::open::open;
use super::show::document;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};

/// Write a run as one JSON document that another machine can show
///
/// Secrets are masked in it as everywhere, and fields that are secret by their row are not in it.
/// `beadle runs show --from FILE` shows it.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The run: an id, the beginning of one, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub id: String,
    /// Write it to this file, and not to standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl ExportArgs {
    /// Writes it.
    pub fn exec(self, program: &Program) -> Done {
        let opened = open(program)?;
        let run = opened.find(&self.id)?;
        let document = document(&opened, &run, &|_, _| true)?;
        let unwritable = |error: &dyn std::fmt::Display| CommandFailure::failed(format!("cannot export: {error}"));
        let mut text = serde_json::to_string_pretty(&document).map_err(|error| unwritable(&error))?;
        text.push('\n');
        let Some(output) = &self.output else {
            std::io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(Exit::Succeeded);
        };
        let path = program.here.join(output);
        let write = || -> std::io::Result<()> {
            // What a run did is nobody's business but its owner's.
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).open(&path)?.write_all(text.as_bytes())
        };
        write().map_err(|error| CommandFailure::failed(format!("{}: {error}", path.display())))?;
        eprintln!("run {} is in {}", run.id, output.display());
        Ok(Exit::Succeeded)
    }
}
