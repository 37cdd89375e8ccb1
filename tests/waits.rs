//! Long waits of playbooks that playbooks run: no process waits with them, and the run goes on in the depth.

use std::time::Duration;

use serde_json::Value as Json;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::service::{Service, send, watch, within};

/// Adds an address to group 16.
fn add(address: &str) -> String {
    let name = address.replace('.', "-");
    format!(
        "target(\"seg\").ip_group_delta(16, #{{ add: [#{{ ip_address_start: \"{address}\", cidr: 32, name: \"{name}\" }}] }});\n"
    )
}

/// A project whose runs wait longer than is long from one second on. `inner` changes something before and after.
fn project(seg: &Seg, length: &str, outer: &str) -> Sandbox {
    let mut sandbox = Sandbox::with_seg(seg, &watch("outer"));
    sandbox.env("BEADLE_TEST_LONG_WAIT", "1s");
    let inner =
        format!("{}print(\"inner waits\");\nsleep(\"{length}\");\n{}\"in\"", add("192.0.2.1"), add("192.0.2.2"));
    sandbox.write("playbooks/inner.rhai", &inner);
    sandbox.write("playbooks/outer.rhai", outer);
    sandbox
}

/// Three playbooks deep, with a change after each.
fn deep(seg: &Seg, length: &str) -> Sandbox {
    let outer = format!("let got = run_playbook(\"middle\", #{{}});\n{}`${{got}} out`", add("192.0.2.4"));
    let sandbox = project(seg, length, &outer);
    sandbox
        .write("playbooks/middle.rhai", &format!("let got = run_playbook(\"inner\", #{{}});\n{}got", add("192.0.2.3")));
    sandbox
}

/// The outermost run, with those within it.
fn latest(sandbox: &Sandbox) -> Json {
    let exported = sandbox.run(&["runs", "export", "latest"]).code(0).out;
    serde_json::from_str::<Json>(&exported).unwrap()["run"].take()
}

fn state(sandbox: &Sandbox) -> String {
    let listed: Json = serde_json::from_str(&sandbox.run(&["runs", "list", "--format", "json"]).code(0).out).unwrap();
    listed[0]["outcome"].as_str().unwrap_or_default().to_owned()
}

#[track_caller]
fn until(what: &str, look: impl Fn() -> bool) {
    assert!(within(Duration::from_secs(30), || look().then_some(())).is_some(), "{what} never came");
}

fn until_waiting(sandbox: &Sandbox, service: &Service) {
    service.fire(sandbox, "outer");
    service.wait_for("inner waits");
    until("the wait", || state(sandbox) == "waiting");
    assert!(service.interpreters().is_empty(), "no process waits with it");
}

#[test]
fn a_wait_in_the_depth_ends_every_process_of_its_run() {
    let seg = Seg::ten();
    let sandbox = deep(&seg, "12s");
    let service = Service::start(&sandbox);
    until_waiting(&sandbox, &service);
    let end = service.ended();
    assert_eq!((&end["outcome"], &end["value"]), (&"succeeded".into(), &"in out".into()), "{end}");
    assert_eq!(seg.lab.ip_group(16).len(), 4);
    assert_eq!(seg.writes(), 4, "each change was made once");
    let mut run = latest(&sandbox);
    for name in ["outer", "middle", "inner"] {
        assert_eq!((&run["playbook"], &run["outcome"]), (&name.into(), &"succeeded".into()), "{run}");
        assert_eq!(run["resumed"], 0, "a wait is no interruption");
        let within = run["children"].get_mut(0).map(Json::take);
        run = within.unwrap_or_default();
    }
    sandbox.run(&["runs", "verify"]).code(0);
    service.end();
}

#[test]
fn a_wait_in_the_depth_outlasts_the_service() {
    let seg = Seg::ten();
    let sandbox = deep(&seg, "20s");
    let service = Service::start(&sandbox);
    until_waiting(&sandbox, &service);
    service.kill();
    assert_eq!(state(&sandbox), "waiting");
    let service = Service::start(&sandbox);
    let end = service.ended();
    assert_eq!(end["value"], "in out", "{end}");
    assert_eq!(seg.writes(), 4, "each change was made once");
    assert_eq!(service.end(), 0);
}

/// A run that is busy in one branch, while a playbook waits in the other.
const BUSY: &str = "let got = parallel([1, 2], |n| if n == 1 { run_playbook(\"inner\", #{}) } else {\n\
    let looks = 0; wait_until(#{ every: \"200ms\", timeout: \"120s\" }, || { looks += 1; looks == 75 }); looks });\n\
    print(`got ${got}`); got[0]";

#[test]
fn a_playbook_that_waits_lets_its_process_go_while_the_run_around_it_is_busy() {
    let seg = Seg::ten();
    let sandbox = project(&seg, "10s", BUSY);
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "outer");
    service.wait_for("inner waits");
    until("the end of one process", || service.interpreters().len() == 1);
    assert_eq!(state(&sandbox), "running");
    let child = latest(&sandbox)["children"][0]["id"].as_str().unwrap().to_owned();
    until("its wait", || sandbox.run(&["runs", "show", &child]).out.contains("waiting until 20"));
    // It comes back, and the run has gone on meanwhile.
    until("the second process", || service.interpreters().len() == 2 || seg.writes() == 2);
    let end = service.ended();
    assert_eq!((&end["outcome"], &end["value"]), (&"succeeded".into(), &"in".into()), "{end}");
    assert_eq!(seg.writes(), 2, "each change was made once");
    sandbox.run(&["runs", "verify"]).code(0);
    // Cancelled while it waits alone.
    seg.lab.empty_ip_group(16);
    sandbox.write("playbooks/outer.rhai", &BUSY.replace("75", "500"));
    service.fire(&sandbox, "outer");
    service.wait_for("inner waits");
    until("the end of one process", || service.interpreters().len() == 1);
    sandbox.run(&["runs", "cancel", "latest"]).code(0).err(&["cancelled"]);
    assert_eq!(service.ended()["outcome"], "cancelled");
    let run = latest(&sandbox);
    assert_eq!(run["children"][0]["outcome"], "cancelled", "{run}");
    assert_eq!(service.end(), 0);
}

#[test]
fn a_wait_counts_as_time_of_the_run_even_where_nobody_served_meanwhile() {
    let seg = Seg::ten();
    let sandbox = deep(&seg, "20s");
    let config = sandbox.read("beadle.toml").replace("settle = ", "timeout = \"15s\"\nsettle = ");
    sandbox.write("beadle.toml", &config);
    let service = Service::start(&sandbox);
    until_waiting(&sandbox, &service);
    assert_eq!(service.end(), 0);
    std::thread::sleep(Duration::from_secs(20));
    let service = Service::start(&sandbox);
    let end = service.ended();
    assert_eq!(end["outcome"], "timed-out", "{end}");
    assert_eq!(seg.writes(), 1, "nothing was changed after its time");
    assert_eq!(service.end(), 0);
}

#[test]
fn a_hung_playbook_that_is_out_of_time_says_so_and_so_does_the_run_around_it() {
    let seg = Seg::ten();
    let sandbox = project(&seg, "1ms", "print(\"outer\");\nrun_playbook(\"inner\", #{})");
    sandbox.write("playbooks/inner.rhai", "print(\"inner\");\nloop { }");
    let config = sandbox.read("beadle.toml").replace("settle = ", "timeout = \"3s\"\nsettle = ");
    sandbox.write("beadle.toml", &config);
    let service = Service::start(&sandbox);
    service.fire(&sandbox, "outer");
    service.wait_for("\"outer\"");
    let outer = service.interpreter();
    service.wait_for("\"inner\"");
    let others = || service.interpreters().into_iter().find(|process| *process != outer);
    send("STOP", within(Duration::from_secs(10), others).unwrap());
    let end = service.ended();
    assert_eq!(end["outcome"], "timed-out", "{end}");
    let message = end["error"]["message"].as_str().unwrap();
    assert_eq!(message, "the run's time is up; its interpreter did not answer any more, and was killed");
    let run = latest(&sandbox);
    assert_eq!(run["children"][0]["outcome"], "timed-out", "{run}");
    assert!(service.interpreters().is_empty());
    assert_eq!(service.end(), 0);
}
