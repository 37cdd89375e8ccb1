//! `beadle init`: a project with everything in its place.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};

/// Make a project: beadle.toml, playbooks/, inbox/, .gitignore
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; this one by default
    pub dir: Option<PathBuf>,
}

/// The configuration with every key, its default and one line of explanation.
pub const TEMPLATE: &str = include_str!("../config/template.toml");

const GITIGNORE: &str =
    "# State, and what runs write: none of it belongs into a repository.\n/.beadle/\n/out/\n/inbox/\n/archive/\n";

const HELLO: &str = r#"//! Shows what a target says of itself. A first playbook, to change as you like.
//!
//! ```toml
//! [params]
//! target = { type = "target", doc = "the appliance" }
//! [policy]
//! effects = ["read"]
//! ```

import "std/fleet/probes" as probes;

let appliance = target(params.target);
print(`${appliance.name} is of vendor ${appliance.vendor}`);

// Every REST call of the vendor is a method, such as `appliance.groups()` of SEG: `beadle calls list` shows them.
table(probes::health(appliance, 90));
"#;

impl InitArgs {
    /// Makes the project.
    pub fn exec(self, program: &Program) -> Done {
        let dir = self.dir.as_deref().map_or_else(|| program.here.clone(), |dir| program.here.join(dir));
        if dir.exists() && !dir.is_dir() {
            return Err(CommandFailure::usage(format!("{} is no folder: a project is one", dir.display())));
        }
        let ignores = dir.join(".gitignore").exists();
        let made = make(&dir).map_err(|error| CommandFailure::failed(format!("{}: {error}", dir.display())))?;
        if made.is_empty() {
            return Err(CommandFailure::usage(format!("{} is a project already: nothing was changed", dir.display())));
        }
        for path in made {
            println!("made {path}");
        }
        if ignores {
            eprintln!(".gitignore was there and is left: .beadle/ and what runs write belong into it");
        }
        eprintln!("next: describe an appliance in beadle.toml, then `beadle targets check`");
        Ok(Exit::Succeeded)
    }
}

/// Makes what is not there yet, and gives its names.
///
/// # Errors
/// When the folder cannot be written.
pub fn make(dir: &Path) -> std::io::Result<Vec<String>> {
    fs::create_dir_all(dir)?;
    let mut made = Vec::new();
    for folder in ["playbooks", "inbox"] {
        if !dir.join(folder).is_dir() {
            fs::create_dir(dir.join(folder))?;
            made.push(format!("{folder}/"));
        }
    }
    for (name, text, mode) in
        [("beadle.toml", TEMPLATE, 0o600), (".gitignore", GITIGNORE, 0o644), ("playbooks/hello.rhai", HELLO, 0o644)]
    {
        // What is there already is somebody's work.
        match fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(dir.join(name)) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                made.push(name.to_owned());
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(made)
}
