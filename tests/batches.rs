//! Batches of files whose runs fail, are tried again, lose a file or their service: every file ends in one place,
//! and says why it is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::service::{Service, within};

/// A project whose watch hands three files to a run, and whose runs write what they were given into `out/`.
fn project(more: &str, script: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "beadle.toml",
        &format!(
            "[watches.feed]\nplaybook = \"take\"\npaths = [\"inbox/*\"]\nready = \"rename\"\n\
             collect = {{ max = 3, window = \"1h\" }}\n{more}\n"
        ),
    );
    let note = "let names = event.files.map(|file| file.name);\n\
                write_json(`out/${run.id}.${event.attempt}`, #{ names: names, paths: event.paths });\n";
    sandbox.write("playbooks/take.rhai", &format!("{note}{script}\n"));
    fs::create_dir(sandbox.path().join("inbox")).unwrap();
    sandbox
}

/// Writes files elsewhere and renames them into the inbox.
fn drop_files<'a>(sandbox: &Sandbox, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        let aside = sandbox.write(&format!("aside/{name}"), &format!("this is {name}"));
        fs::rename(aside, sandbox.path().join("inbox").join(name)).unwrap();
    }
}

fn names(sandbox: &Sandbox, folder: &str) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(sandbox.path().join(folder)) else { return BTreeSet::new() };
    // A run that is killed while it writes leaves the half of it under a hidden name.
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with('.')).collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

fn explain(sandbox: &Sandbox) -> Value {
    let ran = sandbox.run(&["triggers", "explain", "feed", "--format", "json"]).code(0);
    serde_json::from_str(&ran.out).unwrap()
}

/// What the runs were given, by the attempt that they were.
fn given(sandbox: &Sandbox) -> BTreeMap<String, Value> {
    let of = |name: String| {
        let attempt = name.rsplit_once('.').unwrap().1.to_owned();
        (attempt, serde_json::from_str(&sandbox.read(&format!("out/{name}"))).unwrap())
    };
    names(sandbox, "out").into_iter().map(of).collect()
}

#[track_caller]
fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    assert!(within(Duration::from_secs(60), || done().then_some(())).is_some(), "{what} never came");
}

/// The reason beside a file in `failed/`.
fn reason(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path().join(format!("inbox/failed/{name}.error.txt"))).unwrap_or_default()
}

const IN_FAILED: [&str; 6] = ["a", "a.error.txt", "b", "b.error.txt", "c", "c.error.txt"];

#[test]
fn a_batch_whose_run_fails_goes_to_failed_as_a_whole_with_a_reason_beside_each_file() {
    let sandbox = project("", "read_file(event.paths[1]);\nfail(\"the second is wrong\");");
    let serving = Service::start(&sandbox);
    drop_files(&sandbox, ["c", "a", "b"]);
    assert_eq!(serving.ended()["outcome"], "failed");
    let out = names(&sandbox, "out");
    let id = out.first().unwrap().split('.').next().unwrap();
    wait_until("the last reason", || ["a", "b", "c"].iter().all(|name| reason(&sandbox, name).contains("resume")));
    assert_eq!(serving.end(), 0);
    assert_eq!(names(&sandbox, "inbox/failed"), set(IN_FAILED));
    assert!(names(&sandbox, "inbox/archive").is_empty());
    let reasons: BTreeSet<String> = ["a", "b", "c"].iter().map(|name| reason(&sandbox, name)).collect();
    assert_eq!(reasons.len(), 1, "one run failed, and each file says so: {reasons:?}");
    let text = reasons.first().unwrap();
    assert!(text.contains("message: the second is wrong") && text.contains("take:4") && text.contains(id), "{text}");
    let explained = explain(&sandbox);
    assert_eq!((&explained["due"], &explained["started"]), (&3.into(), &3.into()), "the ledger counts files");
    // The mended script finds all of them where they are now.
    sandbox.write("mended.rhai", &sandbox.read("playbooks/take.rhai").replace("fail(\"the second is wrong\")", "1"));
    sandbox.run(&["runs", "resume", "latest", "--script", "mended.rhai"]).code(0);
    let written: Vec<Value> = given(&sandbox).into_values().collect();
    assert_eq!(written.len(), 1, "{written:?}");
}

#[test]
fn a_batch_is_tried_again_with_the_same_files_and_archived_once_it_has_succeeded() {
    let script = "for path in event.paths { read_file(path); }\nif event.attempt < 3 { fail(\"not yet\"); }";
    let sandbox = project("retry = { attempts = 3, backoff = \"1s\" }", script);
    let serving = Service::start(&sandbox);
    drop_files(&sandbox, ["a", "b", "c"]);
    let outcomes: Vec<Value> = (0..3).map(|_| serving.ended()["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "failed", "succeeded"]);
    wait_until("the archive", || names(&sandbox, "inbox/archive") == set(["a", "b", "c"]));
    assert_eq!(serving.end(), 0);
    assert!(names(&sandbox, "inbox/failed").is_empty(), "no attempt but the last puts files away");
    let given = given(&sandbox);
    assert_eq!(given.len(), 3);
    assert!(given.values().all(|files| *files == given["1"]), "{given:#?}");
    assert_eq!(explain(&sandbox)["started"], 3, "three files, however often they are tried");
    assert!(names(&sandbox, ".beadle/work").is_empty());
}

#[test]
fn a_file_that_vanishes_between_two_attempts_takes_no_other_with_it() {
    for (script, archived, failed) in [
        // It does without: the others are done with.
        ("try { read_file(event.paths[1]) } catch (e) { if event.attempt == 1 { throw e } }", set(["a", "c"]), set([])),
        // It needs all of them: the others say why they were not dealt with.
        ("read_file(event.paths[1]);", set([]), set(["a", "a.error.txt", "c", "c.error.txt"])),
    ] {
        let script = format!("if event.attempt == 1 {{ fail(\"not yet\"); }}\n{script}");
        let sandbox = project("retry = { attempts = 2, backoff = \"2s\" }", &script);
        let serving = Service::start(&sandbox);
        drop_files(&sandbox, ["a", "b", "c"]);
        assert_eq!(serving.ended()["outcome"], "failed");
        let path = given(&sandbox)["1"]["paths"][1].as_str().unwrap().to_owned();
        assert_eq!(fs::read_to_string(&path).unwrap(), "this is b");
        fs::remove_file(&path).unwrap();
        serving.ended();
        let places = || (names(&sandbox, "inbox/archive"), names(&sandbox, "inbox/failed"));
        wait_until("the others' place", || places() == (archived.clone(), failed.clone()));
        // Nothing is left to do, and nothing is said of it again and again.
        serving.forget();
        std::thread::sleep(Duration::from_millis(500));
        let explained = explain(&sandbox);
        assert_eq!((&explained["due"], &explained["started"]), (&3.into(), &3.into()));
        assert_eq!(serving.end(), 0);
    }
}

#[test]
fn a_service_that_is_killed_in_a_run_and_between_two_keeps_batch_and_count() {
    let script = "sleep(\"700ms\");\nfail(`attempt ${event.attempt}`);";
    let sandbox = project("retry = { attempts = 2, backoff = \"2s\" }", script);
    let serving = Service::start(&sandbox);
    drop_files(&sandbox, ["a", "b", "c"]);
    // In the midst of the first run, which goes on with the next service.
    wait_until("the first run", || !names(&sandbox, "out").is_empty());
    serving.kill();
    let serving = Service::start(&sandbox);
    assert_eq!(serving.ended()["outcome"], "failed");
    // While it waits for its second attempt.
    std::thread::sleep(Duration::from_millis(300));
    serving.kill();
    assert!(names(&sandbox, "inbox/failed").is_empty());
    let serving = Service::start(&sandbox);
    assert_eq!(serving.ended()["outcome"], "failed");
    wait_until("the last reason", || ["a", "b", "c"].iter().all(|name| reason(&sandbox, name).contains("resume")));
    assert_eq!(serving.end(), 0);
    assert_eq!(names(&sandbox, "inbox/failed"), set(IN_FAILED));
    assert!(reason(&sandbox, "b").contains("attempt 2"), "{}", reason(&sandbox, "b"));
    let given = given(&sandbox);
    assert_eq!(given.keys().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(given["1"], given["2"], "the same files");
    let runs: Value = serde_json::from_str(&sandbox.run(&["runs", "list", "--format", "json"]).code(0).out).unwrap();
    let runs = runs.as_array().or_else(|| runs["runs"].as_array()).unwrap().len();
    assert_eq!((runs, explain(&sandbox)["started"].as_u64()), (2, Some(3)));
}

/// Some batches fail once, some for good, and the service is killed in between whatever it is doing.
/// `BEADLE_BATCH_SEED` says when.
#[test]
fn batches_that_fail_while_the_service_is_killed_end_in_one_place_each() {
    #[expect(clippy::disallowed_methods, reason = "which kills is said by whoever starts the test")]
    let seed = std::env::var("BEADLE_BATCH_SEED").map_or(20_261_126, |seed| seed.parse().unwrap());
    let mut random = Rng::with_seed(seed);
    let script = "let bad = names.some(|name| name.contains(\"bad\"));\nsleep(\"100ms\");\n\
                  if bad || event.attempt == 1 { fail(\"no\"); }";
    let more = "retry = { attempts = 2, backoff = \"1s\" }\noverlap = \"parallel\"";
    let sandbox = project(more, script);
    let files: Vec<String> = (0..24).map(|n| format!("{n:02}{}", if n % 9 == 4 { "bad" } else { "" })).collect();
    let mut serving = Service::start(&sandbox);
    for batch in files.chunks(6) {
        drop_files(&sandbox, batch.iter().map(String::as_str));
        std::thread::sleep(Duration::from_millis(random.u64(50..900)));
        serving.kill();
        serving = Service::start(&sandbox);
    }
    let put_away = || -> (BTreeSet<String>, BTreeSet<String>) {
        (names(&sandbox, "inbox/archive"), names(&sandbox, "inbox/failed"))
    };
    let dropped: BTreeSet<String> = files.iter().cloned().collect();
    let is_done = || {
        let (archived, failed) = put_away();
        let there: BTreeSet<String> =
            archived.iter().chain(&failed).filter(|name| !name.ends_with(".error.txt")).cloned().collect();
        there == dropped && failed.iter().filter(|name| name.ends_with(".error.txt")).count() * 2 == failed.len()
    };
    wait_until("the end of every file", is_done);
    assert_eq!(serving.end(), 0);
    let (archived, failed) = put_away();
    assert!(archived.is_disjoint(&failed), "seed {seed}: {archived:?} and {failed:?}");
    for name in failed.iter().filter(|name| !name.ends_with(".error.txt")) {
        assert!(failed.contains(&format!("{name}.error.txt")), "seed {seed}: {name} says nothing");
    }
    assert!(files.iter().filter(|name| name.contains("bad")).all(|name| failed.contains(name)), "seed {seed}");
    let explained = explain(&sandbox);
    assert_eq!((&explained["due"], &explained["queued"]), (&24.into(), &0.into()), "seed {seed}: {explained:#}");
    assert_eq!(explained["started"], 24, "seed {seed}");
    // Of each batch only the last attempt put anything away, and each attempt was one run.
    let attempts: Vec<String> = names(&sandbox, "out").into_iter().collect();
    let first = attempts.iter().filter(|name| name.ends_with(".1")).count();
    let second = attempts.iter().filter(|name| name.ends_with(".2")).count();
    assert_eq!((first, second), (8, 8), "seed {seed}: {attempts:?}");
}
