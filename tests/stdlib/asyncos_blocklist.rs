//! `std/asyncos/blocklist`.

use beadle::lab::AsyncosOptions;

use crate::support::Sandbox;
use crate::support::vendors::{asyncos, content, faults};

const ADD: [&str; 5] = [
    "run",
    "std/asyncos/blocklist",
    "target=esa",
    "recipients=u1@example.net,u2@example.net,OLD@example.net",
    "senders=evil.example,bad@example.org",
];
const REMOVE: [&str; 5] =
    ["run", "std/asyncos/blocklist", "target=esa", "recipients=old@example.net,u1@example.net", "action=remove"];

/// What the appliance says of its lists.
fn lists(sandbox: &Sandbox) -> String {
    let script = "for one in target(\"esa\").blocklist(#{ view_by: \"recipient\" }).data { print(`${one.recipientAddress} ${one.senderList}`); }";
    sandbox.script(script, &[]).code(0).out
}

#[test]
fn what_lists_lack_is_added_with_one_request_for_all_that_need_the_same() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.run(&ADD).code(0).out(&["added"]);
    assert_eq!(lab.count("POST", "/quarantine/blocklist"), 2);
    assert_eq!(
        lists(&sandbox),
        "old@example.net [\"bad@example.org\", \"evil.example\"]\n\
         u1@example.net [\"bad@example.org\", \"evil.example\"]\nu2@example.net [\"bad@example.org\", \"evil.example\"]\n"
    );
    sandbox.run(&ADD).code(0).out(&["nothing to do"]);
    assert_eq!(lab.count("POST", "/quarantine/blocklist"), 2, "what is there is not sent again");
    content(&lab.lab.complaints());
}

#[test]
fn senders_are_taken_out_and_undo_brings_them_back() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.run(&ADD).code(0);
    let before = lists(&sandbox);
    sandbox.run(&[&REMOVE[..], &["senders=evil.example"]].concat()).code(0).out(&["removed"]);
    let edits = lab.count("POST", "/quarantine/blocklist");
    sandbox.run(&["runs", "undo", "latest", "--yes"]).code(0).err(&["undo of step"]);
    assert!(lab.count("POST", "/quarantine/blocklist") > edits);
    assert_eq!(lists(&sandbox), before);
}

#[test]
fn whole_lists_go_with_the_right_to_destroy_alone() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.run(&[&REMOVE[..], &["--yes"]].concat()).code(4).out(&["failed or not begun"]);
    assert_eq!(lab.count("DELETE", "/quarantine/blocklist"), 0);
    sandbox.run(&[&REMOVE[..], &["--yes", "--allow", "destroy"]].concat()).code(0).out(&["removed", "nothing to do"]);
    assert_eq!(lists(&sandbox), "");
}

#[test]
fn a_dry_run_sends_no_change() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.run(&[&ADD[..], &["--dry-run"]].concat()).code(0).out(&["planned", "blocklist_change"]);
    sandbox.run(&[&REMOVE[..], &["--dry-run"]].concat()).code(0).out(&["blocklist_delete", "needs --allow destroy"]);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn lists_in_files_are_read_with_remarks_and_what_is_no_address_is_named() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.write("to.txt", "# people\nu1@example.net # first\n\nu1@EXAMPLE.net\n");
    sandbox.write("from.txt", "evil.example\n");
    let files = ["run", "std/asyncos/blocklist", "target=esa", "recipients_file=to.txt", "senders_file=from.txt"];
    sandbox.run(&files).code(0);
    assert!(lists(&sandbox).contains("u1@example.net [\"evil.example\"]\n"), "{}", lists(&sandbox));
    sandbox.write("from.txt", "evil\n");
    sandbox.run(&files).code(1).err(&["senders: 'evil' is no address and no domain"]);
    sandbox.run(&files[..4]).code(1).err(&["senders: give at least one"]);
    sandbox.run(&files[..3]).code(1).err(&["recipients: give at least one"]);
}

#[test]
fn a_request_that_fails_stops_the_rest_and_the_table_says_which() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    lab.lab.set_faults(faults(&["every=3:403@quarantine/blocklist"]));
    // Two requests read, for the preflight and before the change; the third is the first change.
    let ran = sandbox.run(&[&ADD[..], &["chunk=1"]].concat()).code(1);
    assert!(ran.out.matches("failed or not begun").count() == 3, "{}", ran.out);
    assert_eq!(lab.count("POST", "/quarantine/blocklist"), 1);
}
