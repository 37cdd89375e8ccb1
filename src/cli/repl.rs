//! `beadle repl`: calls typed at a prompt.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use clap::Args;

use crate::cli::ask;
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::Screen;
use crate::cli::signals::cancel_on_signal;
use crate::door::Halt;
use crate::engine::Session;
use crate::repl::{Prompt, PromptEnd, Voice};
use crate::run::params::Params;
use crate::run::{Cause, Intent, Listener, Order, Playbook, Project, prepare};

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
        let (project, runtime) = program.project()?;
        let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let screen = Arc::new(Screen::new(project.masker().clone(), program.colours(), program.global.verbose > 0));
        let order = Order {
            playbook: Playbook::of("prompt", String::new(), Some(program.here.clone()))
                .map_err(CommandFailure::usage)?,
            params: Params::default(),
            event: crate::value::Map::new(),
            event_files: Vec::new(),
            cause: Cause::Prompt,
            intent: Intent::dry(self.dry_run),
            allow_destroy: false,
            yes: false,
            ask: ask::terminal(),
            timeout: None,
            halt: halt.clone(),
        };
        let listener: Arc<dyn Listener> = Arc::clone(&screen) as Arc<dyn Listener>;
        let prepared =
            prepare(&project, &order, None, &listener).map_err(|fault| CommandFailure::failed(fault.message))?;
        let begun = std::time::Instant::now();
        let mut session = Session::new(Arc::clone(&prepared.context), Some(program.here.clone()));
        greet(&project, &mut session, interactive);
        let history = history_file(&project);
        let targets: Vec<String> = project.config.targets.keys().cloned().collect();
        let prompt = Prompt::new(session, targets, history, interactive);
        let speaker = Speaker { screen, halt, dry: self.dry_run };
        // Scripts nest deeply: the prompt gets the stack that runs have.
        let ended = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("prompt".into()).stack_size(64 << 20);
            match thread.spawn_scoped(scope, || prompt.run(&speaker)) {
                Ok(handle) => handle.join().unwrap_or_else(|_| Err("the interpreter failed".into())),
                Err(error) => Err(error.to_string()),
            }
        });
        prepared.ending(Ok(crate::value::Value::Null), begun);
        runtime.shutdown_background();
        match ended.map_err(CommandFailure::failed)? {
            PromptEnd::Left => Ok(Exit::Succeeded),
            PromptEnd::Failed => Ok(Exit::Failed),
        }
    }
}

/// Each target is a variable of its own name, where the name can be one.
fn greet(project: &Project, session: &mut Session, interactive: bool) {
    for target in project.config.targets.values() {
        let name: String = target.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let described = crate::value::Value::Map(crate::value::Map::from([
            ("name".to_owned(), target.name.as_str().into()),
            ("vendor".to_owned(), target.vendor.as_str().into()),
        ]));
        session.set_target(&name, &described);
    }
    if !interactive {
        return;
    }
    eprintln!("beadle {}; :help shows what can be typed, Tab completes", env!("CARGO_PKG_VERSION"));
    if project.config.targets.is_empty() {
        eprintln!("no targets are configured: `beadle lab start` gives one to try, `beadle init` writes a project");
    } else {
        let names: Vec<&str> = project.config.targets.keys().map(String::as_str).collect();
        eprintln!("targets: {}", names.join(", "));
    }
}

fn history_file(project: &Project) -> Option<std::path::PathBuf> {
    let folder = &project.config.state_dir;
    std::fs::create_dir_all(folder).ok()?;
    Some(folder.join("history"))
}

struct Speaker {
    screen: Arc<Screen>,
    halt: Halt,
    dry: bool,
}

impl Voice for Speaker {
    fn say(&self, text: &str) {
        self.screen.out(&format!("{text}\n"));
        let _closed = std::io::stdout().flush();
    }

    fn note(&self, text: &str) {
        self.screen.note(text);
    }

    fn line_begins(&self) {
        self.halt.renew();
    }

    fn is_dry(&self) -> bool {
        self.dry
    }
}
