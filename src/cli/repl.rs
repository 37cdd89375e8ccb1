//! `beadle repl`: calls typed at a prompt.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::catalog::Catalog;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::offer::{self, Offered};
use crate::cli::program::{Done, Program};
use crate::cli::screen::Screen;
use crate::cli::signals::cancel_on_signal;
use crate::cli::speaker::{Doors, Speaker};
use crate::config::Config;
use crate::door::Halt;
use crate::engine::Session;
use crate::repl::{Around, Prompt, PromptEnd};
use crate::run::Project;
use crate::value::{Map, Value};

/// Type calls and see their answers
#[derive(Debug, Args)]
pub struct ReplArgs {
    /// Withhold everything but reads
    #[arg(long)]
    dry_run: bool,
}

impl ReplArgs {
    /// Reads lines until the person leaves.
    pub fn exec(self, program: &Program) -> Done {
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let (config, catalog) = program.config()?;
        let offered = if config.file.is_none() && interactive { offer::lab(program)? } else { None };
        match offered {
            Some(Offered { config, catalog, _lab, _folder }) => self.talk(program, config, catalog, interactive),
            None => self.talk(program, config, catalog, interactive),
        }
    }

    fn talk(self, program: &Program, config: Config, catalog: Catalog, interactive: bool) -> Done {
        let (project, runtime) = program.project_of(config, catalog)?;
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let screen = Arc::new(Screen::new(project.masker().clone(), program.colours(), program.global.verbose > 0));
        let doors = Doors::open(&project, &screen, &halt, &program.here, self.dry_run)?;
        let context = doors.context().ok_or_else(|| CommandFailure::failed("the session has no door"))?;
        let mut session = Session::new(context, Some(program.here.clone()));
        let around = around(&project, program.here.clone());
        introduce(&project, &around, &mut session);
        if interactive {
            greet(&around);
        }
        let prompt = Prompt::new(session, around, history_file(&project), interactive);
        let speaker = Arc::new(Speaker::new(screen, halt, doors, program.colours()));
        if interactive {
            speaker.watch();
        }
        // Scripts nest deeply: the prompt gets the stack that runs have.
        let ended = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("prompt".into()).stack_size(64 << 20);
            match thread.spawn_scoped(scope, || prompt.run(&*speaker)) {
                Ok(handle) => handle.join().unwrap_or_else(|_| Err("the interpreter failed".into())),
                Err(error) => Err(error.to_string()),
            }
        });
        speaker.leave();
        runtime.block_on(project.close());
        runtime.shutdown_background();
        std::io::stdout().flush()?;
        match ended.map_err(CommandFailure::failed)? {
            PromptEnd::Left => Ok(Exit::Succeeded),
            PromptEnd::Failed => Ok(Exit::Failed),
        }
    }
}

fn around(project: &Project, here: PathBuf) -> Around {
    let config = &project.config;
    let targets =
        config.targets.values().map(|target| (target.name.clone(), target.vendor.clone(), variable_of(&target.name)));
    Around {
        folder: config.folder.clone(),
        here,
        targets: targets.collect(),
        secrets: config.secrets.keys().cloned().collect(),
        channels: config.channels.keys().cloned().collect(),
    }
}

/// The name of a target as a variable.
fn variable_of(name: &str) -> String {
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_digit()) { format!("_{word}") } else { word }
}

/// Each target is a variable of its own name.
fn introduce(project: &Project, around: &Around, session: &mut Session) {
    for (name, vendor, variable) in &around.targets {
        let tags = project.config.targets.get(name).map(|target| target.tags.clone()).unwrap_or_default();
        let described = Value::Map(Map::from([
            ("name".to_owned(), name.as_str().into()),
            ("vendor".to_owned(), vendor.as_str().into()),
            ("tags".to_owned(), Value::List(tags.into_iter().map(Value::from).collect())),
        ]));
        session.set_target(variable, &described);
    }
}

fn greet(around: &Around) {
    eprintln!("beadle {}; :help shows what can be typed, Tab completes, ?words finds calls", env!("CARGO_PKG_VERSION"));
    if around.targets.is_empty() {
        eprintln!("no targets are configured: `beadle lab start` gives one to try, `beadle init` writes a project");
    } else {
        let names: Vec<&str> = around.targets.iter().map(|(.., variable)| variable.as_str()).collect();
        eprint!("{}", crate::wrap::wrapped(&format!("targets: {}", names.join(", ")), 78, "", "         "));
    }
}

fn history_file(project: &Project) -> Option<PathBuf> {
    let folder = &project.config.state_dir;
    std::fs::create_dir_all(folder).ok()?;
    Some(folder.join("history"))
}
