//! What a dry run withholds and what it assumes: the appliances are asked what they saw.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use beadle::lab::{SpectraOptions, SpsOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{spectra, sps};

const ADD: &str = "s.group_member_add(3, #{ member_type: 1, member_data: \"a@example.net\" });";

/// A host that answers everything, and how many requests came.
fn host() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { break };
            counted.fetch_add(1, Ordering::SeqCst);
            let _request = stream.read(&mut [0; 4096]);
            let _answer = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    (address, seen)
}

fn gets(seg: &Seg, path: &str) -> usize {
    seg.lab.requests().iter().filter(|seen| seen.method == "GET" && seen.target.contains(path)).count()
}

#[test]
fn downloads_uploads_posts_and_reads_that_nobody_knows_are_withheld() {
    let lab = spectra(SpectraOptions::default());
    let (address, seen) = host();
    let sandbox = lab.sandbox(&format!("[http]\nallow = [\"{address}\", \"127.0.0.1\"]\n"));
    sandbox.write("sample.bin", "MZ");
    let script = format!(
        "let t = target(\"spectra\"); print(http_get(\"http://{address}/x\").body);\n\
         http_post(\"http://{address}/x\", #{{ json: #{{}} }});\nt.backup_download(#{{ to: \"out/b.tgz\" }});\n\
         t.request(\"GET\", \"/backup/download/\");\nt.request(\"GET\", \"/nobody/knows\");\n\
         target(\"worker\").worker_upload(#{{ file: \"sample.bin\" }});"
    );
    let downloads = |lab: &crate::support::vendors::Running<beadle::lab::SpectraLab>| lab.count("GET", "download");
    let ran = sandbox.script(&script, &["--dry-run"]).code(0).out(&[
        "ok\n",
        "http_post",
        "backup_download",
        "GET /nobody/knows",
    ]);
    assert!(!ran.out.contains("partial"), "{}", ran.out);
    assert_eq!(seen.load(Ordering::SeqCst), 1, "the GET alone");
    assert_eq!((downloads(&lab), lab.count("GET", "nobody"), lab.lab.counts().1), (0, 0, 0));
    assert!(lab.lab.uploads().is_empty());
}

#[test]
fn a_read_about_something_assumed_is_answered_by_its_example_raw_or_not() {
    let lab = sps(SpsOptions::default());
    let script = "let t = target(\"sps\"); let made = t.ssh_channel_policy_create(#{ name: \"x\", rules: [] });\n\
        print(is_assumed(made.key)); print(t.ssh_channel_policy(made.key).key != ());\n\
        print(is_assumed(t.request(\"GET\", `/configuration/ssh/channel_policies/${made.key}`)));\n\
        t.ssh_channel_policy_update(made.key, |p| { p }); print(\"end\");";
    let ran = lab.sandbox("").script(script, &["--dry-run"]).code(0).out(&["true\ntrue\ntrue\nend\n"]);
    assert!(!ran.out.contains("partial"), "{}", ran.out);
    assert_eq!(lab.count("GET", "assumed-"), 0);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn after_a_withheld_change_waits_for_that_target_end_at_once() {
    let seg = Seg::ten();
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &format!("{}{}", seg.target("seg"), seg.target("other")));
    let script = format!(
        "let s = target(\"seg\"); let o = target(\"other\");\n{ADD}\n\
         print(is_assumed(wait_until(#{{ every: \"1h\" }}, || {{ s.groups(); false }})));\nprint(wait_until(#{{ every: \"1h\" }}, || o.groups().len()));\n\
         sleep(\"1h\");\nprint(`${{is_assumed(s)}} ${{is_assumed(o)}}`);"
    );
    sandbox.script(&script, &["--dry-run"]).code(0).out(&["true\n2\ntrue false\n"]);
    assert_eq!(gets(&seg, "/groups"), 2, "the members before the change, and the other target's groups");

    let lab = spectra(SpectraOptions::default());
    let script = "let t = target(\"spectra\"); t.backup_create();\n\
        print(is_assumed(t.wait_for_backup(#{ every: \"1h\" })));\nprint(is_assumed(t.wait_for_upgrade(\"hub-1\", #{})));\n\
        print(is_assumed(t.wait_for_config(\"workers\", #{})));";
    lab.sandbox("").script(script, &["--dry-run"]).code(0).out(&["true\ntrue\ntrue\n"]);
    let gets = lab.lab.requests().iter().filter(|seen| seen.method == "GET").count();
    assert_eq!(gets, 1, "what the last backup left is looked at before the next one is begun, and nothing after it");
}

#[test]
fn is_assumed_tells_made_up_answers_from_real_ones() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = format!(
        "let s = target(\"seg\"); print(is_assumed(s.groups())); let before = is_assumed(s);\nlet done = {ADD}\n\
         print(`${{before}} ${{is_assumed(s)}} ${{is_assumed(done)}} ${{is_assumed(done.reason)}}`);\n\
         let copy = [done]; print(`${{is_assumed(copy)}} ${{is_assumed(s.groups())}} ${{is_assumed(1)}} ${{is_assumed(())}}`);"
    );
    sandbox.script(&script, &["--dry-run"]).code(0).out(&["false\nfalse true true true\ntrue false false false\n"]);
    sandbox.script(&script, &[]).code(0).out(&["false\nfalse false false false\nfalse false false false\n"]);
}

#[test]
fn an_error_after_a_withheld_change_names_its_line_and_reason() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = format!("let s = target(\"seg\");\n{ADD}\n\nfail(\"the reason\");\n{ADD}");
    let ran = sandbox.script(&script, &["--dry-run"]).code(0);
    ran.out(&["plan: 1 change", "the plan is partial", "script.rhai:4", "the reason"]);
    let json = sandbox.script(&script, &["--dry-run", "--format", "json"]).code(0).out;
    let ended: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    let partial = &ended["plan"]["partial"];
    assert_eq!((&partial["file"], &partial["line"]), (&"script.rhai".into(), &4.into()));
    sandbox.script(&format!("fail(\"early\");\nlet s = target(\"seg\"); {ADD}"), &["--dry-run"]).code(1);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn files_that_a_dry_run_writes_or_would_download_are_there_for_later_actions() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let script = "let t = target(\"spectra\"); write_file(\"out/./made.bin\", \"MZ\");\nprint(read_file(\"out/x/../made.bin\"));\n\
        target(\"worker\").worker_upload(#{ file: \"out/made.bin\" });\nt.backup_download(#{ to: \"out/b.tgz\" });\n\
        print(is_assumed(read_file(\"out/b.tgz\")));";
    let ran = sandbox.script(script, &["--dry-run"]).code(0).out(&["MZ\ntrue\n", "worker_upload"]);
    assert!(!ran.out.contains("partial"), "{}", ran.out);
    assert!(!sandbox.path().join("out").exists());
    sandbox
        .script("target(\"spectra\").backup_download(#{ to: \"/etc/b.tgz\" });", &["--dry-run"])
        .code(4)
        .err(&["may not be written"]);
}

#[test]
fn questions_are_answered_yes_and_listed_and_nothing_is_asked() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[policy]\nconfirm = \"change\"\n");
    let script = format!("let s = target(\"seg\"); if !confirm(\"block them all?\") {{ fail(\"no\"); }} {ADD}");
    sandbox.script(&script, &[]).code(4);
    let ran = sandbox.script(&script, &["--dry-run"]).code(0);
    ran.out(&["- confirm", "question: \"block them all?\"", "group_member_add"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn rights_that_could_be_added_are_listed_for_calls_and_raw_requests_alike() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = "let s = target(\"seg\"); s.sender_kill_messages(1, #{ subject: \"^Report 1$\" });\n\
        s.request(\"POST\", \"/console/sender/message/killex/1/\", #{ body: #{ subject: \"x\" } });\ns.request(\"DELETE\", \"/nobody/knows\");";
    let ran = sandbox.script(script, &["--dry-run"]).code(0);
    assert_eq!(ran.out.matches("(needs --allow destroy)").count(), 3, "{}", ran.out);
    let ran = sandbox.script(script, &["--dry-run", "--allow", "destroy"]).code(0);
    assert!(!ran.out.contains("needs"), "{}", ran.out);
    assert_eq!(seg.writes(), 0);
}
