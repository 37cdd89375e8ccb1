//! What runs may do: asked at the appliance that saw nothing.

use crate::support::Sandbox;
use crate::support::lab::Seg;

const KILL: &str = "target(\"seg\").sender_kill_messages(1, #{ subject: \"^Report 1$\" })";

fn add(count: usize) -> String {
    let entry = |n: usize| format!("#{{ ip_address_start: \"192.0.2.{n}\", cidr: 32, name: \"n{n}\" }}");
    let entries: Vec<String> = (1..=count).map(entry).collect();
    format!("target(\"seg\").ip_group_delta(15, #{{ add: [{}] }})", entries.join(", "))
}

#[test]
fn destroying_needs_the_right_and_the_yes() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script(KILL, &[]).code(4).err(&["destroy is not allowed", "--allow destroy"]);
    sandbox.script(KILL, &["--allow", "destroy"]).code(4).err(&["--yes"]);
    assert_eq!(seg.writes(), 0);
    sandbox.script(KILL, &["--allow", "destroy", "--yes"]).code(0);
    assert_eq!(seg.writes(), 1);
}

#[test]
fn a_header_narrows_what_the_target_allows() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let header = "//! Reads.\n//!\n//! ```toml\n//! [policy]\n//! effects = [\"read\"]\n//! ```\n";
    sandbox.script(&format!("{header}{}", add(1)), &["--yes"]).code(4).err(&["header"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn budgets_stop_before_the_request_that_would_go_over() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[policy]\nmax_changes = 2\nmax_items = 5\n");
    sandbox.script(&add(6), &[]).code(4).err(&["max_items", "[policy] in beadle.toml"]);
    assert_eq!(seg.writes(), 0);
    let three = "let s = target(\"seg\"); for n in 1..4 { s.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${n}`, cidr: 32 }] }); }";
    sandbox.script(three, &[]).code(4).err(&["max_changes"]);
    assert_eq!(seg.writes(), 2);
}

#[test]
fn what_must_never_be_cut_off_is_refused_in_every_form() {
    let seg = Seg::ten();
    let more = "allow = [\"read\", \"change\", \"destroy\"]\n[never]\nnetworks = [\"192.0.2.0/28\"]\naddresses = [\"boss@example.com\"]\n";
    let sandbox = Sandbox::with_seg(&seg, more);
    for script in [
        add(1),
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.0.0\", cidr: 16 }] })".into(),
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.1.0\", cidr: 0, ip_address_end: \"192.0.2.1\" }] })".into(),
        "target(\"seg\").request(\"PATCH\", \"/ipgroups/15/delta/\", #{ body: #{ add: [#{ ipAddressStart: \"192.0.2.1\", cidr: 32 }], remove: [] } })".into(),
        "target(\"seg\").sender_kill_messages(1, #{ sender: \".*\" })".into(),
        "target(\"seg\").group_member_add(3, #{ member_type: 2, member_data: \"*@example.com\" })".into(),
        "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"8.0.0.0\", cidr: 7 }] })".into(),
    ] {
        sandbox.script(&script, &["--yes"]).code(4);
    }
    assert_eq!(seg.writes(), 0);
}

#[test]
fn raw_requests_that_are_calls_count_as_those_calls() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let kill = "target(\"seg\").request(\"POST\", \"/console/sender/message/killex/1/\", #{ body: #{ subject: \"x\" }, effect: \"read\" })";
    sandbox.script(kill, &["--yes"]).code(4).err(&["destroy is not allowed"]);
    sandbox.script("target(\"seg\").request(\"DELETE\", \"/groups/3\")", &["--yes"]).code(4);
    assert_eq!(seg.writes(), 0);
    sandbox.script("print(target(\"seg\").request(\"GET\", \"/groups\").len())", &[]).code(0).out(&["2"]);
}

#[test]
fn a_raw_request_sets_no_header_of_the_line_or_the_session() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    for header in ["Authorization", "host", "Cookie", "X-HTTP-Method-Override"] {
        let script =
            format!("target(\"seg\").request(\"GET\", \"/groups\", #{{ headers: #{{ \"{header}\": \"x\" }} }})");
        sandbox.script(&script, &[]).code(4).err(&[&format!("the header '{header}' is Beadle's own to set")]);
    }
    assert!(seg.lab.requests().is_empty());
    let own = "print(target(\"seg\").request(\"GET\", \"/groups\", #{ headers: #{ \"X-Reason\": \"audit\" } }).len())";
    sandbox.script(own, &[]).code(0).out(&["2"]);
}

#[test]
fn a_dry_run_sends_no_write_whatever_the_script_does() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[files]\nwrite = [\"out\"]\n");
    let script = format!(
        "let s = target(\"seg\");\n{};\ns.config_backup_run();\ns.request(\"PUT\", \"/services/config/autobackups/backup\", #{{ body: #{{}} }});\n\
         s.request(\"GET\", \"/unknown\");\n{KILL};\nif !confirm(\"really?\") {{ fail(\"no\") }}\nwrite_file(\"out/x.txt\", \"text\");\n\
         print(read_file(\"out/x.txt\"));\nstore.set(\"k\", 1);\nprint(store.get(\"k\"));\nsleep(\"1h\");\nprint(is_assumed(s));\n\
         wait_until(#{{ every: \"1h\" }}, || false);\nprint(s.groups().len());",
        add(3)
    );
    let ran = sandbox.script(&script, &["--dry-run"]).code(0);
    ran.out(&["text\n1\ntrue\n2\n", "plan: ", "(needs --allow destroy)"]);
    assert_eq!(seg.writes(), 0);
    assert!(!sandbox.path().join("out").exists());
    sandbox.script("print(store.get(\"k\"))", &[]).code(0);
}

#[test]
fn an_error_after_a_withheld_change_leaves_a_partial_plan() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox
        .script(&format!("{}; fail(\"later\")", add(1)), &["--dry-run"])
        .code(0)
        .out(&["the plan is partial", "later"]);
    sandbox.script("fail(\"early\")", &["--dry-run"]).code(1);
}

#[test]
fn files_outside_the_project_are_neither_read_nor_written() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox.script("read_file(\"/etc/passwd\")", &[]).code(4).err(&["may not be read", "[files] read"]);
    sandbox.script("write_file(\"/tmp/beadle-test-must-not-exist\", \"x\")", &[]).code(4).err(&["may not be written"]);
    sandbox.script("http_get(\"http://127.0.0.1:9/\")", &[]).code(4).err(&["[http] allow"]);
}

#[test]
fn one_run_at_a_time_writes_to_a_target() {
    use std::io::{BufRead, BufReader};
    let seg = Seg::faulty(&["latency=300ms@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let header = "//! Holds.\n//!\n//! ```toml\n//! [params]\n//! t = { type = \"target\" }\n//! [policy]\n//! effects = [\"read\", \"change\"]\n//! lock = [\"t\"]\n//! ```\n";
    sandbox.write("hold.rhai", &format!("{header}print(\"held\");\nsleep(\"700ms\");\nprint(\"done\");"));
    let mut holder =
        sandbox.command(&["run", "hold.rhai", "t=seg"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(holder.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    // While it is held, another process's change waits, and says for whom.
    sandbox.script(&add(1), &["--timeout", "150ms"]).code(6).err(&["wait"]);
    assert_eq!(seg.writes(), 0);
    holder.wait().unwrap();
    sandbox.script(&add(1), &[]).code(0);
}
