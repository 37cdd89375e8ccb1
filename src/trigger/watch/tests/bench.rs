//! A project with one watch, and what the tests do with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{After, Failures, FileOrder, Overlap, Ready, WatchConfig};
use crate::state::State;
use crate::trigger::{Account, Firing, Outcome, Triggers, WatchDefinition};

pub fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub struct Bench {
    pub project: tempfile::TempDir,
    pub state: Arc<State>,
    pub config: WatchConfig,
}

impl Bench {
    pub fn new(ready: Ready, after: Option<After>) -> Self {
        Self::with_state(ready, after, None)
    }

    pub fn with_state(ready: Ready, after: Option<After>, state: Option<&Path>) -> Self {
        let project = tempfile::tempdir().unwrap();
        fs::create_dir(project.path().join("inbox")).unwrap();
        let state = Arc::new(State::open(state.unwrap_or(&project.path().join(".beadle"))).unwrap());
        let config = WatchConfig {
            playbook: "block".into(),
            paths: vec![PathBuf::from("inbox/*.txt")],
            recursive: false,
            ready,
            settle: Duration::from_secs(2),
            poll: None,
            order: FileOrder::Name,
            collect: None,
            dedupe: None,
            chain: false,
            params: toml::Table::new(),
            destroy: false,
            overlap: Overlap::Queue,
            after,
            timeout: None,
            failures: Failures::default(),
            max_runs: None,
        };
        Self { project, state, config }
    }

    /// The same with other paths.
    pub fn paths(mut self, paths: &[&str]) -> Self {
        self.config.paths = paths.iter().map(PathBuf::from).collect();
        self
    }

    pub fn definition(&self) -> WatchDefinition {
        WatchDefinition::new("feed", &self.config, self.project.path()).unwrap()
    }

    pub fn open(&self) -> Triggers {
        Triggers::open(Arc::clone(&self.state), Vec::new(), vec![self.definition()], second(0)).unwrap()
    }

    pub fn inbox(&self, name: impl AsRef<Path>) -> PathBuf {
        self.project.path().join("inbox").join(name)
    }

    pub fn drop_file(&self, name: &str, text: &str) {
        let path = self.inbox(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn listing(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.inbox(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// How many firings have something in the work folder.
    pub fn at_work(&self) -> usize {
        fs::read_dir(self.state.folder().join("work")).map_or(0, Iterator::count)
    }
}

pub fn poll(triggers: &mut Triggers, at: i64) -> Vec<Firing> {
    triggers.watches.hint();
    triggers.watches.look(second(at)).unwrap().queued
}

/// As a service does at its start that finds no run begun.
pub fn recover(triggers: &Triggers) -> Vec<String> {
    triggers.recover(&|_| false).unwrap().1
}

/// Starts and ends the run of every firing that waits, one after the other.
pub fn run_all(triggers: &mut Triggers, at: i64, mut run: impl FnMut(&Triggers, &Firing)) {
    while let Some(firing) = triggers.take_queued(second(at), 1).unwrap().pop() {
        run(triggers, &firing);
        assert!(triggers.watches.look(second(at)).unwrap().problems.is_empty());
    }
}

/// Runs whatever waits, one after the other; answers with the texts that the runs saw.
pub fn work(triggers: &mut Triggers, at: i64, outcome: Outcome) -> Vec<String> {
    let mut texts = Vec::new();
    run_all(triggers, at, |triggers, firing| {
        texts.push(fs::read_to_string(firing.event["path"].as_str().unwrap()).unwrap());
        triggers.ended(&firing.id, outcome, second(at)).unwrap();
    });
    texts
}

pub fn account(triggers: &Triggers) -> Account {
    let sums = triggers.explain("feed", 0).unwrap().1;
    assert_eq!(sums.due, sums.queued + sums.started + sums.merged + sums.skipped, "{sums:?}");
    sums
}

/// Why files were skipped, the latest first.
pub fn reasons(triggers: &Triggers) -> Vec<String> {
    triggers.explain("feed", 99).unwrap().2.into_iter().filter_map(|row| row.reason).collect()
}
