//! Files through claim, work folder and archive; and what a crash or a replacement leaves.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{After, Failures, Overlap, Ready, WatchConfig};
use crate::state::State;
use crate::trigger::watch::{Hints, Pattern, Sightings, claim_all};
use crate::trigger::{Account, Firing, Outcome, Triggers, WatchDefinition};

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

struct Bench {
    project: tempfile::TempDir,
    state: Arc<State>,
    config: WatchConfig,
}

impl Bench {
    fn new(ready: Ready, after: Option<After>) -> Self {
        Self::with_state(ready, after, None)
    }

    fn with_state(ready: Ready, after: Option<After>, state: Option<&Path>) -> Self {
        let project = tempfile::tempdir().unwrap();
        fs::create_dir(project.path().join("inbox")).unwrap();
        let state = Arc::new(State::open(state.unwrap_or(&project.path().join(".beadle"))).unwrap());
        let config = WatchConfig {
            playbook: "block".into(),
            paths: vec![PathBuf::from("inbox/*.txt")],
            ready,
            settle: Duration::from_secs(2),
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

    fn definition(&self) -> WatchDefinition {
        WatchDefinition::new("feed", &self.config, self.project.path()).unwrap()
    }

    fn open(&self) -> Triggers {
        Triggers::open(Arc::clone(&self.state), Vec::new(), vec![self.definition()], second(0)).unwrap()
    }

    fn inbox(&self, name: impl AsRef<Path>) -> PathBuf {
        self.project.path().join("inbox").join(name)
    }

    fn drop_file(&self, name: &str, text: &str) {
        fs::write(self.inbox(name), text).unwrap();
    }

    fn listing(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.inbox(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// As a service does at its start that finds no run begun.
fn recover(triggers: &Triggers) -> Vec<String> {
    triggers.recover(&|_| false).unwrap().1
}

fn poll(triggers: &mut Triggers, at: i64) -> Vec<Firing> {
    triggers.watches.hint();
    triggers.watches.look(second(at)).unwrap().queued
}

/// Runs whatever waits, one after the other; answers with the texts that the runs saw.
fn work(triggers: &Triggers, at: i64, outcome: Outcome) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(firing) = triggers.take_queued(second(at), 1).unwrap().pop() {
        texts.push(fs::read_to_string(firing.event["path"].as_str().unwrap()).unwrap());
        assert!(triggers.ended(&firing.id, outcome, second(at)).unwrap().is_empty());
    }
    texts
}

fn account(triggers: &Triggers) -> Account {
    let sums = triggers.explain("feed", 0).unwrap().1;
    assert_eq!(sums.due, sums.queued + sums.started + sums.merged + sums.skipped, "{sums:?}");
    sums
}

#[test]
fn patterns_mean_names_and_never_unfinished_ones() {
    let matches = |pattern: &str, name: &str| {
        Pattern::parse(&Path::new("/in").join(pattern), Path::new(pattern)).unwrap().matches(name)
    };
    assert!(matches("*.txt", "a b\n.txt"));
    assert!(matches("l?st*.t*t", "list-1.tt"));
    assert!(matches("*a*b", "xaxaxb"));
    assert!(!matches("*a*b", "xaxaxc"));
    assert!(!matches("list.txt", "list.txt2"));
    for name in [".hidden", "x.tmp", "x.part", "x~"] {
        assert!(!matches("*", name), "{name}");
    }
    assert!(Pattern::parse(Path::new("/p/in*/x"), Path::new("in*/x")).unwrap_err().contains("last part"));
    assert!(Pattern::parse(Path::new("/p/in/.."), Path::new("in/..")).unwrap_err().contains("names no files"));
}

#[test]
fn a_file_is_taken_once_it_has_settled() {
    let bench = Bench::new(Ready::Settle, None);
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 0).is_empty());
    assert_eq!(triggers.watches.next(), Some(second(2)));
    bench.drop_file("a.txt", "one and two");
    assert!(poll(&mut triggers, 2).is_empty(), "it has changed: the time counts anew");
    assert!(poll(&mut triggers, 3).is_empty());
    let queued = poll(&mut triggers, 4);
    assert_eq!(queued.len(), 1);
    assert_eq!(queued[0].event["name"], "a.txt");
    assert_eq!(queued[0].event["size"], 11);
    assert!(!bench.inbox("a.txt").exists());
    assert_eq!(work(&triggers, 4, Outcome::Succeeded), ["one and two"]);
    assert_eq!(bench.listing("archive"), ["a.txt"]);
    assert_eq!(account(&triggers), Account { due: 1, started: 1, ..Account::default() });
}

#[test]
fn each_file_starts_one_run_and_archived_names_do_not_collide() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    for round in 0..3 {
        bench.drop_file("a.txt", &round.to_string());
        bench.drop_file("with space\nand line.txt", "x");
        assert_eq!(poll(&mut triggers, round).len(), 2);
        assert!(poll(&mut triggers, round).is_empty());
    }
    let texts = work(&triggers, 9, Outcome::Succeeded);
    assert_eq!(texts.iter().filter(|text| *text != "x").collect::<Vec<_>>(), ["0", "1", "2"], "none lost while busy");
    assert_eq!(bench.listing("archive").len(), 6);
    assert!(bench.inbox("archive/a-3.txt").exists());
    assert_eq!(fs::read_dir(bench.state.folder().join("work")).unwrap().count(), 0);
}

#[test]
fn a_marker_says_when_and_goes_with_its_file() {
    let mut bench = Bench::new(Ready::Marker, Some(After::Delete));
    bench.config.paths = vec![PathBuf::from("inbox/*")];
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 0).is_empty());
    bench.drop_file("a.txt.done", "");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    assert_eq!(work(&triggers, 1, Outcome::Succeeded), ["one"]);
    assert!(bench.listing(".").is_empty(), "{:?}", bench.listing("."));
}

#[test]
fn kept_files_stay_and_run_again_only_when_changed() {
    let bench = Bench::new(Ready::Rename, Some(After::Keep));
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    bench.drop_file("a.txt", "longer");
    assert_eq!(work(&triggers, 0, Outcome::Succeeded), ["one"], "the run reads what was claimed");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    drop(triggers);
    let mut triggers = bench.open();
    assert!(poll(&mut triggers, 2).is_empty(), "remembered over a restart");
    assert_eq!(work(&triggers, 2, Outcome::Succeeded), ["longer"]);
    assert!(bench.inbox("a.txt").exists());
}

#[test]
fn a_folder_outside_the_project_keeps_its_files() {
    let mut bench = Bench::new(Ready::Rename, None);
    assert_eq!(bench.definition().after(), After::Archive);
    bench.config.paths = vec![PathBuf::from("/srv/feeds/*.txt")];
    assert_eq!(bench.definition().after(), After::Keep);
}

#[test]
fn a_file_of_a_failed_run_waits_for_its_resumption() {
    let bench = Bench::new(Ready::Rename, Some(After::Delete));
    let mut triggers = bench.open();
    bench.drop_file("a.txt", "one");
    let firing = poll(&mut triggers, 0).remove(0);
    work(&triggers, 0, Outcome::Failed);
    let path = PathBuf::from(firing.event["path"].as_str().unwrap());
    assert!(path.exists());
    triggers.ended(&firing.id, Outcome::Succeeded, second(5)).unwrap();
    assert!(!path.exists());
}

#[test]
fn a_crash_between_claim_and_move_is_repaired() {
    let bench = Bench::new(Ready::Rename, None);
    bench.drop_file("a.txt", "one");
    drop(bench.open());
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, second(0)).ready;
    assert_eq!(claim_all(&bench.state, &definition, &ready, second(0)).unwrap().len(), 1);
    // Here the process died; the next one has the claim and the file that has not moved.
    let mut triggers = bench.open();
    assert!(triggers.take_queued(second(1), 9).unwrap().is_empty(), "not before it is in the work folder");
    recover(&triggers);
    assert!(poll(&mut triggers, 1).is_empty());
    assert_eq!(work(&triggers, 1, Outcome::Succeeded), ["one"]);
    recover(&triggers);
    assert_eq!(account(&triggers).started, 1);
}

#[test]
fn a_file_replaced_after_its_claim_counts_as_another() {
    let bench = Bench::new(Ready::Rename, None);
    bench.drop_file("a.txt", "old");
    let mut triggers = bench.open();
    let definition = bench.definition();
    let ready = Sightings::default().scan(&definition, second(0)).ready;
    claim_all(&bench.state, &definition, &ready, second(0)).unwrap();
    bench.drop_file("b", "brand new");
    fs::rename(bench.inbox("b"), bench.inbox("a.txt")).unwrap();
    assert_eq!(recover(&triggers).len(), 1, "it is told");
    assert_eq!(poll(&mut triggers, 1).len(), 1);
    assert_eq!(work(&triggers, 1, Outcome::Succeeded), ["brand new"]);
    assert_eq!(account(&triggers), Account { due: 2, started: 1, skipped: 1, ..Account::default() });
}

#[test]
fn many_files_start_one_run_each_through_restarts() {
    let bench = Bench::new(Ready::Rename, Some(After::Delete));
    for number in 0..500 {
        bench.drop_file(&format!("{number:03}.txt"), &number.to_string());
    }
    let mut seen = Vec::new();
    for round in 0..4 {
        let mut triggers = bench.open();
        recover(&triggers);
        poll(&mut triggers, round);
        // What is taken and not started when the service dies is started by the next.
        triggers.take_queued(second(round), 1).unwrap();
        if round % 2 == 1 {
            recover(&triggers);
            seen.extend(work(&triggers, round, Outcome::Succeeded));
        }
    }
    assert_eq!(seen.len(), 500);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 500, "none twice");
    assert!(bench.listing(".").is_empty());
}

#[test]
fn links_and_unreadable_names_are_refused_once() {
    let bench = Bench::new(Ready::Rename, None);
    std::os::unix::fs::symlink("/etc/passwd", bench.inbox("link.txt")).unwrap();
    fs::write(bench.inbox(OsStr::from_bytes(b"\xff\xfe.txt")), "x").unwrap();
    fs::create_dir(bench.inbox("folder.txt")).unwrap();
    let mut triggers = bench.open();
    for round in 0..3 {
        assert!(poll(&mut triggers, round).is_empty());
    }
    let (_, sums, rows) = triggers.explain("feed", 9).unwrap();
    assert_eq!((sums.due, sums.skipped), (2, 2));
    let reasons: Vec<_> = rows.iter().filter_map(|row| row.reason.as_deref()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("symbolic link")), "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("UTF-8")), "{reasons:?}");
}

#[test]
fn a_file_crosses_to_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    let bench = Bench::with_state(Ready::Rename, None, Some(&memory.path().join("state")));
    if fs::metadata(memory.path()).unwrap().dev() == fs::metadata(bench.project.path()).unwrap().dev() {
        return;
    }
    bench.drop_file("a.txt", "one");
    let mut triggers = bench.open();
    assert_eq!(poll(&mut triggers, 0).len(), 1);
    assert!(!bench.inbox("a.txt").exists());
    assert_eq!(work(&triggers, 0, Outcome::Succeeded), ["one"]);
    assert_eq!(bench.listing("archive"), ["a.txt"]);
}

#[test]
fn a_paused_watch_leaves_files_where_they_are() {
    let bench = Bench::new(Ready::Rename, None);
    let mut triggers = bench.open();
    triggers.pause("feed", second(0)).unwrap();
    bench.drop_file("a.txt", "one");
    assert!(poll(&mut triggers, 1).is_empty());
    triggers.resume("feed", second(2)).unwrap();
    assert_eq!(poll(&mut triggers, 3).len(), 1);
    let error = triggers.fire(&Firing::by_hand("feed", None, second(4)), second(4)).unwrap_err();
    assert!(error.to_string().contains("path=FILE"), "{error}");
}

#[test]
fn a_missing_folder_is_told_and_looked_for_again() {
    let bench = Bench::new(Ready::Rename, None);
    fs::remove_dir(bench.inbox("")).unwrap();
    let mut triggers = bench.open();
    let polled = triggers.watches.look(second(0)).unwrap();
    assert!(polled.problems[0].contains("make the folder"), "{:?}", polled.problems);
    assert_eq!(triggers.watches.next(), Some(second(30)));
}

#[test]
fn a_new_file_raises_a_hint() {
    let bench = Bench::new(Ready::Rename, None);
    let (sender, hints_seen) = mpsc::channel();
    let mut hints = Hints::new(move || {
        let _ = sender.send(());
    })
    .unwrap();
    hints.watch(&bench.definition().folders()).unwrap();
    assert!(hints.take(), "at the start there is a reason to scan");
    assert!(!hints.take());
    bench.drop_file("a.txt", "one");
    hints_seen.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(hints.take());
    assert!(hints.watch(&[PathBuf::from("/nowhere/at/all")]).unwrap_err()[0].contains("make the folder"));
}
