//! `std/seg/queue_purge`.

use crate::support::Sandbox;
use crate::support::lab::Seg;

const RUN: [&str; 4] = ["run", "std/seg/queue_purge", "target=seg", r"sender=^user1@example\.com$"];

#[test]
fn what_matches_is_deleted_from_every_server() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let ran = sandbox.run(&[&RUN[..], &["--allow", "destroy", "--yes", "--format", "json"]].concat()).code(0);
    // The lab's servers share one queue: the second finds nothing more.
    assert!(ran.out.contains("\"deleted\":1,\"patterns\""), "{}", ran.out);
    assert_eq!(seg.writes(), 2);
    seg.is_content();
}

#[test]
fn a_dry_run_deletes_nothing_and_without_the_right_nothing_is_deleted_either() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["planned", "needs --allow destroy"]);
    sandbox.run(&[&RUN[..], &["--yes"]].concat()).code(4).out(&["failed", "not begun"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_pattern_that_could_match_more_than_it_says_is_refused() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    for (pattern, why) in [
        ("example.com", "does not begin with '^'"),
        ("^user1@example", "does not end with '$'"),
        (r"^user1\$", "does not end with '$'"),
        ("^.*$", "fewer than three letters"),
        ("^a*b?c{0,3}$", "fewer than three letters"),
        (r"^\w+\S+\w+$", "fewer than three letters"),
        ("^(user|.*)$", "fewer than three letters"),
        ("^[abc]+$", "fewer than three letters"),
        ("^user1@example.com$|.*$", "put them into"),
        ("^(user1@example.com$", "brackets"),
    ] {
        let argument = format!("subject={pattern}");
        let live = ["run", "std/seg/queue_purge", "target=seg", &argument, "--allow", "destroy", "--yes"];
        sandbox.run(&live).code(1).err(&[why, &format!("subject: '{pattern}' is refused")]);
    }
    let none = ["run", "std/seg/queue_purge", "target=seg", "--allow", "destroy", "--yes"];
    sandbox.run(&none).code(1).err(&["at least one of sender, recipient and subject"]);
    assert_eq!(seg.writes(), 0);
    for pattern in [r"^.*@spam\.example$", "^Report (1|2)$", r"^\[SPAM\] .*$", "^x{2,3}abc$"] {
        let argument = format!("subject={pattern}");
        sandbox.run(&["run", "std/seg/queue_purge", "target=seg", &argument, "--dry-run"]).code(0);
    }
}

#[test]
fn a_server_that_there_is_not_is_told_and_a_failure_stops_the_rest() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let live = ["--allow", "destroy", "--yes"];
    sandbox.run(&[&RUN[..], &["servers=7"], &live].concat()).code(1).err(&["there is no server 7; there are 1, 2"]);
    assert_eq!(seg.writes(), 0);
    seg.fail(&["every=1:403@killex"]);
    sandbox.run(&[&RUN[..], &live].concat()).code(1).out(&["failed", "not begun"]).err(&["step purge NODE1 failed"]);
    assert_eq!(seg.writes(), 1);
}
