//! `beadle test`: what it finds, what each test has, and what it tells.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::lab::Seg;
use crate::support::{Ran, Sandbox};

/// A playbook that asks for the groups of a gateway.
const GROUPS: &str = "//! Counts the groups.\n//!\n//! ```toml\n//! [params]\n//! target = { type = \"target\", \
                      vendor = \"seg\" }\n//! ```\nlet seg = target(params.target);\nprint(\"asking\");\nseg.groups().len()\n";

/// A test that the playbook passes.
const GOOD: &str = "fn test_groups_are_counted() {\n    let seg = lab(\"seg\");\n    let ran = run(\"groups\", #{ target: \
                    seg });\n    assert_eq(ran.outcome, \"succeeded\");\n    assert_eq(ran.value, 2);\n    \
                    assert_eq(ran.out, \"asking\\n\");\n}\n";

fn project(tests: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox.write("playbooks/groups.rhai", GROUPS);
    sandbox.write("tests/groups.test.rhai", tests);
    sandbox
}

/// A test of this body.
fn body(text: &str) -> Ran {
    project(&format!("fn test_it() {{\n    {text}\n}}\n")).run(&["test"])
}

#[test]
fn a_projects_tests_are_found_run_and_counted() {
    let sandbox = project(GOOD);
    sandbox.write("playbooks/more.test.rhai", "fn test_nothing() {}\nfn helper() {}\n");
    sandbox
        .run(&["test"])
        .code(0)
        .err(&["2 tests: 2 passed, 0 failed"])
        .out(&["tests/groups.test.rhai::test_groups_are_counted", "playbooks/more.test.rhai::test_nothing"]);
    sandbox.run(&["test", "--filter", "counted"]).code(0).err(&["1 test: 1 passed"]);
    sandbox.run(&["test", "tests", "tests/groups.test.rhai"]).code(0).err(&["1 test: 1 passed"]);
    sandbox.run(&["test", "playbooks/more.test.rhai", "--jobs", "1"]).code(0).err(&["1 test: 1 passed"]);
    sandbox.run(&["test", "--filter", "nothing of that name"]).code(2).err(&["no test has"]);
    // Tests are no playbooks.
    let listed = sandbox.run(&["playbooks", "list"]).code(0).out(&["groups"]);
    assert!(!listed.out.contains("test"), "{}", listed.out);
    sandbox.run(&["check"]).code(0).err(&["2 files checked"]);
}

#[test]
fn a_failed_test_ends_with_1_and_shows_its_line() {
    let sandbox = project(
        "fn test_wrong() {\n    print(\"before\");\n    assert_eq(#{ a: 1 }, #{ a: 2 });\n}\nfn test_right() {}\n",
    );
    sandbox.run(&["test"]).code(1).err(&["2 tests: 1 passed, 1 failed"]).out(&[
        "FAIL",
        "tests/groups.test.rhai:3:5",
        "a: {\"a\":1}",
        "b: {\"a\":2}",
        "the test showed:\n    before",
    ]);
    let ran = sandbox.run(&["test", "--format", "json", "--junit", "out.xml"]).code(1);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&1.into(), &1.into()));
    let wrong = &json["tests"][0];
    assert_eq!(
        (&wrong["test"], &wrong["outcome"], &wrong["line"]),
        (&"test_wrong".into(), &"failed".into(), &1.into())
    );
    let xml = sandbox.read("out.xml");
    assert!(xml.contains("tests=\"2\" failures=\"1\"") && xml.contains("<testcase name=\"test_right\""), "{xml}");
}

#[test]
fn every_expectation_can_fail() {
    for (text, said) in [
        ("assert(1 > 2, \"one is less\");", "one is less"),
        ("assert_eq(1, \"1\");", "the two are not equal"),
        ("assert_throws(|| 1);", "nothing was thrown"),
        ("resume();", "there is no run yet"),
        ("undo();", "there is no run yet"),
        ("run(\"groups\", #{ target: lab(\"seg\") }, #{ kill_after: 1 });", "before it was killed after 1"),
        ("run(\"groups\", #{ target: lab(\"seg\") }, #{ kill_after: 0 });", "a number from 1"),
        ("run(\"groups\", #{ target: lab(\"seg\") }); resume();", "has succeeded"),
        ("run(\"groups\", #{ target: lab(\"seg\") }); resume(#{ assume: \"no\" });", "not-applied"),
        ("faults(lab(\"seg\"), [\"lst=1\"]);", "there is none of that name"),
        ("snapshot(\"plan\", 1);", "there is no snapshot 'plan' yet"),
        ("lab(\"sge\");", "Did you mean 'seg'?"),
        ("lab(\"seg\", #{ fault: [] });", "Did you mean 'faults'?"),
        ("lab(\"seg\", #{ faults: [\"lst=1\"] });", "there is none of that name"),
        ("lab(\"seg\", #{ ip_groups: #{ \"99\": [\"192.0.2.7\"] } });", "IP group 99"),
        ("state(\"seg\");", "no lab of this test"),
        ("run(\"nothing_of_that_name\", #{});", "there is no playbook"),
        ("run(\"groups\", #{ target: \"seg\" });", "there is no target 'seg'"),
        ("plan(\"groups\", #{ target: lab(\"seg\", #{ faults: [\"every=1:500\"] }) });", "no plan"),
        ("file(\"../x\", \"\");", "stays below its folder"),
        ("settings(\"[nevr]\");", "nevr"),
        ("write_file(\"x\", \"\");", "a test does nothing by itself"),
        ("asert(true, \"\");", "there is no function"),
        ("undefined;", "there is no variable 'undefined'"),
    ] {
        let ran = body(text).code(1);
        assert!(ran.out.contains(said), "{text}\nlacks '{said}':\n{}", ran.out);
    }
    body("assert_eq(assert_throws(|| throw #{ kind: \"x\" }).kind, \"x\"); assert_throws(|| 1 / 0);").code(0);
}

#[test]
fn a_file_without_tests_is_a_failure_and_a_place_without_files_a_mistake() {
    project("let x = 1;").run(&["test"]).code(1).out(&["has no tests"]);
    project("fn test_it(x) {}").run(&["test"]).code(1).out(&["a test takes no arguments"]);
    project("fn test_it( {").run(&["test"]).code(1).out(&["tests/groups.test.rhai"]);
    let sandbox = Sandbox::new();
    sandbox.run(&["test"]).code(2).err(&["there are no tests"]);
    sandbox.run(&["test", "nothing.test.rhai"]).code(2).err(&["nothing.test.rhai"]);
    sandbox.run(&["test", "std/nothing"]).code(2).err(&["there are no tests in std/nothing"]);
}

#[test]
fn each_test_has_a_lab_a_state_and_a_clock_of_its_own() {
    let sandbox = project(
        "fn block() {\n    let seg = lab(\"seg\");\n    run(\"std/seg/bulk_ip_block\", #{ target: seg, group: 16, list: \
         file(\"l.txt\", \"192.0.2.0/24\") })\n}\n\
         fn test_first() { assert_eq(block().value.added, 1); assert_eq(`${now()}`, \"2026-01-01T00:00:00Z\"); }\n\
         fn test_second() { assert_eq(block().value.added, 1); assert_eq(lab(\"seg\"), \"seg-2\"); }\n\
         fn test_run_has_it() { assert_eq(run(\"clock\", #{}).value, date(\"2026-01-01\")); }\n",
    );
    sandbox.write("playbooks/clock.rhai", "now()");
    sandbox.run(&["test"]).code(0).err(&["3 passed"]);
    assert!(!sandbox.path().join(".beadle").exists(), "tests keep no state in the project");
}

#[test]
fn snapshots_stand_beside_the_test_and_update_keeps_them() {
    let sandbox = project("fn test_it() { snapshot(\"value\", #{ n: 1 }); }");
    sandbox.run(&["test"]).code(1).out(&["--update"]);
    sandbox.run(&["test", "--update"]).code(0);
    assert_eq!(sandbox.read("tests/groups.test.snapshots/test_it.value.json"), "{\n  \"n\": 1\n}\n");
    sandbox.run(&["test"]).code(0);
    sandbox.write("tests/groups.test.rhai", "fn test_it() { snapshot(\"value\", #{ n: 2 }); }");
    sandbox.run(&["test"]).code(1).out(&["-   \"n\": 1", "+   \"n\": 2"]);
}

#[test]
fn every_vendor_has_a_lab_and_shows_what_it_holds() {
    body(
        "for vendor in [\"seg\", \"asyncos\", \"sps\", \"spectra\"] {\n        let name = lab(vendor);\n        \
         assert(state(name).len() > 1, vendor);\n        assert_eq(requests(name), []);\n    }\n    \
         assert_eq(state(\"spectra-worker\").version, state(\"spectra\").version);\n    \
         assert_eq(lab(\"asyncos\", #{ product: \"sma\", name: \"reports\" }), \"reports\");",
    )
    .code(0);
}

#[test]
fn a_run_in_a_test_signs_in_at_every_vendor() {
    let sandbox = project(
        "fn test_it() {\n    let names = #{};\n    for vendor in [\"seg\", \"asyncos\", \"sps\", \"spectra\"] { names[vendor] = \
         lab(vendor); }\n    let ran = run(\"all\", #{});\n    assert_eq(ran.error, ());\n    for name in names.values() { \
         assert(!requests(name).is_empty(), name); }\n}\n",
    );
    sandbox.write(
        "playbooks/all.rhai",
        "target(\"seg\").groups(); target(\"asyncos\").dictionaries(); target(\"sps\").info(); target(\"spectra\").users();",
    );
    sandbox.run(&["test"]).code(0);
}

#[test]
fn what_a_true_appliance_would_swallow_fails_the_test() {
    let sandbox =
        project("fn test_it() { assert_eq(run(\"dots\", #{ target: lab(\"seg\") }).outcome, \"succeeded\"); }");
    sandbox.write(
        "playbooks/dots.rhai",
        "//! ```toml\n//! [params]\n//! target = { type = \"target\" }\n//! ```\n\
         target(params.target).request(\"PATCH\", \"/ipgroups/15/delta/\", #{ body: #{ add: [#{ ipAddressStart: \
         \"192.0.2.1\", cidr: 32, name: \"a.b\" }], remove: [] } });",
    );
    sandbox.run(&["test"]).code(1).out(&["the lab complains", "'a.b'"]);
}

#[test]
fn a_test_allows_what_the_command_line_would_have_to_allow() {
    let sandbox = project(
        "fn restore(seg, options) { run(\"restore\", #{ target: seg }, options).outcome }\n\
         fn test_it() {\n    let seg = lab(\"seg\");\n    assert_eq(restore(seg, #{}), \"refused\");\n    \
         assert_eq(restore(seg, #{ allow: \"destroy\" }), \"refused\");\n    assert(!requests(seg).some(|seen| \
         seen.write), \"nothing was sent\");\n    assert_eq(restore(seg, #{ allow: \"destroy\", yes: true }), \
         \"succeeded\");\n    assert_eq(requests(seg).filter(|seen| seen.write).len(), 1);\n}\n",
    );
    sandbox.write(
        "playbooks/restore.rhai",
        "//! ```toml\n//! [params]\n//! target = { type = \"target\", vendor = \"seg\" }\n//! [policy]\n//! effects = \
         [\"read\", \"change\", \"destroy\"]\n//! ```\n\
         target(params.target).config_backup_restore(#{ name: \"auto-20210520-0200.zip\" });",
    );
    sandbox.run(&["test"]).code(0);
}

#[test]
fn a_test_kills_a_run_resumes_it_and_takes_it_back() {
    let sandbox = project(
        "fn test_it() {\n    let seg = lab(\"seg\");\n    let ran = run(\"three\", #{ target: seg }, #{ kill_after: 2 });\n    \
         assert_eq(ran.outcome, \"interrupted\");\n    assert_eq(ran.value, ());\n    \
         assert_eq(state(seg).ip_groups[\"16\"].len(), 2);\n    let ended = resume(#{ assume: \"applied\" });\n    \
         assert_eq(ended.outcome, \"succeeded\");\n    assert_eq(ended.value, 3);\n    \
         assert_eq(state(seg).ip_groups[\"16\"].len(), 3);\n    \
         assert_eq(undo().outcome, \"succeeded\");\n    assert_eq(state(seg).ip_groups[\"16\"], []);\n}\n\
         fn test_faults_can_change() {\n    let seg = lab(\"seg\");\n    faults(seg, [\"every=1:500@/ipgroups\"]);\n    let \
         ran = run(\"three\", #{ target: seg });\n    assert_eq(ran.failed, [\"block\"]);\n    faults(seg, []);\n    \
         assert_eq(resume().value, 3);\n}\n",
    );
    sandbox.write(
        "playbooks/three.rhai",
        "//! ```toml\n//! [params]\n//! target = { type = \"target\", vendor = \"seg\" }\n//! ```\n\
         let seg = target(params.target);\nlet done = 0;\nstep(\"block\", || {\n    for n in 1..4 {\n        \
         seg.ip_group_delta(16, #{ add: [#{ ip_address_start: `192.0.2.${n}`, cidr: 32, name: `entry ${n}` }], remove: [] \
         });\n        done += 1;\n    }\n});\ndone\n",
    );
    sandbox.run(&["test"]).code(0);
}

#[test]
fn an_export_of_a_run_is_replayed_through_the_script_of_today() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let playbook = |group: &str| {
        format!(
            "//! X.\n//!\n//! ```toml\n//! [params]\n//! target = {{ type = \"target\" }}\n//! list = {{ type = \"path\" }}\n//! ```\n\
             let seg = target(params.target);\nlet lines = read_lines(params.list);\nstep(\"add\", || {{\n    for line in lines {{ \
             seg.group_member_add({group}, #{{ member_type: 1, member_data: line }}); }}\n}});\n#{{ members: \
             seg.group_members({group}).len(), at: now() }}"
        )
    };
    sandbox.write("playbooks/add.rhai", &playbook("3"));
    sandbox.write("list.txt", "a@example.net\nb@example.net\n");
    sandbox.run(&["run", "add", "target=seg", "list=list.txt"]).code(0);
    sandbox.run(&["runs", "export", "latest", "-o", "run.json"]).code(0);
    let (reads, writes) = (seg.lab.requests().len(), seg.writes());
    sandbox.run(&["test", "--from", "run.json"]).code(0).err(&["1 test: 1 passed"]);
    // What differs is a failed test that names the entry.
    sandbox.write("playbooks/add.rhai", &playbook("4"));
    let ran = sandbox.run(&["test", "--from", "run.json"]).code(1);
    assert!(
        ran.out.contains("entry 4 was 'seg group_member_add'") && ran.out.contains("was 3, and now it is 4"),
        "{}",
        ran.out
    );
    sandbox.write("playbooks/add.rhai", &playbook("3").replace("seg.group_members(3).len()", "lines.len()"));
    sandbox.run(&["test", "--from", "run.json"]).code(1).out(&["entry 6"]);
    sandbox.write("playbooks/add.rhai", &playbook("3").replace(".len(), at", ".len() + 1, at"));
    sandbox.run(&["test", "--from", "run.json"]).code(1).out(&["the value was"]);
    sandbox.write("playbooks/add.rhai", &playbook("3"));
    sandbox.write("list.txt", "c@example.net\n");
    sandbox.run(&["test", "--from", "run.json"]).code(1).out(&["list.txt is not what the run read"]);
    sandbox.write("run.json", "{}");
    sandbox.run(&["test", "--from", "run.json"]).code(2).err(&["is no export of a run"]);
    assert_eq!((seg.lab.requests().len(), seg.writes()), (reads, writes), "nothing is sent");
}

#[test]
fn ctrl_c_ends_the_tests() {
    let sandbox = project("fn test_a() {}\nfn test_b() { loop {} }\nfn test_c() {}\n");
    let mut child = sandbox.command(&["test", "--jobs", "1"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().ends_with("::test_a"));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!lines.any(|line| line.unwrap().contains("test_c")), "what had not begun does not begin");
}

#[test]
fn the_functions_of_tests_are_not_there_in_a_run() {
    let sandbox = Sandbox::new();
    for call in ["lab(\"seg\")", "run(\"x\", #{})", "assert(true, \"\")", "state(\"seg\")", "snapshot(\"x\", 1)"] {
        sandbox.script(call, &[]).code(1).err(&["there is no function"]);
    }
}

#[test]
fn what_the_runs_of_tests_reach_is_counted() {
    let sandbox = project(GOOD);
    sandbox.write(
        "playbooks/groups.rhai",
        &GROUPS.replace(
            "seg.groups().len()",
            "fn unused() { seg.version() }\nfn asked(seg) { seg.groups() }\nasked(seg).len()",
        ),
    );
    sandbox.write(
        "playbooks/groups.rhai",
        &sandbox.read("playbooks/groups.rhai").replace("fn unused()", "fn unused(seg)"),
    );
    sandbox.run(&["test"]).code(0).err(&["the runs reached 1 of 2 functions and 1 of 2 calls of 1 script"]);
    let ran = sandbox.run(&["test", "--format", "json"]).code(0);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["reached"]["functions"]["missing"][0], "groups::unused");
    assert_eq!(report["reached"]["calls"]["missing"][0], "seg.version");
    assert_eq!(report["playbooks"]["groups"]["failed_steps"].as_array().map(Vec::len), Some(0));
}

#[test]
fn tests_of_a_part_of_the_standard_library_can_be_chosen() {
    let sandbox = Sandbox::new();
    sandbox.run(&["test", "std/seg/bulk_ip_block", "--filter", "already"]).code(0).err(&["1 test: 1 passed"]);
}

#[test]
fn the_documents_example_passes() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/testing-playbooks.md")).unwrap();
    let blocks: Vec<&str> =
        text.split("```rhai\n").skip(1).filter_map(|rest| rest.split_once("\n```\n")).map(|(block, _)| block).collect();
    assert_eq!(blocks.len(), 2, "a playbook and its tests");
    let sandbox = Sandbox::new();
    sandbox.write("playbooks/block_sender.rhai", blocks[0]);
    sandbox.write("playbooks/block_sender.test.rhai", blocks[1]);
    sandbox.run(&["check", "--strict", "playbooks/block_sender.rhai"]).code(0);
    let ran = sandbox.run(&["test"]).code(0);
    assert!(
        text.contains("2 tests: 2 passed, 0 failed") && ran.err.contains("2 tests: 2 passed, 0 failed"),
        "{}",
        ran.err
    );
}

#[test]
fn nothing_but_a_test_run_takes_a_file_of_tests() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox.write("playbooks/one.rhai", "print(1);");
    sandbox.write("playbooks/one.test.rhai", "fn test_one() { assert_eq(run(\"one\", #{}).outcome, \"succeeded\"); }");
    sandbox.run(&["test"]).code(0);
    sandbox.run(&["check"]).code(0);
    for command in ["run", "check", "plan"] {
        let hint = "`beadle test playbooks/one.test.rhai` runs them";
        sandbox.run(&[command, "playbooks/one.test.rhai"]).code(2).err(&[hint]);
    }
}
