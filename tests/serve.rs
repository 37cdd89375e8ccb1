//! The service: schedules and dropped files start runs by themselves.

use std::time::{Duration, Instant};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::service::{Service, within};

const WATCH: &str = "[watches.feed]\nplaybook = \"std/seg/bulk_ip_block\"\npaths = [\"inbox/*.txt\"]\nsettle = \"100ms\"\n\
                     params = { target = \"seg\", group = 16, list = \"${event.path}\" }\n";

#[test]
fn a_dropped_list_is_blocked_and_archived() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, WATCH);
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/a list.txt", "192.0.2.0/24\nnonsense\n");
    sandbox.write("inbox/half.txt.part", "198.51.100.0/24\n");
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"succeeded\""), "{ended}");
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24"]);
    assert_eq!(serving.end(), 0);
    assert!(sandbox.path().join("inbox/half.txt.part").exists());
    assert!(!sandbox.path().join("inbox/a list.txt").exists());
    let explained = sandbox.run(&["triggers", "explain", "feed"]).code(0);
    assert!(explained.out.contains("due 1 = started 1 + merged 0 + skipped 0 + queued 0"), "{}", explained.out);
}

#[test]
fn every_line_of_a_run_names_the_run_and_its_trigger() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, WATCH);
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/list.txt", "192.0.2.0/24\n");
    let json = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let run = json(&serving.wait_for("\"event\":\"fired\""))["run"].clone();
    for event in ["started", "step", "call", "table"] {
        let line = json(&serving.wait_for(&format!("\"event\":\"{event}\"")));
        assert_eq!((&line["run"], line["trigger"].as_str()), (&run, Some("feed")), "{line}");
    }
    assert_eq!(json(&serving.wait_for("\"event\":\"ended\""))["run"], run);
    serving.end();
}

#[test]
fn files_that_wait_while_nobody_serves_are_not_lost() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, WATCH);
    for n in 0..5 {
        sandbox.write(&format!("inbox/{n}.txt"), &format!("198.51.{n}.0/24\n"));
    }
    let serving = Service::start(&sandbox);
    for _ in 0..5 {
        serving.wait_for("\"event\":\"ended\"");
    }
    assert_eq!(seg.lab.ip_group(16).len(), 5);
    serving.end();
}

#[test]
fn a_schedule_starts_runs_at_its_times() {
    let seg = Seg::ten();
    let schedule = "[schedules.often]\nplaybook = \"std/seg/bulk_ip_block\"\ncron = \"* * * * * *\"\n\
                    params = { target = \"seg\", group = 16, list = \"list.txt\" }\n";
    let sandbox = Sandbox::with_seg(&seg, schedule);
    sandbox.write("list.txt", "192.0.2.0/24\n");
    let serving = Service::start(&sandbox);
    serving.wait_for("\"event\":\"ended\"");
    serving.wait_for("\"event\":\"ended\"");
    serving.end();
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24"]);
    assert_eq!(seg.writes(), 1, "the second run had nothing to send");
}

#[test]
fn a_wrong_schedule_is_named_before_anything_is_served() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "[schedules.x]\nplaybook = \"p\"\ncron = \"0 0 30 2 *\"\n");
    sandbox.run(&["serve"]).code(2).err(&["[schedules.x]"]);
}

/// A playbook that changes something, waits, and changes something else.
const SLOW: &str = "let seg = target(\"seg\");\n\
    seg.ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }], remove: [] });\n\
    sleep(\"2s\");\n\
    seg.ip_group_delta(16, #{ add: [#{ ip_address_start: \"192.0.2.2\", cidr: 32, name: \"b\" }], remove: [] });\n";

const SLOW_WATCH: &str = "[watches.slow]\nplaybook = \"slow\"\npaths = [\"inbox/*.txt\"]\nready = \"rename\"\n";

fn slow(seg: &Seg) -> Sandbox {
    let sandbox = Sandbox::with_seg(seg, SLOW_WATCH);
    sandbox.write("playbooks/slow.rhai", SLOW);
    sandbox
}

/// Waits until the journal has the answer to the first change: a run killed before would ask what became of it.
fn until_first_change(sandbox: &Sandbox) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let shown = sandbox.run(&["runs", "show", "latest", "--format", "json"]);
        let run: serde_json::Value = serde_json::from_str(&shown.out).unwrap_or_default();
        let entries = run["run"]["entries"].as_array().cloned().unwrap_or_default();
        if entries.iter().any(|entry| entry["effect"] == "change" && entry["state"] == "done") {
            return;
        }
        assert!(Instant::now() < until, "no change is recorded:\n{}{}", shown.out, shown.err);
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_run_whose_service_was_killed_goes_on_with_the_next() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/a.txt", "a");
    until_first_change(&sandbox);
    serving.kill();
    let serving = Service::start(&sandbox);
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"succeeded\""), "{ended}");
    serving.end();
    assert_eq!(seg.writes(), 2, "each change once");
    let runs = sandbox.run(&["runs", "list", "--format", "json"]).code(0);
    assert_eq!(runs.out.matches("\"id\"").count(), 1, "one run: {}", runs.out);
    let explained = sandbox.run(&["triggers", "explain", "slow"]).code(0);
    assert!(explained.out.contains("due 1 = started 1 + merged 0 + skipped 0 + queued 0"), "{}", explained.out);
    assert!(!sandbox.path().join("inbox/a.txt").exists());
}

#[test]
fn a_run_that_a_person_goes_on_with_is_left_to_them_and_its_end_is_known() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/a.txt", "a");
    until_first_change(&sandbox);
    serving.kill();
    let mut resumed = sandbox.command(&["runs", "resume", "latest"]).spawn().unwrap();
    let state = || sandbox.run(&["runs", "list", "--outcome", "running"]).out;
    assert!(within(Duration::from_secs(10), || state().contains("slow").then_some(())).is_some(), "{}", state());
    let serving = Service::start(&sandbox);
    assert!(resumed.wait().unwrap().success());
    // Its file is put away as if the service had done it.
    let is_gone = || (!sandbox.path().join(".beadle/work").read_dir().unwrap().any(|_| true)).then_some(());
    assert!(within(Duration::from_secs(20), is_gone).is_some(), "the file is still in the work folder");
    assert_eq!(serving.end(), 0);
    assert_eq!(seg.writes(), 2, "each change once");
    let explained = sandbox.run(&["triggers", "explain", "slow"]).code(0);
    assert!(explained.out.contains("due 1 = started 1 + merged 0 + skipped 0 + queued 0"), "{}", explained.out);
    let runs = sandbox.run(&["runs", "list", "--format", "json"]).code(0);
    assert_eq!(runs.out.matches("\"id\"").count(), 1, "one run: {}", runs.out);
}

#[test]
fn a_service_that_is_told_to_end_twice_interrupts_its_runs_and_the_next_goes_on() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    sandbox.write("playbooks/slow.rhai", &SLOW.replace("2s", "3s"));
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/a.txt", "a");
    until_first_change(&sandbox);
    serving.signal("TERM");
    serving.wait_for("\"event\":\"ending\"");
    serving.signal("TERM");
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"interrupted\""), "{ended}");
    assert_eq!(serving.end(), 0);
    assert_eq!(seg.writes(), 1);
    let serving = Service::start(&sandbox);
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"succeeded\""), "{ended}");
    serving.end();
    assert_eq!(seg.writes(), 2, "each change once");
}

#[test]
fn a_service_that_is_told_to_end_lets_runs_end_by_themselves() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    let serving = Service::start(&sandbox);
    sandbox.write("inbox/a.txt", "a");
    until_first_change(&sandbox);
    serving.signal("TERM");
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"succeeded\""), "{ended}");
    assert_eq!(serving.end(), 0);
    assert_eq!(seg.writes(), 2);
}

#[test]
fn a_state_folder_has_one_service() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    let serving = Service::start(&sandbox);
    let id = serving.id();
    sandbox.run(&["serve"]).code(2).err(&["already serves the state folder", &format!("process {id}")]);
    serving.kill();
    Service::start(&sandbox).end();
}

#[test]
fn a_changed_configuration_is_followed_and_a_bad_one_is_not() {
    let seg = Seg::ten();
    let sandbox = slow(&seg);
    sandbox.write("playbooks/slow.rhai", "print(\"once\");\n");
    sandbox.write("playbooks/other.rhai", "print(\"other\");\n");
    let serving = Service::start(&sandbox);
    let good = sandbox.read("beadle.toml");
    sandbox.write("beadle.toml", &format!("{good}\n[schedules.x]\nplaybook = \"missing\"\ncron = \"* * * * * *\"\n"));
    let problem = serving.wait_for("the last good one stays");
    assert!(problem.contains("\"event\":\"problem\"") && problem.contains("missing"), "{problem}");
    sandbox.write("inbox/a.txt", "a");
    serving.wait_for("\"event\":\"ended\"");
    sandbox.write("beadle.toml", &format!("{good}\n[schedules.x]\nplaybook = \"other\"\ncron = \"* * * * * *\"\n"));
    let reloaded = serving.wait_for("\"event\":\"reloaded\"");
    assert!(reloaded.contains("+ schedules.x"), "{reloaded}");
    serving.wait_for("\"other\"");
    serving.signal("HUP");
    serving.wait_for("\"event\":\"reloaded\"");
    assert_eq!(serving.end(), 0);
}
