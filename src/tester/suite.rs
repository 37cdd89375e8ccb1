//! Many tests: which are wanted, several at a time, and how each ended.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::runtime::Handle;

use crate::catalog::Catalog;
use crate::door::Halt;
use crate::engine::testing::{Stage, TestFunction, TestScript, run_test, test_functions};
use crate::engine::{Output, ScriptError, Sources};
use crate::fault::Stop;
use crate::run::run_error;
use crate::tester::find::TestFile;
use crate::tester::reached::{Gathered, Reached};
use crate::tester::shown::Shown;
use crate::tester::snapshot::Snapshots;
use crate::tester::stage::{Ground, LabStage};

/// The instant at which the clock of every test stands: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What to test, and how.
pub struct Suite {
    /// The folder of the project whose playbooks are tested.
    pub project: PathBuf,
    /// Only tests with this in `FILE::NAME`.
    pub filter: Option<String>,
    /// Whether snapshots are kept anew.
    pub update: bool,
    /// How many tests run at a time.
    pub jobs: usize,
    /// Runs what waits.
    pub runtime: Handle,
    /// Ends all of it.
    pub halt: Halt,
}

/// How a test ended.
#[derive(Clone, Debug)]
pub struct Tested {
    /// The file.
    pub file: String,
    /// The test; the file itself cannot be read where it is empty.
    pub test: String,
    /// Its line.
    pub line: usize,
    /// Why it failed, if it did.
    pub failed: Option<Failed>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Why a test failed.
#[derive(Clone, Debug)]
pub struct Failed {
    /// In one or a few lines.
    pub message: String,
    /// With source line, caret and call stack.
    pub report: String,
    /// What the test itself showed.
    pub out: String,
}

impl Tested {
    /// The test's name: `FILE::TEST`.
    pub fn name(&self) -> String {
        name(&self.file, &self.test)
    }
}

fn name(file: &str, test: &str) -> String {
    if test.is_empty() { file.to_owned() } else { format!("{file}::{test}") }
}

/// How all tests ended.
pub struct Ended {
    /// Each, in the order of files and tests; those that a cancel kept from beginning are not among them.
    pub tested: Vec<Tested>,
    /// What they reached.
    pub reached: Reached,
}

/// Runs the tests of some files; `each` is told of every end as it comes.
pub fn run(suite: &Suite, files: &[TestFile], each: &(dyn Fn(&Tested) + Sync)) -> Ended {
    let gathered = Arc::new(Gathered::default());
    let catalog = Arc::new(Catalog::builtin());
    let mut ended = Vec::new();
    let mut wanted: Vec<(&TestFile, TestFunction)> = Vec::new();
    for file in files {
        match test_functions(&file.name, &file.text, &catalog) {
            Ok(tests) => wanted.extend(tests.into_iter().map(|test| (file, test)).filter(|(_, test)| {
                suite.filter.as_ref().is_none_or(|filter| name(&file.name, &test.name).contains(filter))
            })),
            Err(diagnostic) => {
                let sources = Sources::default();
                sources.add(&file.name, &file.text);
                let error = run_error(&diagnostic, &sources);
                let tested = Tested {
                    file: file.name.clone(),
                    test: String::new(),
                    line: error.place.map_or(1, |(_, line)| line),
                    failed: Some(Failed { message: error.message, report: error.report, out: String::new() }),
                    elapsed: Duration::ZERO,
                };
                each(&tested);
                ended.push((0, tested));
            }
        }
    }
    let (next, all) = (AtomicUsize::new(0), Mutex::new(ended));
    std::thread::scope(|scope| {
        for _ in 0..suite.jobs.clamp(1, wanted.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((file, test)) = wanted.get(at) else { return };
                    if suite.halt.cancelled().is_cancelled() {
                        return;
                    }
                    let tested = one(suite, file, test, &catalog, &gathered);
                    each(&tested);
                    all.lock().unwrap_or_else(PoisonError::into_inner).push((at + 1, tested));
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|(at, _)| *at);
    Ended { tested: all.into_iter().map(|(_, tested)| tested).collect(), reached: gathered.summary(&catalog) }
}

fn one(
    suite: &Suite,
    file: &TestFile,
    test: &TestFunction,
    catalog: &Arc<Catalog>,
    gathered: &Arc<Gathered>,
) -> Tested {
    let begun = Instant::now();
    let failed = called(suite, file, test, catalog, gathered).err();
    Tested { file: file.name.clone(), test: test.name.clone(), line: test.line, failed, elapsed: begun.elapsed() }
}

fn called(
    suite: &Suite,
    file: &TestFile,
    test: &TestFunction,
    catalog: &Arc<Catalog>,
    gathered: &Arc<Gathered>,
) -> Result<(), Failed> {
    let plain = |message: String| Failed { report: format!("error: {message}"), message, out: String::new() };
    let mut halt = suite.halt.clone();
    halt.deadline = Some(tokio::time::Instant::now() + LIMIT);
    let ground = Ground {
        runtime: suite.runtime.clone(),
        project: suite.project.clone(),
        now: NOW,
        halt: halt.clone(),
        gathered: Arc::clone(gathered),
        snapshots: file.path.as_ref().map(|path| Snapshots::of(path, &test.name, suite.update)),
    };
    let stage = LabStage::new(ground).map_err(|error| plain(format!("no folder can be had for the test: {error}")))?;
    let stage = Arc::new(stage);
    let shown = Arc::new(Shown::default());
    let script = TestScript {
        name: file.name.clone(),
        text: file.text.clone(),
        folder: file.path.as_ref().and_then(|path| path.parent().map(ToOwned::to_owned)),
        catalog: Arc::clone(catalog),
        halt,
        now: NOW,
        output: Arc::clone(&shown) as Arc<dyn Output>,
    };
    let ended = run_test(&script, &test.name, &(Arc::clone(&stage) as Arc<dyn Stage>));
    if let Err(error) = ended.result {
        let diagnostic = match error {
            ScriptError::Stopped(Stop::TimedOut(_), mut diagnostic) => {
                diagnostic.message = format!("the test took longer than {} s", LIMIT.as_secs());
                diagnostic
            }
            ScriptError::Unreadable(diagnostic)
            | ScriptError::Failed(diagnostic)
            | ScriptError::Stopped(_, diagnostic) => diagnostic,
        };
        let error = run_error(&diagnostic, &ended.sources);
        return Err(Failed { message: error.message, report: error.report, out: shown.text() });
    }
    let complaints = stage.complaints();
    if complaints.is_empty() {
        return Ok(());
    }
    let message = format!("the lab complains of what a true appliance would swallow:\n  {}", complaints.join("\n  "));
    Err(Failed { out: shown.text(), ..plain(message) })
}
