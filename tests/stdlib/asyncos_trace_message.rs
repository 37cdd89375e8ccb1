//! `std/asyncos/trace_message`.

use beadle::lab::AsyncosOptions;

use crate::support::vendors::{asyncos, content, faults};

const RUN: [&str; 4] = ["run", "std/asyncos/trace_message", "target=esa", "sender=a@example.org"];

#[test]
fn messages_are_found_over_all_pages_and_the_first_are_followed() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "allow = [\"read\"]\n");
    let ran = sandbox.run(&[&RUN[..], &["details=2", "csv=out/found.csv", "--format", "json"]].concat()).code(0);
    // 45 records, of which every fifth cannot be read.
    assert!(ran.out.contains("\"found\":36") && ran.out.contains("\"more\":false"), "{}", ran.out);
    assert_eq!(lab.count("GET", "message-tracking/details"), 2);
    assert_eq!(
        lab.count("GET", "envelopeSenderfilterOperator=begins_with"),
        lab.count("GET", "message-tracking/messages")
    );
    let csv = sandbox.read("out/found.csv");
    assert!(
        csv.starts_with("time,mid,sender,recipient,subject,status,gateway\n") && csv.lines().count() == 37,
        "{csv}"
    );
    assert!(csv.contains(",1,a@example.org,b@example.net,Message 1,Delivered,esa1.example.com"), "{csv}");
    content(&lab.lab.complaints());
}

#[test]
fn a_dry_run_searches_and_changes_nothing() {
    let lab = asyncos(AsyncosOptions::default());
    lab.sandbox("esa", "jwt", "").run(&[&RUN[..], &["--dry-run", "most=3"]].concat()).code(0).out(&["Message 1"]);
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn that_there_is_more_is_said_and_a_search_for_everything_refused() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    sandbox.run(&[&RUN[..], &["most=5"]].concat()).code(0).err(&["more than 5 messages"]);
    sandbox.run(&RUN[..3]).code(1).err(&["give at least one of sender, recipient"]);
}

#[test]
fn events_that_cannot_be_had_are_a_warning_and_a_failed_search_is_not() {
    let lab = asyncos(AsyncosOptions::default());
    let sandbox = lab.sandbox("esa", "jwt", "");
    lab.lab.set_faults(faults(&["every=1:403@message-tracking/details"]));
    sandbox
        .run(&[&RUN[..], &["most=3"]].concat())
        .code(0)
        .out(&["Message 3"])
        .err(&["message 1: its events cannot be had"]);
    lab.lab.set_faults(faults(&["every=1:403@message-tracking/messages"]));
    sandbox.run(&RUN).code(1).err(&["step search failed"]);
}
