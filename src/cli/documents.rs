//! What Beadle writes about itself: definition files for editors, manual pages.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::cli::args::Arguments;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::engine;

/// Write what scripts can call, as Rhai's definition files for editors
#[derive(Debug, Args)]
pub struct DefinitionsArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Write the manual pages
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl DefinitionsArgs {
    /// Writes the files.
    pub fn exec(self, program: &Program) -> Done {
        let (_, catalog) = program.config()?;
        let folder = program.here.join(&self.folder);
        let wrong = |error: std::io::Error| CommandFailure::failed(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(wrong)?;
        for (name, text) in engine::definitions(&catalog) {
            std::fs::write(folder.join(&name), text).map_err(wrong)?;
            println!("wrote {}", self.folder.join(&name).display());
        }
        Ok(Exit::Succeeded)
    }
}

impl ManArgs {
    /// Writes the pages.
    pub fn exec(self, program: &Program) -> Done {
        let folder = program.here.join(&self.folder);
        let wrong = |error: std::io::Error| CommandFailure::failed(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(&folder).map_err(wrong)?;
        clap_mangen::generate_to(Arguments::command(), &folder).map_err(wrong)?;
        println!(
            "wrote the manual pages into {}: man -l {}",
            self.folder.display(),
            self.folder.join("beadle.1").display()
        );
        Ok(Exit::Succeeded)
    }
}
