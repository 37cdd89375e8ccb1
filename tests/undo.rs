//! Taking a run back: what it left is compared first, and nothing else is touched.

use beadle::lab::{AsyncosOptions, SpectraOptions, SpsOptions};

use crate::support::lab::Seg;
use crate::support::vendors::{asyncos, content, spectra, sps};
use crate::support::{Ran, Sandbox};

fn undo(sandbox: &Sandbox, more: &[&str]) -> Ran {
    let id = latest(sandbox);
    sandbox.run(&[&["runs", "undo", id.as_str()], more].concat())
}

/// The id of the last run of `script.rhai` or a playbook: undos are runs, too.
fn latest(sandbox: &Sandbox) -> String {
    let state = beadle::state::State::open(&sandbox.path().join(".beadle")).unwrap();
    let look = "SELECT id FROM run WHERE mode IN ('live', 'apply') AND parent IS NULL ORDER BY started DESC LIMIT 1";
    state.with(|connection| connection.query_row(look, [], |row| row.get(0))).unwrap()
}

#[test]
fn a_bulk_block_is_taken_back_and_its_store_with_it() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("bad.txt", "192.0.2.0/24\n198.51.100.7\n");
    let block = ["run", "std/seg/bulk_ip_block", "target=seg", "group=16", "list=bad.txt", "chunk=1"];
    sandbox.run(&block).code(0);
    assert_eq!(seg.lab.ip_group(16).len(), 2);
    let writes = seg.writes();
    undo(&sandbox, &["--dry-run"]).code(0).out(&["ip_group_delta"]);
    assert_eq!(seg.writes(), writes, "a dry run of an undo sends no write");
    undo(&sandbox, &[]).code(0);
    assert_eq!(seg.lab.ip_group(16), [""; 0]);
    sandbox.run(&block).code(0).out(&["added", "2"]);
    assert_eq!(seg.lab.ip_group(16).len(), 2, "the store does not say that they are there");
    seg.is_content();
}

#[test]
fn what_others_have_changed_since_is_left_alone() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let set = |host: &str| format!("target(\"spectra\").config_ntp_set(#{{ enable: true, servers: \"{host}\" }})");
    let shows =
        |wanted: &str| sandbox.script("print(target(\"spectra\").config_ntp().servers)", &[]).code(0).out(&[wanted]);
    sandbox.script(&set("first.example.com"), &[]).code(0);
    sandbox.script(&set("mine.example.com"), &[]).code(0);
    let mine = latest(&sandbox);
    sandbox.script(&set("theirs.example.com"), &[]).code(0);
    let theirs = latest(&sandbox);
    let writes = lab.lab.counts().1;
    sandbox.run(&["runs", "undo", &mine]).code(0).out(&["others have changed it since"]);
    assert_eq!(lab.lab.counts().1, writes);
    sandbox.run(&["runs", "undo", &theirs]).code(0);
    shows("mine.example.com");
    // Now what the first run left is there again.
    sandbox.run(&["runs", "undo", &mine]).code(0);
    shows("first.example.com");
    content(&lab.lab.complaints());
}

#[test]
fn a_run_is_taken_back_once() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.script("target(\"spectra\").config_ntp_set(#{ enable: true, servers: \"mine.example.com\" })", &[]).code(0);
    let mine = latest(&sandbox);
    sandbox.run(&["runs", "undo", "--dry-run"]).code(0).out(&["config_ntp_set"]);
    let looked = sandbox.run(&["runs", "list", "--format", "json"]).code(0);
    let runs: serde_json::Value = serde_json::from_str(&looked.out).unwrap();
    let look = runs.as_array().and_then(|runs| runs.first()).and_then(|run| run["id"].as_str()).unwrap().to_owned();
    assert_ne!(look, mine);
    sandbox.run(&["runs", "undo", &look]).code(2).err(&["was a dry run: it changed nothing"]);
    sandbox.run(&["runs", "replay", &look]).code(2).err(&["takes another run back"]);
    // The latest run is the one that changed something.
    sandbox.run(&["runs", "undo"]).code(0);
    sandbox.run(&["runs", "undo"]).code(2).err(&["has been taken back already, by run"]);
    sandbox.run(&["runs", "undo", &mine]).code(2).err(&["has been taken back already, by run"]);
}

#[test]
fn a_transaction_is_taken_back_in_one() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\"); transaction(t, \"x\", || {\n\
        t.datetime_timezone_replace(\"Europe/Paris\");\n\
        t.management_email_update(|m| { m.sender_address = \"undo@example.com\"; m });\n});";
    let before = lab.lab.object("/configuration/management/email").unwrap();
    sandbox.script(script, &["--yes"]).code(0);
    let commits = lab.lab.commits();
    undo(&sandbox, &[]).code(0);
    assert_eq!(lab.lab.commits(), commits + 1);
    let after = lab.lab.object("/configuration/management/email").unwrap();
    assert_eq!(after["sender_address"], before["sender_address"]);
    assert_ne!(lab.lab.object("/configuration/datetime/timezone").unwrap(), "Europe/Paris");
    content(&lab.lab.complaints());
}

#[test]
fn what_was_created_is_deleted_last_completed_first() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "basic", "");
    let script = "let t = target(\"esa\");\nt.dictionary_create(\"undo\", #{ words: [[\"a\"]], ignorecase: 1, wholewords: 1 });\n\
        t.dictionary_words_add(\"undo\", #{ words: [[\"b\"]] });";
    sandbox.script(script, &[]).code(0);
    assert!(lab.lab.object("dictionaries", "undo").is_some());
    let ran = undo(&sandbox, &[]).code(0);
    assert!(lab.lab.object("dictionaries", "undo").is_none(), "{}{}", ran.out, ran.err);
    let requests = lab.lab.requests();
    let words = requests.iter().position(|seen| seen.method == "DELETE" && seen.target.contains("words")).unwrap();
    let whole = requests.iter().position(|seen| seen.method == "DELETE" && !seen.target.contains("words")).unwrap();
    assert!(words < whole, "the words were added last, and go first");
    content(&lab.lab.complaints());
}

#[test]
fn a_step_that_says_how_is_taken_back_by_its_own_function() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = r#"
let seg = target("seg");
let number = 7;
step("mark", #{ undo: || { print(`taking ${number} back`); store.set("mark", ()); } }, || {
    store.set("mark", number);
    seg.ip_group_delta(15, #{ add: [#{ ip_address_start: "192.0.2.1", cidr: 32, name: "a" }] });
});
seg.ip_group_delta(15, #{ add: [#{ ip_address_start: "192.0.2.2", cidr: 32, name: "b" }] });
print("the script's own line");
"#;
    sandbox.script(script, &[]).code(0);
    sandbox.write("script.rhai", "edited since");
    let ran = undo(&sandbox, &[]).code(0).out(&["taking 7 back"]);
    assert!(!ran.out.contains("the script's own line"), "the replay is silent:\n{}", ran.out);
    // What was done in the step is the step's own business.
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32"]);
    seg.is_content();
}

#[test]
fn a_failed_run_is_taken_back_where_its_header_says_so() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = "//! Adds and fails.\n//!\n//! ```toml\n//! [policy]\n//! effects = [\"read\", \"change\"]\n//! on_failure = \"undo\"\n//! ```\n\
        target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"a\" }] });\nfail(\"no\");";
    sandbox.script(script, &[]).code(1).err(&["no", "has taken it back"]);
    assert_eq!(seg.lab.ip_group(15), [""; 0]);
}

#[test]
fn a_run_that_took_too_many_steps_is_taken_back_by_the_functions_of_its_own() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[limits]\nsteps = 20000\n");
    let count = "for n in 0..2000 { store.get(\"x\"); }";
    let script = format!(
        "step(\"a\", #{{ undo: || {{ {count} print(\"taken back\"); }} }}, || store.set(\"a\", 1));\nloop {{ }}"
    );
    sandbox.script(&script, &[]).code(1).err(&["20000 steps"]);
    undo(&sandbox, &[]).code(0).out(&["taken back"]);
}

#[test]
fn what_cannot_be_taken_back_is_said_before_anything_is_done() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("let t = target(\"seg\"); t.config_backup_run(); write_file(\"out/a.txt\", \"x\");", &[]).code(0);
    let writes = seg.writes();
    let ran = undo(&sandbox, &[]).code(0).out(&["cannot take back", "files that were written stay"]);
    assert_eq!(seg.writes(), writes, "{}", ran.out);
}

#[test]
fn an_undo_whose_process_ended_goes_on() {
    for point in ["intending:1", "intended:1", "answered:2", "recording:3", "recorded:2"] {
        let seg = Seg::ten();
        let mut sandbox = Sandbox::with_seg(&seg, "");
        let script = "let t = target(\"seg\");\nfor last in 1..4 { t.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${last}`, cidr: 32, name: `n${last}` }] }); }";
        sandbox.script(script, &[]).code(0);
        let mine = latest(&sandbox);
        sandbox.env("BEADLE_FAIL_POINT", point);
        let killed = sandbox.run(&["runs", "undo", &mine]);
        assert_ne!(killed.code, 0, "{point} was not reached");
        sandbox.env("BEADLE_FAIL_POINT", "");
        // Before its first intent is on the disk an undo may be gone without a trace: nothing was sent.
        let is_unknown = !sandbox.run(&["runs", "list", "--format", "json"]).out.contains("\"undo of ");
        match point {
            "intending:1" if is_unknown => sandbox.run(&["runs", "undo", &mine]).code(0),
            _ => sandbox.run(&["runs", "resume", "latest"]).code(0),
        };
        assert_eq!(seg.lab.ip_group(15), [""; 0], "{point}");
    }
}
