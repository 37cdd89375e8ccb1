//! From arguments to an exit code.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::catalog::Catalog;
use crate::cli::args::{Arguments, Command, Format, Global};
use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::{logging, output};
use crate::config::{Config, Environment, find};
use crate::processors::processors;
use crate::run::Project;

/// What commands work with.
pub struct Program {
    /// What every command understands.
    pub global: Global,
    /// What the environment says.
    pub environment: Environment,
    /// The folder that the command was given in.
    pub here: PathBuf,
}

/// What commands come to.
pub type Done = Result<Exit, CommandFailure>;

/// Runs the program, and gives the code to end with.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let arguments = match Arguments::read(&arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are printed to standard output and are no errors.
            let _closed = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Succeeded };
        }
    };
    let environment = Environment::read();
    // The service has a log of its own, which masks what its configuration keeps secret.
    if !matches!(arguments.command, Command::Serve(_)) {
        logging::start(arguments.global.verbose, environment.log.as_deref(), environment.no_color);
    }
    let here = std::env::current_dir().unwrap_or_default();
    let program = Program { global: arguments.global, environment, here };
    let done = program.exec(arguments.command);
    let done = match (done, output::finish()) {
        (Ok(Exit::Succeeded), Err(lost)) => Err(lost.into()),
        (done, _) => done,
    };
    match done {
        Ok(exit) => exit,
        Err(failure) => {
            program.complain(&failure);
            failure.exit
        }
    }
}

impl Program {
    fn exec(&self, command: Command) -> Done {
        match command {
            Command::Demo(args) => args.exec(self),
            Command::Init(args) => args.exec(self),
            Command::Run(args) => args.exec(self),
            Command::Runs(command) => command.exec(self),
            Command::Plan(args) => args.exec(self),
            Command::Apply(args) => args.exec(self),
            Command::Check(args) => args.exec(self),
            Command::Test(args) => args.exec(self),
            Command::Playbooks(command) => command.exec(self),
            Command::Calls(command) => command.exec(self),
            Command::Vendors(command) => command.exec(self),
            Command::Targets(command) => command.exec(self),
            Command::Repl(args) => args.exec(self),
            Command::Serve(args) => args.exec(self),
            Command::Triggers(command) => command.exec(self),
            Command::Lab(command) => command.exec(self),
            Command::Completions(args) => args.exec(),
            Command::Complete(args) => args.exec(self),
            Command::Interpret(args) => args.exec(),
            Command::Definitions(args) => args.exec(self),
            Command::Man(args) => args.exec(self),
        }
    }

    fn complain(&self, failure: &CommandFailure) {
        if failure.message.is_empty() {
            return;
        }
        let (on, off) = if self.colours() { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
        eprintln!("{on}error{off}: {}", failure.message);
        for hint in &failure.hints {
            eprintln!("  hint: {hint}");
        }
    }

    /// Whether what goes to standard error is coloured.
    pub fn colours(&self) -> bool {
        std::io::stderr().is_terminal() && !self.environment.no_color
    }

    /// Whether what goes to standard output is coloured.
    pub fn colours_out(&self) -> bool {
        std::io::stdout().is_terminal() && !self.environment.no_color
    }

    /// Whether data is printed for programs.
    pub fn is_json(&self) -> bool {
        self.global.format == Format::Json
    }

    /// Prints data: text for people, or one JSON document.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn print(
        &self,
        human: impl FnOnce() -> String,
        json: impl FnOnce() -> serde_json::Value,
    ) -> std::io::Result<()> {
        let text = if self.is_json() { format!("{:#}\n", json()) } else { human() };
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The configuration with its catalog; none at all is an empty one.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn config(&self) -> Result<(Config, Catalog), CommandFailure> {
        match find(self.global.config.as_deref(), &self.here, &self.environment) {
            None => Ok((Config::none(&self.here, &self.environment), Catalog::builtin())),
            Some(path) => Config::load(&path, &self.environment).map_err(|error| {
                CommandFailure::usage(error.mistakes.join("\nerror: "))
                    .hint("`beadle init DIR` writes a file with every key explained")
            }),
        }
    }

    /// The project, and the runtime that it lives on.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn project(&self) -> Result<(Arc<Project>, tokio::runtime::Runtime), CommandFailure> {
        let (config, catalog) = self.config()?;
        self.project_of(config, catalog)
    }

    /// A project of a configuration that is there already.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn project_of(
        &self,
        config: Config,
        catalog: Catalog,
    ) -> Result<(Arc<Project>, tokio::runtime::Runtime), CommandFailure> {
        // What connections do is half of the work; scripts have threads of their own. One more than there is work for
        // is woken in vain by every answer.
        let workers = (processors() / 2).max(1);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .map_err(|error| CommandFailure::failed(format!("no threads can be had: {error}")))?;
        let project = Project::new(config, catalog, runtime.handle().clone()).map_err(CommandFailure::usage)?;
        Ok((project, runtime))
    }
}
