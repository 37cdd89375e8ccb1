//! What ran: listed, shown, exported, cancelled; with the real binary.

use std::time::Duration;

use beadle::lab::{SpectraOptions, SpsOptions};
use serde_json::Value as Json;

use crate::support::lab::Seg;
use crate::support::vendors::{spectra, sps};
use crate::support::{Ran, Sandbox};

fn json(ran: &Ran) -> Json {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out))
}

fn ids(sandbox: &Sandbox, filters: &[&str]) -> Vec<String> {
    let listed = json(&sandbox.run(&[&["runs", "list", "--format", "json"], filters].concat()).code(0));
    listed.as_array().unwrap().iter().map(|run| run["playbook"].as_str().unwrap().to_owned()).collect()
}

fn add(last: u64) -> String {
    format!(
        "seg.ip_group_delta(15, #{{ add: [#{{ ip_address_start: \"192.0.2.{last}\", cidr: 32, name: \"n{last}\" }}] }});"
    )
}

#[test]
fn runs_are_listed_and_found_by_every_filter() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("playbooks/good.rhai", &format!("let seg = target(\"seg\"); {}", add(1)));
    sandbox.write("playbooks/deep/bad.rhai", "fail(\"no\")");
    sandbox.write("playbooks/parent.rhai", "run_playbook(\"good2\", #{})");
    sandbox.write("playbooks/good2.rhai", &format!("let seg = target(\"seg\"); {}", add(2)));
    sandbox.run(&["run", "good"]).code(0);
    sandbox.run(&["run", "deep/bad"]).code(1);
    sandbox.run(&["run", "parent"]).code(0);
    sandbox.run(&["run", "good", "--dry-run"]).code(0);
    assert_eq!(ids(&sandbox, &[]), ["good", "parent", "deep/bad", "good"]);
    assert_eq!(ids(&sandbox, &["--all"]), ["good", "parent", "good2", "deep/bad", "good"]);
    assert_eq!(ids(&sandbox, &["--outcome", "failed"]), ["deep/bad"]);
    assert_eq!(ids(&sandbox, &["--outcome", "failed,running"]), ["deep/bad"]);
    assert_eq!(ids(&sandbox, &["--playbook", "bad"]), ["deep/bad"]);
    assert_eq!(ids(&sandbox, &["--playbook", "ad"]), [""; 0], "a name is a whole part");
    assert_eq!(ids(&sandbox, &["--target", "seg", "--limit", "2"]), ["good", "parent"]);
    assert_eq!(ids(&sandbox, &["--since", "1h", "--trigger", "nightly"]), [""; 0]);
    assert_eq!(ids(&sandbox, &["--since", "2000-01-01"]).len(), 4);
    assert_eq!(ids(&sandbox, &["--since", "0s"]).len(), 0);
    sandbox.run(&["runs", "list", "--since", "soon"]).code(2).err(&["2026-11-25"]);
    let table = sandbox.run(&["runs", "list", "--all"]).code(0).out(&["ID", "OUTCOME", "(1)", "  good2", "failed"]);
    assert!(table.out.lines().all(|line| line.chars().count() <= 80), "{}", table.out);
    sandbox.run(&["runs", "list", "--limit", "1"]).code(0).err(&["and more"]);
}

#[test]
fn a_run_is_a_tree_of_what_it_did() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("playbooks/child.rhai", "target(\"seg\").groups().len()");
    let script = format!(
        "let seg = target(\"seg\");\nstep(\"first\", || {{ seg.version(); step(\"inner\", || {{ seg.groups(); }}); }});\n\
         parallel([1, 2], |n| {{ seg.version(); step(`of ${{n}}`, || {{ seg.groups(); }}); }});\n\
         run_playbook(\"child\", #{{}});\n{}",
        add(7)
    );
    sandbox.script(&script, &[]).code(0);
    let shown = sandbox.run(&["runs", "show"]).code(0);
    let tree: Vec<&str> = shown
        .out
        .lines()
        .skip_while(|line| !line.contains("ENTRY"))
        .skip(1)
        .filter_map(|line| line.get(30..))
        .collect();
    let id = shown.out.split_once("(run ").unwrap().1.get(..12).unwrap();
    assert_eq!(
        tree,
        [
            "target seg",
            "step first",
            "  seg version",
            "  step inner",
            "    seg groups",
            "parallel of 2 items",
            "  item 1",
            "    seg version",
            "    step of 1",
            "      seg groups",
            "  item 2",
            "    seg version",
            "    step of 2",
            "      seg groups",
            &format!("run_playbook child (run {id})"),
            "  target seg",
            "  seg groups",
            "seg ip_group_delta [change]",
            "    add: [{\"cidr\":32,\"ip_address_start\":\"192.0.2.7\",\"name\":\"n7\"}]",
            "    group_id: 15  remove: []",
            "    answer: 200 {\"reason\":\"IP group updated.\"}",
        ]
    );
    let changes = sandbox.run(&["runs", "show", "--changes"]).code(0).out(&["ip_group_delta"]);
    assert!(!changes.out.contains("step first"), "{}", changes.out);
    let whole = json(&sandbox.run(&["runs", "show", "--format", "json"]).code(0));
    assert_eq!(whole["format"], 1);
    assert_eq!(whole["run"]["children"][0]["id"], id);
    let change = whole["run"]["entries"].as_array().unwrap().iter().find(|entry| entry["effect"] == "change").unwrap();
    assert_eq!(change["detail"]["args"]["group_id"], 15);
    assert_eq!(change["detail"]["answer"]["http"]["status"], 200);
}

#[test]
fn a_change_is_shown_with_before_and_after() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"sps\");\ntransaction(t, \"two at once\", || {\n  t.datetime_timezone_replace(\"UTC\");\n  \
                  t.management_email_update(|mail| { mail.sender_address = \"gate@example.com\"; mail });\n});";
    sandbox.script(script, &["--yes"]).code(0);
    sandbox.run(&["runs", "show"]).code(0).out(&[
        "sps transaction",
        "  sps datetime_timezone_replace [change]",
        "body: \"Europe/Budapest\" -> \"UTC\"",
        "-> \"gate@example.com\"",
        "  sps commit [change]",
    ]);
}

#[test]
fn long_runs_are_cut_in_the_middle_and_what_failed_stays() {
    let seg = Seg::faulty(&["every=60:500@version"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = "let seg = target(\"seg\"); for n in 0..150 { try { seg.version() } catch (e) {} seg.groups(); }";
    sandbox.script(script, &[]).code(0);
    let shown = sandbox.run(&["runs", "show"]).code(0).out(&["--all shows them", "failed"]);
    assert!(shown.out.lines().count() < 80, "{}", shown.out);
    let all = sandbox.run(&["runs", "show", "--all"]).code(0);
    assert_eq!(all.out.matches("seg groups").count(), 150);
}

#[test]
fn what_a_resume_has_done_again_is_shown_if_asked_for() {
    let seg = Seg::faulty(&["every=2:500@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script(&format!("let seg = target(\"seg\");\n{}\n{}", add(1), add(2)), &[]).code(1);
    sandbox.run(&["runs", "show"]).code(0).out(&["failed", "script.rhai:3"]).err(&["runs resume"]);
    seg.fail(&[]);
    sandbox.run(&["runs", "resume"]).code(0);
    let shown =
        sandbox.run(&["runs", "show"]).code(0).out(&["succeeded", "resumed once", "1 that a resume has done again"]);
    assert!(!shown.out.contains("undone"), "{}", shown.out);
    sandbox.run(&["runs", "show", "--all"]).code(0).out(&["undone"]);
    assert_eq!(json(&sandbox.run(&["runs", "list", "--format", "json"]))[0]["changes"], 2);
}

#[test]
fn an_uncertain_change_is_shown_as_one() {
    let seg = Seg::faulty(&["lost=1@killex"]);
    let sandbox = Sandbox::with_seg(&seg, "allow = [\"read\", \"change\", \"destroy\"]\n");
    let script = "target(\"seg\").sender_kill_messages(1, #{ sender: \"a@example.com\" })";
    sandbox.script(script, &["--yes"]).code(5);
    sandbox.run(&["runs", "show"]).code(0).out(&["uncertain", "[destroy]"]).err(&["--assume applied"]);
}

#[test]
fn an_export_is_shown_elsewhere_as_the_run_itself() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script(&format!("let seg = target(\"seg\"); seg.groups(); {}", add(3)), &[]).code(0);
    let here = sandbox.run(&["runs", "show"]).code(0);
    sandbox.run(&["runs", "export", "-o", "run.json"]).code(0).err(&["run.json"]);
    let elsewhere = Sandbox::new();
    elsewhere.write("run.json", &sandbox.read("run.json"));
    assert_eq!(elsewhere.run(&["runs", "show", "--from", "run.json"]).code(0).out, here.out);
    let shown = json(&elsewhere.run(&["runs", "show", "--from", "run.json", "--format", "json"]).code(0));
    assert_eq!(shown, serde_json::from_str::<Json>(&sandbox.read("run.json")).unwrap());
    assert_eq!(json(&sandbox.run(&["runs", "export"]).code(0)), shown);
    elsewhere.write("newer.json", &sandbox.read("run.json").replacen("\"format\": 1", "\"format\": 7", 1));
    elsewhere.run(&["runs", "show", "--from", "newer.json"]).code(2).err(&["format 7", "reads up to 1"]);
    elsewhere.write("other.json", "{}");
    elsewhere.run(&["runs", "show", "--from", "other.json"]).code(2).err(&["not what `beadle runs export` writes"]);
}

#[test]
fn no_look_at_a_run_shows_a_secret() {
    const CANARY: &str = "canary-Pass/word+7%";
    let lab = spectra(SpectraOptions::default());
    let mut sandbox = lab.sandbox("[secrets.api]\nenv = \"CANARY\"\n");
    sandbox.env("CANARY", CANARY);
    let header = "//! X.\n//!\n//! ```toml\n//! [params]\n//! s = { type = \"secret\" }\n//! note = { type = \"string\" }\n//! ```\n";
    let script = format!(
        "{header}let t = target(\"spectra\");\nlet s = secret(\"api\");\nlet typed = read_file(\"typed.txt\");\nprint(params.note);\n\
         let group = t.config_group(\"workers\");\n\
         t.config_group_content_update(\"workers\", #{{ content: #{{ snmp__community: typed, cloud__enabled: true }} }});\n\
         t.config_group_content_update(\"workers\", #{{ content: #{{ cloud__token: s }} }});\n\
         try {{ t.request(\"POST\", \"/api/v1/unknown/\", #{{ body: #{{ x: typed }} }}) }} catch (e) {{ print(e.kind) }}\n\
         store.set(\"k\", #{{ password: typed, plain: params.note }});\n\
         group.content"
    );
    // A secret that the masker cannot know: its places hide it.
    sandbox.write("typed.txt", "canary-typed");
    // A parameter that holds the secret's value by chance, in one of its forms.
    let note = format!("note=the word is {CANARY}, or 63616e617279");
    sandbox.script(&script, &["s=api", &note, "--yes"]).code(0);
    for command in [
        &["runs", "show", "--all"][..],
        &["runs", "show", "--changes"],
        &["runs", "show", "--format", "json"],
        &["runs", "export"],
        &["runs", "list", "--format", "json"],
    ] {
        let ran = sandbox.run(command).code(0);
        for secret in [CANARY, "canary-typed", "lab-snmp-community", "lab-haproxy-password", "lab-password"] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{command:?} shows {secret}:\n{}", ran.out);
        }
    }
    let shown =
        sandbox.run(&["runs", "show", "--all"]).code(0).out(&["s = secret", "the word is ***", "cloud__enabled"]);
    assert!(shown.err.is_empty(), "{}", shown.err);
    // Without the variable its value cannot be masked, and that is said.
    sandbox.env("CANARY", "");
    sandbox.run(&["runs", "show"]).code(0).err(&["env:CANARY cannot be had now"]);
}

#[test]
fn a_run_in_another_process_is_cancelled() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("script.rhai", "target(\"seg\").groups(); sleep(\"1h\");");
    let mut running = sandbox.command(&["run", "script.rhai"]).spawn().unwrap();
    for _ in 0..200 {
        if sandbox.run(&["runs", "list"]).out.contains("running") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    sandbox.run(&["runs", "show"]).code(0).out(&["running"]).err(&["runs cancel"]);
    sandbox.run(&["runs", "cancel"]).code(0).err(&["has ended: cancelled"]);
    assert_eq!(running.wait().unwrap().code(), Some(130));
    sandbox.run(&["runs", "cancel"]).code(2).err(&["nobody executes run", "cancelled"]);
    let mut killed = sandbox.command(&["run", "script.rhai"]).spawn().unwrap();
    while !sandbox.run(&["runs", "list"]).out.contains("running") {
        std::thread::sleep(Duration::from_millis(50));
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    sandbox.run(&["runs", "cancel"]).code(2).err(&["it was interrupted", "runs resume"]);
    sandbox.run(&["runs", "cancel", "nobody"]).code(2).err(&["there is no run 'nobody'"]);
}
