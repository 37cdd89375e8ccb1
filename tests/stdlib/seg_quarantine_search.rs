//! `std/seg/quarantine_search`.

use crate::support::Sandbox;
use crate::support::lab::Seg;

const RUN: [&str; 5] =
    ["run", "std/seg/quarantine_search", "target=seg", "begin=2021-05-20T10:00:00Z", "end=2021-05-20T10:30:00Z"];

#[test]
fn what_is_found_is_a_table_a_file_and_a_value() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "allow = [\"read\"]\n");
    let more = ["sender=example.net", "folder=spam", "csv=out/found.csv", "--format", "json"];
    let ran = sandbox.run(&[&RUN[..], &more].concat()).code(0);
    assert!(ran.out.contains("\"found\":6") && ran.out.contains("\"more\":false"), "{}", ran.out);
    let csv = sandbox.read("out/found.csv");
    assert!(csv.starts_with("time,sender,recipient,subject,folder,size,message\n2021-05-20T10:30:00Z,"), "{csv}");
    assert_eq!(csv.lines().count(), 7);
    assert!(csv.lines().skip(1).all(|line| line.contains("@example.net,") && line.contains(",Spam,")), "{csv}");
    seg.is_content();
}

#[test]
fn a_dry_run_searches_and_writes_no_file() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox
        .run(&[&RUN[..], &["csv=out/found.csv", "--dry-run"]].concat())
        .code(0)
        .out(&["found.csv of", "bytes would be written"]);
    assert!(!sandbox.path().join("out/found.csv").exists());
    assert_eq!(seg.writes(), 0);
}

#[test]
fn that_there_is_more_is_said() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let ran = sandbox.run(&[&RUN[..], &["most=5", "--format", "json"]].concat()).code(0);
    assert!(ran.out.contains("\"found\":5") && ran.out.contains("\"more\":true"), "{}", ran.out);
    sandbox
        .run(&[&RUN[..], &["most=5", "show=2"]].concat())
        .code(0)
        .err(&["more than 5 messages", "3 more are not shown"]);
}

#[test]
fn a_wrong_folder_address_or_span_is_told_with_its_cure() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.run(&[&RUN[..], &["folder=Spamm"]].concat()).code(1).err(&["there is no folder 'Spamm'; there are"]);
    sandbox.run(&[&RUN[..], &["sender=a@b@c"]].concat()).code(1).err(&["neither an address nor a domain"]);
    sandbox.run(&[&RUN[..4], &["end=2021-05-20T09:00:00Z"]].concat()).code(1).err(&["it is not before end"]);
    seg.fail(&["every=1:403@findmessage"]);
    sandbox.run(&RUN).code(1).err(&["step search failed"]);
}
