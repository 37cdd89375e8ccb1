//! `std/sps/config_drift`.

use beadle::lab::{SpsLab, SpsOptions};

use crate::support::Sandbox;
use crate::support::vendors::{Running, content, faults, sps};

const RUN: [&str; 4] = ["run", "std/sps/config_drift", "target=sps", "golden=out/golden.json"];

/// A project with a golden file of the lab.
fn with_golden(lab: &Running<SpsLab>) -> Sandbox {
    let sandbox = lab.sandbox("");
    sandbox.run(&["run", "std/sps/config_snapshot", "target=sps", "file=out/golden.json"]).code(0);
    sandbox
}

#[test]
fn what_has_changed_since_is_told_by_its_place() {
    let lab = sps(SpsOptions::default());
    let sandbox = with_golden(&lab);
    sandbox.run(&RUN).code(0).out(&["out/golden.json says: 99 endpoints"]);
    let change = "let sps = target(\"sps\"); transaction(sps, \"drift\", || {
        sps.datetime_timezone_replace(\"Europe/Rome\");
        sps.management_email_update(|mail| { mail.sender_address = \"other@example.com\"; mail }); });";
    sandbox.script(change, &["--yes"]).code(0);
    let before = lab.lab.counts().1;
    let ran =
        sandbox.run(&[&RUN[..], &["csv=out/drift.csv"]].concat()).code(1).err(&["2 place(s) of sps have drifted"]);
    assert!(ran.out.contains("Europe/Rome") && ran.out.contains("other@example.com"), "{}", ran.out);
    let csv = sandbox.read("out/drift.csv");
    assert!(csv.contains("/configuration/management/email.sender_address,\"\"\"sps@example.com\"\"\""), "{csv}");
    assert_eq!(lab.lab.counts().1, before, "it only reads");
    content(&lab.lab.complaints());
}

#[test]
fn what_may_differ_is_left_out_and_drift_can_be_accepted() {
    let lab = sps(SpsOptions::default());
    let sandbox = with_golden(&lab);
    let change = "let sps = target(\"sps\"); sps.datetime_timezone_replace(\"Europe/Rome\");
        sps.management_email_update(|mail| { mail.sender_address = \"other@example.com\"; mail });";
    sandbox.script(change, &["--yes"]).code(0);
    let some = [&RUN[..], &["ignored=/configuration/datetime"]].concat();
    sandbox.run(&some).code(1).err(&["1 place(s)"]);
    let all = [&RUN[..], &["ignored=/configuration/datetime,/configuration/management/email.sender_address"]].concat();
    sandbox.run(&all).code(0);
    let json = sandbox.run(&[&RUN[..], &["accept=true", "--format", "json"]].concat()).code(0);
    assert!(json.out.contains("\"drifted\":2"), "{}", json.out);
}

#[test]
fn a_file_that_is_no_snapshot_is_refused() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.write("out/golden.json", "{\"a\": 1}");
    sandbox.run(&RUN).code(1).err(&["is no snapshot: std/sps/config_snapshot writes one"]);
    sandbox.write("out/golden.json", "{\"beadle_snapshot\": 2}");
    sandbox.run(&RUN).code(1).err(&["has format 2", "take a new snapshot"]);
    assert_eq!(lab.lab.requests().len(), 0);
}

#[test]
fn a_dry_run_compares_and_what_cannot_be_read_is_said() {
    let lab = sps(SpsOptions::default());
    let sandbox = with_golden(&lab);
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["out/golden.json says: 97 endpoints"]);
    assert_eq!(lab.lab.counts().1, 0);
    lab.lab.set_faults(faults(&["every=1:403@management/email"]));
    sandbox.run(&RUN).code(0).err(&["/configuration/management/email cannot be read, and is not compared"]);
}
