//! `std/seg/group_sync`.

use crate::support::Sandbox;
use crate::support::lab::{PASSWORD, Seg};

const RUN: [&str; 5] = ["run", "std/seg/group_sync", "target=seg", "group=Blocked senders", "list=list.csv"];

fn sandbox(seg: &Seg) -> Sandbox {
    let sandbox = Sandbox::with_seg(seg, "");
    sandbox.write("list.csv", "Member,remark\nSPAM@example.net,there\nnew@example.org,\n*@bad.example,all of it\n");
    sandbox
}

#[test]
fn what_the_group_lacks_is_added_and_both_directions_are_shown() {
    let seg = Seg::ten();
    let sandbox = sandbox(&seg);
    let ran = sandbox.run(&RUN).code(0).err(&["1 member(s) stand in the group only", "vendors import"]);
    let line = |member: &str| ran.out.lines().find(|line| line.contains(member)).unwrap_or_default().to_owned();
    assert!(line("new@example.org").contains("added") && line("*@spam.example").contains("left"), "{}", ran.out);
    assert_eq!(seg.lab.members(3), ["spam@example.net", "*@spam.example", "*@bad.example", "new@example.org"]);
    let sent = seg.lab.requests();
    let wildcard = sent.iter().find(|seen| String::from_utf8_lossy(&seen.body).contains("*@bad.example")).unwrap();
    assert!(String::from_utf8_lossy(&wildcard.body).contains("\"memberType\":2"));
    let again = sandbox.run(&[&RUN[..], &["--format", "json"]].concat()).code(0);
    assert!(again.out.contains("\"added\":0") && again.out.contains("\"same\":3"), "{}", again.out);
    assert_eq!(seg.writes(), 2, "what is there is not sent again");
    assert!(!ran.out.contains(PASSWORD));
    seg.is_content();
}

#[test]
fn a_dry_run_adds_nobody() {
    let seg = Seg::ten();
    sandbox(&seg).run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["planned", "group_member_add"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_list_that_looks_like_a_mistake_is_refused() {
    let seg = Seg::ten();
    let sandbox = sandbox(&seg);
    sandbox.run(&[&RUN[..], &["most=1"]].concat()).code(1).err(&["2 members would be added, and 1 are allowed"]);
    sandbox.write("list.csv", "# nobody yet\n\n");
    sandbox.run(&RUN).code(1).err(&["has no member"]);
    sandbox.write("list.csv", "new@example.org\nnot an address\n");
    sandbox.run(&RUN).code(1).err(&["entry 2", "'not an address'"]);
    sandbox.run(&["run", "std/seg/group_sync", "target=seg", "group=Nobody", "list=list.csv"]).code(1);
    sandbox.write("list.csv", "new@example.org\n");
    sandbox
        .run(&["run", "std/seg/group_sync", "target=seg", "group=Nobody", "list=list.csv"])
        .code(1)
        .err(&["0 groups 'Nobody'; there are Blocked senders (3)"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_group_with_more_than_the_list_fails_a_run_that_wants_them_equal() {
    let seg = Seg::ten();
    sandbox(&seg)
        .run(&[&RUN[..], &["complete=true"]].concat())
        .code(1)
        .err(&["1 members of Blocked senders are not in"]);
    assert_eq!(seg.lab.members(3).len(), 4, "what can be done is done");
}

#[test]
fn an_addition_that_fails_stops_the_rest_and_a_lost_answer_does_not() {
    let seg = Seg::faulty(&["every=1:403@usermaintained"]);
    let sandbox = sandbox(&seg);
    sandbox.run(&RUN).code(1).out(&["failed", "not begun"]);
    assert_eq!(seg.writes(), 1);
    seg.fail(&["lost=1@usermaintained"]);
    sandbox.run(&RUN).code(0).out(&["there already", "added"]);
    assert_eq!(seg.lab.members(3).len(), 4);
}
