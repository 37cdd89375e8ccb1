//! Runs that the service takes back: their scripts are replayed by processes of their own, and whatever such a
//! script does then harms its own undo at most.

use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::service::{Service, send, watch, within};

const HEADER: &str = "//! Adds and fails.\n//!\n//! ```toml\n//! [policy]\n//! effects = [\"read\", \"change\"]\n//! on_failure = \"undo\"\n//! ```\n\
    let s = target(\"seg\");\nlet number = 7;\n";

/// An address as a member of a group; names are unique, and have no dots.
fn entry(address: &str) -> String {
    format!("[#{{ ip_address_start: \"{address}\", cidr: 32, name: \"{}\" }}]", address.replace('.', "-"))
}

/// Adds an address to group 16.
fn add(address: &str) -> String {
    format!("s.ip_group_delta(16, #{{ add: {} }});\n", entry(address))
}

/// A step that adds an address, and is taken back by `undo`.
fn step(undo: &str, address: &str) -> String {
    format!("step(\"add {address}\", #{{ undo: || {{ {undo} }} }}, || {{ {} }});\n", add(address).trim_end())
}

/// Takes the address of a step out, and says so.
fn by_itself(address: &str) -> String {
    format!("print(`taking ${{number}} back`); s.ip_group_delta(16, #{{ remove: {} }});", entry(address))
}

/// A service with a playbook that ends as `script` says.
fn served(seg: &Seg, config: &str, script: &str) -> (Sandbox, Service) {
    let sandbox = Sandbox::with_seg(seg, &format!("{}{config}", watch("p")));
    sandbox.write("playbooks/p.rhai", &format!("{HEADER}{script}"));
    let service = Service::start(&sandbox);
    (sandbox, service)
}

/// What the service tells until the run has ended, its undo included.
fn told(service: &Service, outcome: &str) -> String {
    let mut told = String::new();
    loop {
        let line = service.wait_for("\"event\"");
        told.push_str(&line);
        told.push('\n');
        let json: Json = serde_json::from_str(&line).unwrap();
        if json["event"] == "ended" {
            assert_eq!(json["outcome"], outcome, "{told}");
            return told;
        }
    }
}

fn runs(sandbox: &Sandbox) -> Vec<Json> {
    serde_json::from_str(&sandbox.run(&["runs", "list", "--format", "json"]).code(0).out).unwrap()
}

#[test]
fn an_undo_comes_to_the_same_apart_and_at_the_terminal() {
    let in_branches = "parallel([\"192.0.2.3\", \"192.0.2.4\"], #{ limit: 1 }, |n| step(`branch ${n}`, #{ undo: || {\n\
        print(`out of a branch: ${n}`); store.set(n, \"gone\"); parallel([1, 2], #{ limit: 1 }, |m| store.set(`${n} ${m}`, m));\n\
        } }, || store.set(n, \"there\")));\n";
    let caught = "try { step(\"never done\", #{ undo: || print(\"never\") }, || fail(\"x\")); } catch (e) { }\n";
    let script = format!(
        "{}{}{in_branches}{caught}{}fail(\"no\");",
        step(&by_itself("192.0.2.1"), "192.0.2.1"),
        add("192.0.2.2"),
        step("fail(\"cannot\");", "192.0.2.5"),
    );
    let ends = [&*script, &*script.replace("fail(\"cannot\");", "print(\"can\");"), "fail(\"nothing made\");"];
    for script in ends {
        let [here, apart] = [false, true].map(|is_apart| {
            let seg = Seg::ten();
            let mut sandbox = Sandbox::with_seg(&seg, "");
            if is_apart {
                sandbox.env("BEADLE_TEST_APART", "1");
            }
            let ran = sandbox.script(&format!("{HEADER}{script}"), &[]).code(1);
            let undo = runs(&sandbox).into_iter().find(|run| run["mode"] == "undo");
            let journal = undo.map(|undo| {
                let shown = sandbox.run(&["runs", "export", undo["id"].as_str().unwrap()]).code(0).out;
                let mut shown: Json = serde_json::from_str(&shown).unwrap();
                let entries = shown["run"]["entries"].as_array_mut().unwrap();
                for entry in entries.iter_mut() {
                    for member in ["begun", "ended", "number"] {
                        entry.as_object_mut().unwrap().remove(member);
                    }
                }
                let ending = format!("{} {}", shown["run"]["outcome"], shown["run"]["value"]);
                (shown["run"]["entries"].take(), ending)
            });
            seg.is_content();
            (ran.out, journal, seg.lab.ip_group(16))
        });
        assert_eq!(here, apart, "{script}");
        let is_whole = script.contains("print(\"can\")");
        assert_eq!(here.0.contains("taking 7 back") && here.0.contains("out of a branch"), is_whole, "{}", here.0);
    }
}

#[test]
fn a_bomb_in_an_undo_function_ends_the_undo_and_harms_no_other_run() {
    let bombs = [
        ("let t = \"x\"; while t.len() < 30000000 { t += t; } t.split(\"\").len()", "SIGABRT"),
        ("let f = || 1; for n in 0..400000 { let g = f; f = || g; } 1", "SIGABRT"),
    ];
    let seg = Seg::ten();
    let config = format!("[limits]\nmemory = \"100MB\"\n{}", watch("good"));
    let (sandbox, service) = served(&seg, &config, "");
    // It lasts until the file is there.
    let good = "print(\"begun\"); wait_until(#{ every: \"100ms\" }, || try { read_file(\"go\") } catch { false })";
    sandbox.write("playbooks/good.rhai", good);
    for (bomb, how) in bombs {
        seg.lab.empty_ip_group(16);
        let script = format!("{HEADER}{}{}fail(\"no\");", step(bomb, "192.0.2.1"), add("192.0.2.2"));
        sandbox.write("playbooks/p.rhai", &script);
        service.fire(&sandbox, "good");
        service.wait_for("begun");
        service.fire(&sandbox, "p");
        let told_of = told(&service, "failed");
        assert!(told_of.contains("taking it back ended as interrupted") && told_of.contains(how), "{told_of}");
        // What came before the bomb is taken back, and the other run goes on.
        assert_eq!(seg.lab.ip_group(16), ["192.0.2.1/32"]);
        sandbox.write("go", "7");
        told(&service, "succeeded");
        std::fs::remove_file(sandbox.path().join("go")).unwrap();
    }
    let undone: Vec<Json> = runs(&sandbox).into_iter().filter(|run| run["mode"] == "undo").collect();
    assert_eq!(undone.iter().filter(|run| run["outcome"] == "interrupted").count(), bombs.len(), "{undone:?}");
    assert_eq!(service.end(), 0);
}

/// A run that adds three addresses and is out of time in a loop that never asks for anything.
fn endless() -> String {
    format!("{}{}loop {{ }}", step(&by_itself("192.0.2.1"), "192.0.2.1"), add("192.0.2.2"))
}

fn timed(script: &str, seg: &Seg) -> (Sandbox, Service) {
    let (sandbox, service) = served(seg, "", script);
    service.end();
    let config = sandbox.read("beadle.toml").replace("settle = ", "timeout = \"2s\"\nsettle = ");
    sandbox.write("beadle.toml", &config);
    let service = Service::start(&sandbox);
    (sandbox, service)
}

#[test]
fn a_run_that_was_out_of_time_in_an_endless_loop_is_taken_back_all_the_same() {
    let seg = Seg::ten();
    let (sandbox, service) = timed(&endless(), &seg);
    service.fire(&sandbox, "p");
    let told_of = told(&service, "timed-out");
    assert!(told_of.contains("taking 7 back") && told_of.contains("has taken it back"), "{told_of}");
    assert_eq!(seg.lab.ip_group(16), [""; 0]);
    assert!(service.interpreters().is_empty());
    assert_eq!(service.end(), 0);
}

#[test]
fn a_run_whose_replay_dies_or_hangs_is_taken_back_by_the_inverses_of_its_calls() {
    let seg = Seg::ten();
    let (sandbox, service) = timed(&endless(), &seg);
    for (signal, why) in [("KILL", "was killed"), ("STOP", "did not answer")] {
        service.fire(&sandbox, "p");
        service.wait_for("is taken back");
        send(signal, service.interpreter());
        let told_of = told(&service, "timed-out");
        assert!(told_of.contains("The inverses of its calls are used alone") && told_of.contains(why), "{told_of}");
        assert!(!told_of.contains("taking 7 back") && told_of.contains("has taken it back"), "{told_of}");
        assert_eq!(seg.lab.ip_group(16), [""; 0]);
        assert!(service.interpreters().is_empty());
    }
    assert_eq!(service.end(), 0);
}

#[test]
fn an_undo_function_that_never_ends_can_be_cancelled() {
    let seg = Seg::ten();
    let script = format!("{}fail(\"no\");", step("print(\"round and round\"); loop { }", "192.0.2.1"));
    let (sandbox, service) = served(&seg, "", &script);
    for hangs in [false, true] {
        seg.lab.empty_ip_group(16);
        service.fire(&sandbox, "p");
        service.wait_for("round and round");
        if hangs {
            send("STOP", service.interpreter());
        }
        let begun = Instant::now();
        let going = || runs(&sandbox).into_iter().find(|run| run["mode"] == "undo" && run["outcome"] == "running");
        let undo = within(Duration::from_secs(10), going).unwrap();
        sandbox.run(&["runs", "cancel", undo["id"].as_str().unwrap()]).code(0).err(&["cancelled"]);
        let told_of = told(&service, "failed");
        assert!(told_of.contains("taking it back ended as cancelled"), "{told_of}");
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    }
    assert_eq!(service.end(), 0);
}
