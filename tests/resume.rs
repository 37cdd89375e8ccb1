//! The journal: what a run has done is not done again, whatever ends its process.

use crate::support::lab::Seg;
use crate::support::{Ran, Sandbox};

/// One entry a request, on the main line and in a `parallel`, with a read between.
const SCRIPT: &str = r#"
let seg = target("seg");
fn add(seg, last) {
    try {
        seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${last}`, cidr: 32, name: `n${last}` }] });
    } catch (e) {
        // A delta is refused as a whole when the first sending went through.
        if e.kind != "conflict" || e.details.get("resent") != true { throw; }
    }
}
for last in 1..4 { add(seg, last); }
print(`groups ${seg.groups().len()}`);
parallel([11, 12, 13, 14], #{ limit: 2 }, |last| { seg.groups(); add(seg, last) });
add(seg, 21);
print("done");
"#;

const ADDRESSES: [&str; 8] = [
    "192.0.2.1/32",
    "192.0.2.2/32",
    "192.0.2.3/32",
    "192.0.2.11/32",
    "192.0.2.12/32",
    "192.0.2.13/32",
    "192.0.2.14/32",
    "192.0.2.21/32",
];

fn applied(seg: &Seg) -> u64 {
    seg.lab.counts().2
}

/// Resumes until the run has ended by itself.
fn resume(sandbox: &Sandbox) -> Ran {
    sandbox.run(&["runs", "resume", "latest"])
}

#[test]
fn a_run_killed_at_any_boundary_goes_on_and_makes_every_change_once() {
    let points = ["intending", "intended", "answered", "recording", "recorded"];
    for point in points {
        for nth in [1, 2, 4, 6, 9, 14] {
            let seg = Seg::ten();
            let mut sandbox = Sandbox::with_seg(&seg, "");
            sandbox.env("BEADLE_FAIL_POINT", &format!("{point}:{nth}"));
            let killed = sandbox.script(SCRIPT, &[]);
            sandbox.env("BEADLE_FAIL_POINT", "");
            if killed.code == 0 {
                assert_eq!(seg.lab.ip_group(15), ADDRESSES, "{point}:{nth} was not reached");
                continue;
            }
            if killed.err.is_empty() && seg.lab.requests().is_empty() {
                // It may have ended before anything was known of it.
                let listed = sandbox.run(&["runs", "resume", "latest"]);
                assert!(listed.code == 0 || listed.err.contains("no run yet"), "{}", listed.err);
                continue;
            }
            resume(&sandbox).code(0).out(&["done"]);
            assert_eq!(seg.lab.ip_group(15), ADDRESSES, "{point}:{nth}");
            assert_eq!(applied(&seg), 8, "{point}:{nth}: every change took effect once");
            seg.is_content();
        }
    }
}

#[test]
fn a_succeeded_run_is_not_resumed() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("print(1)", &[]).code(0);
    resume(&sandbox).code(2).err(&["has succeeded"]);
}

#[test]
fn a_resume_redoes_the_failed_call_and_no_other() {
    let seg = Seg::faulty(&["every=3:500@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = "let seg = target(\"seg\");\nfor last in 1..5 { seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${last}`, cidr: 32, name: `n${last}` }] }); print(last); }";
    sandbox.script(script, &[]).code(1);
    seg.fail(&[]);
    let ran = resume(&sandbox).code(0).out(&["3", "4"]);
    assert!(!ran.out.contains("2\n"), "what was shown is not shown again: {}", ran.out);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32", "192.0.2.4/32"]);
    assert_eq!(seg.writes(), 5, "four deltas, and the one that failed");
}

#[test]
fn an_edited_script_does_not_concern_an_older_run() {
    let seg = Seg::faulty(&["every=2:500@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("lib.rhai", "fn names() { [\"a\", \"b\"] }");
    let script = "import \"lib\" as lib;\nlet seg = target(\"seg\");\nlet n = 0;\nfor name in lib::names() { n += 1; seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${n}`, cidr: 32, name: name }] }); }";
    sandbox.script(script, &[]).code(1);
    sandbox.write("script.rhai", "this is no script");
    sandbox.write("lib.rhai", "nor is this");
    seg.fail(&[]);
    resume(&sandbox).code(0);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32", "192.0.2.2/32"]);
}

#[test]
fn a_replay_sends_nothing_and_shows_the_same() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let first = sandbox.script(SCRIPT, &[]).code(0);
    let before = seg.lab.requests().len();
    let again = sandbox.run(&["runs", "replay"]).code(0);
    assert_eq!(again.out, first.out);
    assert_eq!(seg.lab.requests().len(), before, "a replay is offline");
}

#[test]
fn a_refused_resend_counts_as_made_where_a_person_says_so() {
    let seg = Seg::faulty(&["lost=1@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let add = |address: &str| {
        let entry =
            format!("#{{ ip_address_start: \"{address}\", cidr: 32, name: \"{}\" }}", address.replace('.', " "));
        format!("target(\"seg\").ip_group_delta(15, #{{ add: [{entry}] }});")
    };
    sandbox.script(&format!("{}{}", add("192.0.2.1"), add("192.0.2.2")), &[]).code(1);
    sandbox.run(&["runs", "resume", "--assume", "not-applied"]).code(1).err(&["Member to add exists"]);
    sandbox.run(&["runs", "resume", "--assume", "applied"]).code(0);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32", "192.0.2.2/32"]);
}

#[test]
fn a_refused_resend_that_ended_the_run_stays_a_resend() {
    let seg = Seg::faulty(&["lost=1@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let add =
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"x\" }] })";
    sandbox.script(&format!("{add};"), &[]).code(1).err(&[
        "the first may have done it",
        "look whether the first one did it",
        "--assume applied",
    ]);
    sandbox.run(&["runs", "show"]).code(0).err(&["--assume applied"]);
    resume(&sandbox).code(1);
    // Whoever mends the script is told that the first sending may have gone through.
    sandbox.write("mended.rhai", &format!("try {{ {add}; }} catch (e) {{ print(`resent: ${{e.details.resent}}`); }}"));
    sandbox.run(&["runs", "resume", "latest", "--script", "mended.rhai"]).code(0).out(&["resent: true"]);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32"]);
}
