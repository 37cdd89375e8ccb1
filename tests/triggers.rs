//! `beadle triggers`: what it shows, and what it does to a service that is running.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::service::Service;

const JOB: &str = "[schedules.job]\nplaybook = \"job\"\ncron = \"0 2 1 1 *\"\ntimezone = \"Europe/Berlin\"\n";

const SCRIPT: &str = "//! Says what it is given.\n//!\n//! ```toml\n//! [params]\n\
                      //! word = { type = \"string\", default = \"nothing\", doc = \"what to say\" }\n\
                      //! ```\nprint(`${params.word} ${event.kind} ${event.attempt}`);\n\
                      if params.word == \"fail\" { throw \"as it was told\"; }\n";

fn sandbox(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &format!("{JOB}{more}"));
    sandbox.write("playbooks/job.rhai", SCRIPT);
    sandbox
}

fn explained(sandbox: &Sandbox, name: &str) -> Json {
    let ran = sandbox.run(&["triggers", "explain", name, "--format", "json"]).code(0);
    serde_json::from_str(&ran.out).unwrap()
}

fn listed(sandbox: &Sandbox) -> Json {
    serde_json::from_str(&sandbox.run(&["triggers", "list", "--format", "json"]).code(0).out).unwrap()
}

#[test]
fn a_firing_by_hand_reaches_the_service_at_once_with_its_parameters() {
    let sandbox = sandbox("");
    let serving = Service::start(&sandbox);
    sandbox.run(&["triggers", "fire", "job", "word=hello"]).code(0).err(&["has gone off", "explain job"]);
    let asked = Instant::now();
    serving.wait_for("hello manual 1");
    serving.wait_for("\"event\":\"ended\"");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    serving.end();
    let job = explained(&sandbox, "job");
    assert_eq!((job["due"].as_u64(), job["started"].as_u64()), (Some(1), Some(1)));
    assert_eq!(
        (&job["rows"][0]["kind"], &job["rows"][0]["runs"][0]["outcome"]),
        (&"manual".into(), &"succeeded".into())
    );
}

#[test]
fn a_firing_that_cannot_run_is_refused_before_it_goes_off() {
    let sandbox = sandbox("");
    for (parameter, said) in [("wort=hello", "'word'"), ("word=a", "")] {
        let ran = sandbox.run(&["triggers", "fire", "job", parameter]);
        if said.is_empty() {
            ran.code(0).err(&["nothing serves at the moment"]);
        } else {
            ran.code(2).err(&[said]);
        }
    }
    sandbox.run(&["triggers", "fire", "jop"]).code(2).err(&["'job'"]);
    assert_eq!(explained(&sandbox, "job")["due"], 1, "what was refused was not queued");
}

#[test]
fn a_pause_and_its_end_reach_a_service_that_is_running() {
    let often = "[schedules.often]\nplaybook = \"job\"\ncron = \"* * * * * *\"\nparams = { word = \"tick\" }\n";
    let sandbox = sandbox(often);
    let serving = Service::start(&sandbox);
    serving.wait_for("tick schedule");
    sandbox.run(&["triggers", "pause", "often", "nothing"]).code(2).err(&["no trigger 'nothing'"]);
    assert_eq!(explained(&sandbox, "often")["paused"], false, "a wrong name changes none of the others");
    sandbox.run(&["triggers", "pause", "often", "job"]).code(0).err(&["often rests", "job rests"]);
    std::thread::sleep(Duration::from_millis(2500));
    let paused = explained(&sandbox, "often");
    assert_eq!(
        (&paused["rows"][0]["state"], &paused["rows"][0]["reason"]),
        (&"skipped".into(), &"the trigger was paused".into())
    );
    assert_eq!(listed(&sandbox).as_array().unwrap().iter().filter(|one| one["paused"] == true).count(), 2);
    sandbox.run(&["triggers", "resume", "often"]).code(0);
    serving.forget();
    serving.wait_for("tick schedule");
    serving.end();
}

#[test]
fn a_file_is_handed_to_a_watch_as_a_copy() {
    let seg = Seg::ten();
    let watch = "[watches.feed]\nplaybook = \"std/seg/bulk_ip_block\"\npaths = [\"inbox/*.txt\"]\nready = \"rename\"\n\
                 params = { target = \"seg\", group = 16, list = \"${event.path}\" }\n";
    let sandbox = Sandbox::with_seg(&seg, watch);
    let file = sandbox.write("elsewhere/list.txt", "192.0.2.0/24\n");
    sandbox.run(&["triggers", "fire", "feed"]).code(2).err(&["path=FILE"]);
    let serving = Service::start(&sandbox);
    sandbox.run(&["triggers", "fire", "feed", "path=elsewhere/list.txt"]).code(0);
    serving.wait_for("\"event\":\"ended\"");
    serving.end();
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24"]);
    assert!(file.exists());
    let feed = explained(&sandbox, "feed");
    assert_eq!((feed["due"].as_u64(), feed["started"].as_u64()), (Some(1), Some(1)));
    assert!(feed["rows"][0]["file"].as_str().unwrap().ends_with("elsewhere/list.txt"));
}

#[test]
fn failed_runs_are_tried_again_and_then_pause_the_trigger() {
    let more = "params = { word = \"fail\" }\nretry = { attempts = 2, backoff = \"100ms\" }\npause_after = 1\n";
    let sandbox = sandbox(more);
    let serving = Service::start(&sandbox);
    sandbox.run(&["triggers", "fire", "job"]).code(0);
    serving.wait_for("fail manual 1");
    serving.wait_for("attempt 2 of 2");
    serving.wait_for("fail manual 2");
    serving.wait_for("paused, because it failed 1 times");
    serving.end();
    let job = explained(&sandbox, "job");
    assert_eq!((job["due"].as_u64(), job["started"].as_u64(), job["paused"].as_bool()), (Some(1), Some(1), Some(true)));
    let runs = job["rows"][0]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs.iter().all(|run| run["outcome"] == "failed"), "{runs:?}");
    let page = sandbox.run(&["triggers", "explain", "job"]).code(0);
    page.out(&["paused since", "after 1 failure", "due 1 = started 1 + merged 0 + skipped 0 + queued 0", "2 attempts"]);
}

#[test]
fn a_look_writes_nothing_and_says_when_nothing_serves() {
    let sandbox = sandbox("");
    let list = sandbox.run(&["triggers", "list"]).code(0).err(&["nothing serves"]);
    assert!(list.out.contains("-01-01 02:00:00") && list.out.contains("none yet"), "{}", list.out);
    let page =
        sandbox.run(&["triggers", "explain", "job", "--limit", "3"]).code(0).out(&["Europe/Berlin", "owes nothing"]);
    assert_eq!(page.out.lines().filter(|line| line.contains("-01-01 02:00:00 +01:00")).count(), 3, "{}", page.out);
    let folder = sandbox.path().join(".beadle");
    assert!(!folder.join("serve.bell").exists());
    assert_eq!(explained(&sandbox, "job")["next"].as_array().unwrap().len(), 10);
}

#[test]
fn what_nobody_has_decided_on_yet_is_shown_as_owed() {
    let sandbox = sandbox("[schedules.often]\nplaybook = \"job\"\ncron = \"* * * * * *\"\n");
    Service::start(&sandbox).end();
    std::thread::sleep(Duration::from_millis(2100));
    let owed = explained(&sandbox, "often")["owed"]["count"].as_u64().unwrap();
    assert!((1..60).contains(&owed), "{owed}");
}

#[test]
fn keys_of_triggers_are_checked() {
    for (keys, said) in [
        ("max_runs = 0\n", "max_runs must be at least 1"),
        ("max_runs = 3\n", "max_runs needs overlap = \"parallel\""),
        ("pause_after = 0\n", "pause_after must be at least 1"),
        ("allow = [\"read\"]\n", "destroy alone can be added"),
        ("retry = { backoff = \"1m\" }\n", "attempts is missing"),
        ("retry = { attempts = 0 }\n", "at least 1"),
        ("retry = { attempts = 2, backoff = \"soon\" }\n", "retry: backoff: 'soon'"),
        ("retry = { attemps = 2 }\n", "'attempts'"),
    ] {
        sandbox(keys).run(&["check"]).code(2).err(&[said]);
    }
}
