//! The main job: lists into IP groups and out again.

use beadle::lab::{RefusalStyle, SegOptions};

use crate::line::{answer, server};
use crate::support::lab::Seg;
use crate::support::{Ran, Sandbox};

const BLOCK: [&str; 5] = ["run", "std/seg/bulk_ip_block", "target=seg", "group=16", "list=list.txt"];

fn block(sandbox: &Sandbox, more: &[&str]) -> Ran {
    sandbox.run(&[&BLOCK[..], more].concat())
}

fn unblock(sandbox: &Sandbox, list: &str) -> Ran {
    sandbox.write("out.txt", list);
    sandbox.run(&["run", "std/seg/bulk_ip_unblock", "target=seg", "group=16", "list=out.txt", "--format", "json"])
}

/// The script's value of a run with `--format json`.
fn value(ran: &Ran) -> serde_json::Value {
    let last = ran.out.lines().last().unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(last).unwrap_or_default();
    json["value"].clone()
}

const BAD: &str = "\u{feff}# feed\r\n192.0.2.0/25\r\n192.0.2.128/25\r\n\r\n198.51.100.7\r\n198.51.100.7\r\nnonsense\r\n\
                   203.0.113.9\r\n10.1.2.3/33\r\n2001:db8::1\r\n198.18.0.0-198.18.0.9\r\n";

#[test]
fn a_list_with_garbage_is_blocked_as_far_as_it_goes() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[never]\nnetworks = [\"203.0.113.0/24\"]\n");
    sandbox.write("list.txt", BAD);
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    let value = value(&ran);
    assert_eq!(value["invalid_lines"], serde_json::json!([7, 9]));
    assert_eq!(value["protected_lines"], serde_json::json!([8]));
    assert_eq!((&value["duplicates"], &value["added"]), (&1.into(), &5.into()));
    assert_eq!(
        seg.lab.ip_group(16),
        ["192.0.2.0/24", "198.18.0.0/29", "198.18.0.8/31", "198.51.100.7/32", "2001:db8::1/128"]
    );
    seg.is_content();
}

#[test]
fn a_dry_run_of_the_main_job_sends_no_write() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", BAD);
    block(&sandbox, &["--dry-run"]).code(0).out(&["plan: 1 change of 6 items, nothing of it sent", "ip_group_delta"]);
    assert_eq!(seg.writes(), 0);
    // Nor does it leave anything that a later run would take for done.
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    assert_eq!(value(&ran)["added"], 6);
}

#[test]
fn a_second_run_sends_only_the_difference() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n");
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 1);
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 1, "nothing new, nothing sent");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.0/24\n198.51.101.0/24\n");
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    assert_eq!((value(&ran)["added"].clone(), seg.writes()), (1.into(), 2));
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24", "198.51.100.0/24", "198.51.101.0/24"]);
}

#[test]
fn the_record_of_a_block_names_every_address() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.7\n2001:db8::/32\n");
    block(&sandbox, &[]).code(0);
    let exported = sandbox.run(&["runs", "export"]).code(0);
    let document: serde_json::Value = serde_json::from_str(&exported.out).unwrap();
    let entries = document["run"]["entries"].as_array().unwrap();
    let delta = entries.iter().find(|entry| entry["operation"] == "seg ip_group_delta").unwrap();
    let named: Vec<_> =
        delta["detail"]["args"]["add"].as_array().unwrap().iter().map(|add| &add["ip_address_start"]).collect();
    assert_eq!(named, ["192.0.2.0", "198.51.100.7", "2001:db8::"]);
    // What was exported is replayed by the tests of playbooks.
    sandbox.write("run.json", &exported.out);
    sandbox.run(&["test", "--from", "run.json"]).code(0);
}

#[test]
fn a_store_of_an_earlier_beadle_which_has_networks_as_text_is_read() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let written = "//! Writes as it was written once.\n//!\n//! ```toml\n//! store = \"seg/ip_groups\"\n//! ```\n\
                   store.set(\"seg/16/20240101T000000-run-0000000000\", \
                   #{ state: \"added\", networks: \"192.0.2.0/24 198.51.100.0-198.51.100.7 2001:db8::/32\" });";
    sandbox.script(written, &[]).code(0);
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.0/29\n2001:db8::/32\n203.0.113.0/24\n");
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    assert_eq!((value(&ran)["added"].clone(), value(&ran)["already_there"].clone()), (1.into(), 3.into()));
    assert_eq!(seg.lab.ip_group(16), ["203.0.113.0/24"]);
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 1, "what is packed now is read as well");
}

fn list_of(count: usize) -> String {
    (0..count).map(|n| format!("198.{}.{}.{}/28\n", 18 + n / 2048, n / 8 % 256, n % 8 * 32)).collect()
}

#[test]
fn entries_that_are_there_already_are_found_and_left_out() {
    for (refusals, names_offender) in [
        (RefusalStyle::Ok, true),
        (RefusalStyle::Ok, false),
        (RefusalStyle::BadRequest, true),
        (RefusalStyle::BadRequest, false),
        (RefusalStyle::Failure, true),
        (RefusalStyle::Failure, false),
    ] {
        let seg = Seg::with(SegOptions { refusals, names_offender, ..SegOptions::default() });
        for present in ["198.18.0.32/28", "198.18.3.64/28"] {
            seg.lab.put_ip(16, present, present);
        }
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(60));
        let ran = block(&sandbox, &["chunk=50", "--format", "json"]).code(0);
        let value = value(&ran);
        assert_eq!(
            (&value["added"], &value["already_there"]),
            (&58.into(), &2.into()),
            "{refusals:?} {names_offender}"
        );
        assert_eq!(seg.lab.ip_group(16).len(), 60);
        // The second run knows them and asks for nothing.
        let writes = seg.writes();
        block(&sandbox, &["chunk=50"]).code(0);
        assert_eq!(seg.writes(), writes);
    }
}

#[test]
fn what_cannot_be_decided_within_the_bound_is_said_and_kept() {
    let seg = Seg::with(SegOptions { names_offender: false, ..SegOptions::default() });
    for n in (0..64).step_by(3) {
        let line = list_of(64).lines().nth(n).unwrap().to_owned();
        seg.lab.put_ip(16, &line, &line);
    }
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list_of(64));
    block(&sandbox, &["probes=5"]).code(1).err(&["could not be decided"]);
    // Run again with room enough, and everything is there.
    block(&sandbox, &["probes=1000"]).code(0);
    assert_eq!(seg.lab.ip_group(16).len(), 64);
}

#[test]
fn what_a_bound_left_over_is_never_taken_for_blocked() {
    let seg = Seg::with(SegOptions { names_offender: false, ..SegOptions::default() });
    let list = list_of(200);
    // Everything is there but one entry in the last quarter: any few that are tried are there.
    for (n, line) in list.lines().enumerate().filter(|(n, _)| *n != 170) {
        seg.lab.put_ip(16, line, &n.to_string());
    }
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list);
    block(&sandbox, &["probes=20"]).code(1).err(&["could not be decided"]);
    block(&sandbox, &["probes=1000"]).code(0);
    assert_eq!(seg.lab.ip_group(16).len(), 200);
}

#[test]
fn a_killed_runs_open_piece_is_settled_by_the_next() {
    for before_or_after in ["lost-before=1@delta", "lost=1@delta"] {
        let seg = Seg::faulty(&[before_or_after, "every=1:503@nothing"]);
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(30));
        // The line is cut at the first delta; what stands in the store afterwards is a pending piece
        // only if the process dies then: killed it is, by a timeout shorter than the second try.
        seg.fail(&[before_or_after, "hang=2@delta"]);
        let ran = block(&sandbox, &["--timeout", "1s"]);
        assert_eq!(ran.code, 5, "{}", ran.err);
        seg.fail(&[]);
        let ran = block(&sandbox, &["--format", "json"]).code(0);
        assert_eq!(seg.lab.ip_group(16).len(), 30, "{before_or_after}: {}", ran.out);
        let writes = seg.writes();
        block(&sandbox, &[]).code(0);
        assert_eq!(seg.writes(), writes, "{before_or_after}: the store is true again");
    }
}

#[test]
fn a_lost_answer_is_settled_within_the_run() {
    let seg = Seg::faulty(&["lost=1@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list_of(40));
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.lab.ip_group(16).len(), 40);
    let writes = seg.writes();
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), writes);
    seg.is_content();
}

#[test]
fn unblocking_splits_what_covers_more() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.7\n");
    block(&sandbox, &[]).code(0);
    let ran = unblock(&sandbox, "192.0.2.64/26\n203.0.113.1\n").code(0);
    assert_eq!((&value(&ran)["removed"], &value(&ran)["not_blocked"]), (&1.into(), &1.into()));
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/26", "192.0.2.128/25", "198.51.100.7/32"]);
    // Blocking again brings back what is missing, and nothing else.
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    assert_eq!(value(&ran)["added"], 1);
    unblock(&sandbox, "192.0.2.0/24\n198.51.100.0/24\n").code(0);
    assert!(seg.lab.ip_group(16).is_empty());
    seg.is_content();
}

#[test]
fn unblocking_leaves_what_others_have_put_there() {
    let seg = Seg::ten();
    seg.lab.put_ip(16, "192.0.2.0/24", "theirs");
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.7\n");
    block(&sandbox, &[]).code(0);
    unblock(&sandbox, "192.0.2.0/24\n").code(0).out(&["\"foreign\":1"]);
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24", "198.51.100.7/32"]);
}

#[test]
fn a_csv_list_is_read_by_its_header() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "indicator,comment\n192.0.2.1,\"a, b\"\n198.51.100.0/24,c\n");
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.1/32", "198.51.100.0/24"]);
}

#[test]
fn a_list_from_standard_input_is_read() {
    use std::io::Write;
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let mut command = sandbox.command(&["run", "std/seg/bulk_ip_block", "target=seg", "group=16", "list=-"]);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"192.0.2.9\n").unwrap();
    Ran::from(child.wait_with_output().unwrap()).code(0);
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.9/32"]);
}

#[test]
fn a_refusal_for_another_reason_is_not_taken_for_an_entry_that_is_there() {
    for (head, body) in [
        ("200 OK", r#"{"reason": "IP group 16 does not exist."}"#),
        ("200 OK", r#""Access is denied""#),
        ("200 OK", r#"{"reason": "IP group not updated"}"#),
        ("400 Bad Request", r#"{"reason": "IP group 16 does not exist."}"#),
        ("409 Conflict", r#"{"reason": "The configuration is locked by another user"}"#),
        ("500 Internal Server Error", "Object reference not set"),
    ] {
        let (address, _asked) = server(vec![answer(head, body)]);
        let sandbox = Sandbox::new();
        let target = format!(
            "[targets.seg]\nvendor = \"seg\"\nurl = \"http://{address}\"\nversion = \"8\"\n\
             auth = {{ method = \"basic\", username = \"api\", password = {{ env = \"SEG_PASSWORD\" }} }}\n"
        );
        sandbox.write("beadle.toml", &target);
        sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.7\n");
        block(&sandbox, &[]).code(1);
        // Nor is anything remembered as blocked: a run that is not refused sends it all.
        let plan = block(&sandbox, &["--dry-run"]).code(0);
        assert!(plan.out.contains("plan: 1 change of 2 items"), "{head} {body}:\n{}", plan.out);
    }
}

#[test]
fn a_run_killed_while_it_looks_for_what_is_in_the_way_forgets_nothing() {
    let seg = Seg::with(SegOptions { names_offender: false, ..SegOptions::default() });
    let theirs = list_of(300).lines().nth(201).unwrap().to_owned();
    seg.lab.put_ip(16, &theirs, "theirs");
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list_of(300));
    seg.fail(&["latency=20ms@delta"]);
    let mut child = sandbox.command(&BLOCK).stderr(std::process::Stdio::null()).spawn().unwrap();
    // The first half goes in, the second is taken apart.
    while seg.lab.ip_group(16).len() < 152 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    seg.fail(&[]);
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.lab.ip_group(16).len(), 300);
    let ran = unblock(&sandbox, &list_of(300)).code(0);
    assert_eq!(seg.lab.ip_group(16), [theirs], "{}", ran.out);
}

#[test]
fn two_runs_into_one_group_at_once_know_of_each_other() {
    let seg = Seg::faulty(&["latency=20ms@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list_of(100));
    let mut first = sandbox.command(&[&BLOCK[..], &["chunk=10"]].concat()).spawn().unwrap();
    while seg.writes() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let ran = block(&sandbox, &["chunk=10", "--format", "json"]).code(0);
    assert!(first.wait().unwrap().success());
    assert_eq!((value(&ran)["added"].clone(), seg.writes()), (0.into(), 10));
}

#[test]
fn a_split_goes_on_where_a_part_of_the_rest_is_there_already() {
    for names_offender in [true, false] {
        let seg = Seg::with(SegOptions { names_offender, ..SegOptions::default() });
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", "192.0.2.0/24\n");
        block(&sandbox, &[]).code(0);
        seg.lab.put_ip(16, "192.0.2.128/25", "theirs");
        let ran = unblock(&sandbox, "192.0.2.0/26\n").code(0);
        assert_eq!((&value(&ran)["removed"], &value(&ran)["gone_already"]), (&1.into(), &0.into()));
        assert_eq!(seg.lab.ip_group(16), ["192.0.2.64/26", "192.0.2.128/25"]);
    }
}

#[test]
fn what_has_gone_from_the_group_is_found_within_a_bound() {
    let seg = Seg::with(SegOptions { names_offender: false, ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", &list_of(64));
    block(&sandbox, &[]).code(0);
    seg.lab.empty_ip_group(16);
    sandbox.write("out.txt", &list_of(64));
    let unblock = ["run", "std/seg/bulk_ip_unblock", "target=seg", "group=16", "list=out.txt"];
    sandbox.run(&[&unblock[..], &["probes=10"]].concat()).code(1).err(&["could not be decided"]);
    assert_eq!(seg.writes(), 11);
    sandbox.run(&unblock).code(0).out(&["gone already"]);
    let ran = block(&sandbox, &["--format", "json"]).code(0);
    assert_eq!((value(&ran)["added"].clone(), seg.lab.ip_group(16).len()), (64.into(), 64));
}

#[test]
fn an_open_piece_that_has_become_protected_is_taken_out_again() {
    let seg = Seg::faulty(&["hang=1@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.0/24\n198.51.100.7\n");
    block(&sandbox, &["--timeout", "500ms"]).code(5);
    seg.lab.put_ip(16, "192.0.2.0/24", "beadle 192-0-2-0_24");
    seg.fail(&[]);
    let protected = format!("{}\n[never]\nnetworks = [\"192.0.2.9\"]\n", sandbox.read("beadle.toml"));
    sandbox.write("beadle.toml", &protected);
    block(&sandbox, &[]).code(0).err(&["192.0.2.0/24 is taken out again"]);
    assert_eq!(seg.lab.ip_group(16), ["198.51.100.7/32"]);
}

#[test]
fn a_run_that_goes_on_after_another_one_has_done_its_work_leaves_the_store_true() {
    for failing in ["every=3:500@delta", "hang=3@delta"] {
        let seg = Seg::faulty(&[failing]);
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(100));
        let mut first = sandbox.command(&[&BLOCK[..], &["chunk=8"]].concat());
        let mut first = first.stderr(std::process::Stdio::null()).spawn().unwrap();
        while seg.writes() < 3 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        if failing.starts_with("hang") {
            first.kill().unwrap();
        }
        assert!(!first.wait().unwrap().success());
        let listed = sandbox.run(&["runs", "list", "--format", "json"]).code(0).out;
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        let first = listed[0]["id"].as_str().unwrap();
        seg.fail(&[]);
        block(&sandbox, &["chunk=8"]).code(0);
        assert_eq!(seg.lab.ip_group(16).len(), 100);
        sandbox.run(&["runs", "resume", first]).code(0);
        let out = value(&unblock(&sandbox, &list_of(100)).code(0));
        assert_eq!((&out["removed"], &out["foreign"]), (&100.into(), &0.into()), "{failing}");
        assert!(seg.lab.ip_group(16).is_empty());
        let again = value(&block(&sandbox, &["--format", "json"]).code(0));
        assert_eq!((&again["added"], &again["already_there"]), (&100.into(), &0.into()), "{failing}");
        assert_eq!(seg.lab.ip_group(16).len(), 100);
    }
}

#[test]
fn a_lost_piece_is_settled_whatever_an_appliance_looks_at_first() {
    for (additions_first, lost) in
        [(false, "lost-before=1@delta"), (true, "lost-before=1@delta"), (true, "lost=1@delta")]
    {
        let seg = Seg::with(SegOptions { additions_first, ..SegOptions::default() });
        // All but a few are there, the first, the middle and the last among them.
        for (number, theirs) in list_of(100).lines().enumerate().filter(|(number, _)| number % 10 != 3) {
            seg.lab.put_ip(16, theirs, &format!("theirs {number}"));
        }
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(100));
        seg.fail(&[lost]);
        let ran = value(&block(&sandbox, &["--format", "json"]).code(0));
        assert_eq!(seg.lab.ip_group(16).len(), 100, "{additions_first} {lost}: {ran}");
        assert_eq!((&ran["added"], &ran["already_there"]), (&10.into(), &90.into()), "{additions_first} {lost}");
        unblock(&sandbox, &list_of(100)).code(0);
        assert_eq!(seg.lab.ip_group(16).len(), 90, "{additions_first} {lost}: what others have put there stays");
    }
}

#[test]
fn a_lost_removal_counts_only_when_the_entry_is_gone() {
    for additions_first in [false, true] {
        for lost in ["lost-before=1@delta", "lost=1@delta"] {
            let seg = Seg::with(SegOptions { additions_first, ..SegOptions::default() });
            let sandbox = Sandbox::with_seg(&seg, "");
            sandbox.write("list.txt", "10.0.0.0/8\n");
            block(&sandbox, &[]).code(0);
            // A part of what would be added again is there already.
            seg.lab.put_ip(16, "10.0.0.0/16", "theirs");
            seg.fail(&[lost]);
            unblock(&sandbox, "10.1.2.3\n").code(0);
            let group = seg.lab.ip_group(16);
            assert!(!group.contains(&"10.0.0.0/8".to_owned()), "{additions_first} {lost}: {group:?}");
            assert!(group.contains(&"10.128.0.0/9".to_owned()), "{additions_first} {lost}: {group:?}");
            assert!(group.contains(&"10.0.0.0/16".to_owned()), "{additions_first} {lost}: {group:?}");
        }
    }
}

#[test]
fn a_name_that_is_taken_does_not_keep_an_address_out() {
    for names_offender in [true, false] {
        let seg = Seg::with(SegOptions { names_offender, ..SegOptions::default() });
        seg.lab.put_ip(16, "203.0.113.7", "beadle 198-18-1-32_28");
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(60));
        let ran = value(&block(&sandbox, &["--format", "json"]).code(0));
        assert_eq!((&ran["added"], &ran["already_there"]), (&60.into(), &0.into()));
        assert_eq!(seg.lab.ip_group(16).len(), 61);
        seg.is_content();
    }
}

#[test]
fn a_list_without_any_network_is_no_success() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "address list\nnot one of them\n");
    let words = ["not one of its 2 lines is an address", "line 1"];
    block(&sandbox, &[]).code(1).err(&words);
    unblock(&sandbox, "nothing here\n").code(1);
    sandbox.write("list.txt", "# nothing to block today\n");
    block(&sandbox, &[]).code(0);
    assert_eq!(seg.writes(), 0);
}

/// Starts a run, kills it while its change number `at` is under way, and gives its id.
fn killed(sandbox: &Sandbox, seg: &Seg, arguments: &[&str], at: u64) -> String {
    let before = seg.writes();
    seg.fail(&[&format!("hang={at}@delta")]);
    let mut child = sandbox.command(arguments).stderr(std::process::Stdio::null()).spawn().unwrap();
    while seg.writes() < before + at {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    seg.fail(&[]);
    let listed: serde_json::Value =
        serde_json::from_str(&sandbox.run(&["runs", "list", "--format", "json"]).code(0).out).unwrap();
    listed[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_block_that_goes_on_after_all_was_taken_out_again_blocks_all_of_it() {
    for at in 1..=3 {
        let seg = Seg::ten();
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(24));
        let first = killed(&sandbox, &seg, &[&BLOCK[..], &["chunk=8"]].concat(), at);
        unblock(&sandbox, &list_of(24)).code(0);
        assert!(seg.lab.ip_group(16).is_empty());
        sandbox.run(&["runs", "resume", &first]).code(0);
        assert_eq!(seg.lab.ip_group(16).len(), 24, "killed at {at}");
        unblock(&sandbox, &list_of(24)).code(0);
        assert!(seg.lab.ip_group(16).is_empty(), "killed at {at}: all of it is ours");
        assert_eq!(value(&block(&sandbox, &["--format", "json"]).code(0))["added"], 24);
    }
}

#[test]
fn an_unblock_that_goes_on_after_others_have_changed_the_group_leaves_the_store_true() {
    for between in ["198.18.0.64/28", "block"] {
        let seg = Seg::ten();
        let sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("list.txt", &list_of(8));
        block(&sandbox, &[]).code(0);
        sandbox.write("one.txt", "198.18.0.32/28\n");
        let out = ["run", "std/seg/bulk_ip_unblock", "target=seg", "group=16", "list=one.txt"];
        let first = killed(&sandbox, &seg, &out, 1);
        if between == "block" {
            block(&sandbox, &[]).code(0)
        } else {
            unblock(&sandbox, between).code(0)
        };
        sandbox.run(&["runs", "resume", &first]).code(0);
        assert!(!seg.lab.ip_group(16).contains(&"198.18.0.32/28".to_owned()), "{between}");
        block(&sandbox, &[]).code(0);
        assert_eq!(seg.lab.ip_group(16).len(), 8, "{between}: what went out is known to be out");
    }
}

#[test]
fn a_split_in_two_steps_outlasts_lost_answers_and_kills() {
    for additions_first in [false, true] {
        for at in 2..=3 {
            for how in ["lost", "lost-before", "kill"] {
                let seg = Seg::with(SegOptions { additions_first, ..SegOptions::default() });
                let sandbox = Sandbox::with_seg(&seg, "");
                sandbox.write("list.txt", "10.0.0.0/24\n");
                block(&sandbox, &[]).code(0);
                seg.lab.put_ip(16, "10.0.0.0/25", "theirs");
                sandbox.write("out.txt", "10.0.0.200\n");
                let out = ["run", "std/seg/bulk_ip_unblock", "target=seg", "group=16", "list=out.txt"];
                if how == "kill" {
                    killed(&sandbox, &seg, &out, at);
                } else {
                    seg.fail(&[&format!("{how}={at}@delta")]);
                }
                sandbox.run(&out).code(0);
                let group = seg.lab.ip_group(16);
                for wanted in ["10.0.0.0/25", "10.0.0.128/26", "10.0.0.201/32", "10.0.0.224/27"] {
                    assert!(group.contains(&wanted.to_owned()), "{additions_first} {how} {at}: {group:?}");
                }
                assert!(!group.contains(&"10.0.0.0/24".to_owned()) && !group.contains(&"10.0.0.200/32".to_owned()));
            }
        }
    }
}
