//! `beadle test`: playbook tests, against the lab.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::CommandFailure;
use crate::cli::program::{Done, Program};
use crate::cli::screen::millis;
use crate::cli::signals::cancel_on_signal;
use crate::config::find;
use crate::door::Halt;
use crate::tester::{Ended, Replay, Suite, TestFile, Tested, built_in, in_folder, junit, of_file, replay_export, run};

/// Test playbooks against the lab
///
/// Tests are functions named test_… in files that end in .test.rhai. Each has a fresh lab, a clock that
/// stands and a state folder of its own. See docs/testing-playbooks.md.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Files, folders, or std/… names; by default playbooks/ and tests/ of the project
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub paths: Vec<String>,
    /// Replay the export of a run through the script of today, offline (repeat for more)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub from: Vec<PathBuf>,
    /// Only tests with this text in FILE::NAME
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Keep the values of snapshots that differ or are new
    #[arg(long)]
    pub update: bool,
    /// How many tests run at a time; by default one for each processor
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Write the results to this file, in JUnit's form
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

impl TestArgs {
    /// Tests what is asked for.
    pub fn exec(self, program: &Program) -> Done {
        let config = find(program.global.config.as_deref(), &program.here, &program.environment);
        let project = config.as_deref().and_then(std::path::Path::parent).unwrap_or(&program.here).to_owned();
        // Exports alone are no reason to look for tests.
        let files =
            if self.paths.is_empty() && !self.from.is_empty() { Vec::new() } else { self.files(program, &project)? };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| CommandFailure::failed(format!("no threads can be had: {error}")))?;
        let halt = Halt::default();
        {
            let _entered = runtime.enter();
            cancel_on_signal(runtime.handle(), &halt);
        }
        let suite = Suite {
            project,
            filter: self.filter,
            update: self.update,
            jobs: self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get),
            runtime: runtime.handle().clone(),
            halt: halt.clone(),
        };
        let colours = program.colours_out();
        let is_json = program.is_json();
        let each = |tested: &Tested| {
            if !is_json {
                // Whoever stops reading still wants to know how it ends.
                let _closed = std::io::stdout().write_all(shown(tested, colours).as_bytes());
            }
        };
        let Ended { mut tested, reached } = run(&suite, &files, &each);
        let replay =
            Replay { project: &suite.project, here: &program.here, runtime: suite.runtime.clone(), halt: halt.clone() };
        for file in &self.from {
            let replayed = replay_export(&program.here.join(file), &replay).map_err(CommandFailure::usage)?;
            each(&replayed);
            tested.push(replayed);
        }
        runtime.shutdown_background();
        let failed = tested.iter().filter(|one| one.failed.is_some()).count();
        let passed = tested.len() - failed;
        if is_json {
            let tests: Vec<_> = tested.iter().map(json_of).collect();
            program.print(String::new, || {
                json!({
                    "tests": tests, "passed": passed, "failed": failed, "reached": reached.json(),
                    "playbooks": reached.playbooks(),
                })
            })?;
        }
        if let Some(file) = &self.junit {
            let path = program.here.join(file);
            std::fs::write(&path, junit(&tested, &reached))
                .map_err(|error| CommandFailure::failed(format!("{}: {error}", path.display())))?;
        }
        if halt.cancelled().is_cancelled() {
            return Err(CommandFailure { exit: Exit::Cancelled, message: "cancelled".into(), hints: Vec::new() });
        }
        if let (Some(filter), true) = (&suite.filter, tested.is_empty()) {
            return Err(CommandFailure::usage(format!("no test has '{filter}' in its name")));
        }
        if !is_json {
            let slow = tested.iter().map(|one| one.elapsed).max().unwrap_or_default();
            eprintln!("{}: {passed} passed, {failed} failed; the longest took {}", tests(tested.len()), millis(slow));
            if reached.scripts > 0 {
                eprintln!("{}", reached.line());
            }
        }
        Ok(if failed > 0 { Exit::Failed } else { Exit::Succeeded })
    }

    /// The files that hold what is asked for.
    fn files(&self, program: &Program, project: &std::path::Path) -> Result<Vec<TestFile>, CommandFailure> {
        let mut files = Vec::new();
        if self.paths.is_empty() {
            for folder in ["playbooks", "tests"].map(|name| project.join(name)).iter().filter(|path| path.is_dir()) {
                files.extend(in_folder(folder, &program.here).map_err(CommandFailure::usage)?);
            }
            if files.is_empty() {
                return Err(CommandFailure::usage("there are no tests in playbooks/ and tests/ of this project")
                    .hint("tests are functions named test_… in files that end in .test.rhai")
                    .hint("`beadle test std` runs those of the standard library"));
            }
            return Ok(files);
        }
        for name in &self.paths {
            let path = program.here.join(name);
            let found = if name == "std" || name.starts_with("std/") {
                built_in(name)
            } else if path.is_dir() {
                in_folder(&path, &program.here).map_err(CommandFailure::usage)?
            } else {
                vec![of_file(&path, &program.here).map_err(CommandFailure::usage)?]
            };
            if found.is_empty() {
                return Err(CommandFailure::usage(format!("there are no tests in {name}"))
                    .hint("tests are functions named test_… in files that end in .test.rhai"));
            }
            files.extend(found);
        }
        // A file may be named twice, by itself and by its folder.
        let mut seen = BTreeSet::new();
        files.retain(|file| {
            seen.insert((file.path.as_ref().and_then(|path| path.canonicalize().ok()), file.name.clone()))
        });
        Ok(files)
    }
}

/// How a test ended, for people; where it failed, with all that tells why.
fn shown(tested: &Tested, colours: bool) -> String {
    let paint = |code: &str, text: &str| if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let took = millis(tested.elapsed);
    let Some(failed) = &tested.failed else {
        return format!("{} {:>8}  {}\n", paint("32", "pass"), took, tested.name());
    };
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let mut text = format!("{} {:>8}  {}\n{}", paint("1;31", "FAIL"), took, tested.name(), indented(&failed.report));
    if !failed.out.is_empty() {
        text.push_str(&format!("    the test showed:\n{}", indented(&failed.out)));
    }
    text
}

fn json_of(tested: &Tested) -> serde_json::Value {
    json!({
        "file": tested.file,
        "test": tested.test,
        "line": tested.line,
        "outcome": if tested.failed.is_some() { "failed" } else { "passed" },
        "milliseconds": u64::try_from(tested.elapsed.as_millis()).unwrap_or(u64::MAX),
        "message": tested.failed.as_ref().map(|failed| &failed.message),
        "report": tested.failed.as_ref().map(|failed| &failed.report),
        "out": tested.failed.as_ref().map(|failed| &failed.out),
    })
}

fn tests(count: usize) -> String {
    format!("{count} test{}", if count == 1 { "" } else { "s" })
}
