//! What channels hold back: whatever kills the process, the next one tells of it, and says so where it may be for the
//! second time.

use std::time::Duration;

use beadle::state::State;
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::receiver::Receiver;
use crate::support::service::{Service, watch, within};

/// A project whose channel carries one message in an hour, and a watch whose playbook sends five.
fn project(receiver: &Receiver) -> Sandbox {
    let sandbox = Sandbox::new();
    let url = receiver.url("/hook");
    sandbox.write(
        "beadle.toml",
        &format!(
            "[channels.team]\nkind = \"webhook\"\nurl = \"{url}\"\nlimit = \"1/h\"\ntoken = {{ env = \"HOOK_TOKEN\" }}\n{}",
            watch("storm")
        ),
    );
    sandbox.write("playbooks/storm.rhai", "for n in 0..5 { notify(\"team\", `problem ${n % 2}`); }");
    std::fs::create_dir_all(sandbox.path().join("in/storm")).unwrap();
    sandbox
}

/// A service whose clock is set so far ahead.
fn start(sandbox: &mut Sandbox, ahead: &str) -> Service {
    sandbox.env("HOOK_TOKEN", "canary-token-4711");
    sandbox.env("BEADLE_TEST_CLOCK", ahead);
    Service::start(sandbox)
}

/// Subjects and counts of what is held back.
fn held(sandbox: &Sandbox) -> Vec<(String, i64)> {
    let state = State::open(&sandbox.path().join(".beadle")).unwrap();
    let rows = |connection: &rusqlite::Connection| {
        let mut rows = connection.prepare("SELECT subject, sum(count) FROM held GROUP BY subject ORDER BY subject")?;
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    state.with(rows).unwrap()
}

fn sums(receiver: &Receiver) -> Vec<Value> {
    receiver.received().iter().map(|one| one.json()).filter(|document| document["kind"] == "held").collect()
}

/// Long enough that whatever is sent at the start has been sent.
fn a_moment() {
    std::thread::sleep(Duration::from_millis(1_500));
}

#[test]
fn what_a_killed_service_held_back_is_told_once_by_the_next_when_its_time_has_come() {
    let receiver = Receiver::new();
    let mut sandbox = project(&receiver);
    let serving = start(&mut sandbox, "0s");
    serving.fire(&sandbox, "storm");
    assert_eq!(serving.ended()["outcome"], "succeeded");
    assert_eq!(held(&sandbox), [("problem 0".to_owned(), 2), ("problem 1".to_owned(), 2)]);
    serving.kill();
    // The channel has carried its message of this hour.
    let serving = start(&mut sandbox, "1m");
    a_moment();
    serving.kill();
    assert_eq!(receiver.received().len(), 1, "{:#?}", receiver.received());
    let serving = start(&mut sandbox, "2h");
    assert_eq!(receiver.wait_for(2).len(), 2);
    let sum = sums(&receiver).remove(0);
    assert_eq!((&sum["count"], &sum["maybe_told"]), (&4.into(), &Value::Null), "{sum}");
    assert!(sum["text"].as_str().unwrap().contains("- problem 0 (2 times)\n- problem 1 (2 times)\n"), "{sum}");
    assert!(within(Duration::from_secs(20), || held(&sandbox).is_empty().then_some(())).is_some());
    serving.kill();
    let serving = start(&mut sandbox, "9h");
    a_moment();
    assert_eq!(serving.end(), 0);
    assert_eq!(receiver.received().len(), 2, "it is told once");
}

#[test]
fn a_sum_whose_service_was_killed_on_its_way_is_told_again_and_says_so() {
    let receiver = Receiver::new();
    let mut sandbox = project(&receiver);
    let serving = start(&mut sandbox, "0s");
    serving.fire(&sandbox, "storm");
    serving.ended();
    serving.kill();
    sandbox.env("BEADLE_FAIL_POINT", "summed-up");
    let serving = start(&mut sandbox, "2h");
    assert_eq!(sums_within(&receiver, 1).len(), 1);
    serving.end();
    sandbox.env("BEADLE_FAIL_POINT", "");
    let serving = start(&mut sandbox, "4h");
    let told = sums_within(&receiver, 2);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!((&told[1]["count"], &told[1]["maybe_told"]), (&4.into(), &4.into()));
    assert!(told[1]["text"].as_str().unwrap().contains("4 of them may have been told before"), "{}", told[1]);
    serving.end();
}

fn sums_within(receiver: &Receiver, count: usize) -> Vec<Value> {
    within(Duration::from_secs(30), || (sums(receiver).len() >= count).then_some(()));
    sums(receiver)
}

#[test]
fn what_a_killed_run_at_the_terminal_held_back_is_told_by_a_later_one() {
    let receiver = Receiver::new();
    let mut sandbox = project(&receiver);
    sandbox.env("HOOK_TOKEN", "canary-token-4711");
    sandbox.env("BEADLE_FAIL_POINT", "notified:4");
    let killed = sandbox.script("for n in 0..9 { notify(\"team\", `secret canary-token-4711, ${n}`) }", &[]);
    assert_ne!(killed.code, 0);
    let subjects = held(&sandbox);
    assert_eq!(subjects.len(), 3, "{subjects:?}");
    assert!(subjects.iter().all(|(subject, _)| subject.starts_with("secret ***, ")), "{subjects:?}");
    sandbox.env("BEADLE_FAIL_POINT", "");
    let one = "notify(\"team\", \"one\")";
    sandbox.script(one, &[]).code(0);
    assert!(sums(&receiver).is_empty(), "another process may still be about to tell of it");
    sandbox.env("BEADLE_TEST_CLOCK", "2h");
    sandbox.script(one, &[]).code(0);
    assert_eq!(sums(&receiver)[0]["count"], 3);
    sandbox.script(one, &[]).code(0);
    assert_eq!(sums(&receiver).len(), 1);
}

#[test]
fn a_channel_that_cannot_write_down_what_it_holds_back_tells_of_it_all_the_same() {
    let receiver = Receiver::new();
    let mut sandbox = project(&receiver);
    sandbox.env("HOOK_TOKEN", "canary-token-4711");
    sandbox.script("1", &[]).code(0);
    let state = State::open(&sandbox.path().join(".beadle")).unwrap();
    state.with(|connection| connection.execute_batch("DROP TABLE held")).unwrap();
    drop(state);
    sandbox.script("for n in 0..5 { notify(\"team\", \"x\") }", &[]).code(0);
    assert_eq!(sums(&receiver)[0]["count"], 4);
}
