//! `std/seg/health`.

use crate::support::Sandbox;
use crate::support::lab::Seg;

const RUN: [&str; 3] = ["run", "std/seg/health", "target=seg"];

#[test]
fn an_array_that_is_well_is_shown_in_one_table() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "allow = [\"read\"]\n");
    sandbox.run(&RUN).code(0).out(&["server NODE1", "server NODE2", "1552 messages in 24 h", "look"]);
    let json = sandbox.run(&[&RUN[..], &["--format", "json"]].concat()).code(0);
    assert!(json.out.contains("\"messages\":1552"), "{}", json.out);
    assert_eq!(seg.writes(), 0);
    seg.is_content();
}

#[test]
fn a_dry_run_reads_as_a_live_one_does() {
    let seg = Seg::ten();
    Sandbox::with_seg(&seg, "").run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["server NODE1"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn active_alerts_fail_a_strict_look() {
    let seg = Seg::ten();
    Sandbox::with_seg(&seg, "")
        .run(&[&RUN[..], &["strict=true"]].concat())
        .code(1)
        .out(&["The Sender is running."])
        .err(&["1 of 5 checks of seg failed: alert"]);
}

#[test]
fn a_part_that_gives_no_answer_is_named() {
    for (part, phase) in
        [("api/version", "preflight"), ("servers", "servers"), ("alerts", "alerts"), ("stats", "mail flow")]
    {
        let seg = Seg::faulty(&[&format!("every=1:403@{part}")]);
        Sandbox::with_seg(&seg, "").run(&RUN).code(1).err(&[&format!("step {phase} failed")]);
    }
}
