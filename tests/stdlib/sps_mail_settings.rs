//! `std/sps/mail_settings`.

use beadle::lab::SpsOptions;

use crate::support::vendors::{content, faults, sps};

const RUN: [&str; 6] = [
    "run",
    "std/sps/mail_settings",
    "target=sps",
    "sender=relay@example.com",
    "server=192.0.2.9",
    "alerting=soc@example.com",
];

#[test]
fn settings_are_changed_in_one_transaction_and_undo_writes_the_former_ones_back() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&RUN).code(0).out(&["sender_address", "relay@example.com", "changed", "\"ip\""]);
    assert_eq!(lab.count("PUT", "/api/transaction"), 1);
    let file = std::fs::read_dir(sandbox.path().join("out")).unwrap().next().unwrap().unwrap().path();
    assert!(std::fs::read_to_string(file).unwrap().contains("mail.example.com"));
    sandbox.run(&["runs", "undo", "latest", "--yes"]).code(0);
    let now = sandbox.script("print(to_json(target(\"sps\").management_email().body))", &[]).code(0).out;
    assert!(now.contains("mail.example.com") && now.contains("sps@example.com"), "{now}");
    content(&lab.lab.complaints());
}

#[test]
fn settings_that_are_there_already_open_no_transaction() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&RUN).code(0);
    sandbox.run(&RUN).code(0).out(&["nothing to do"]);
    assert_eq!(lab.count("POST", "/api/transaction"), 1);
}

#[test]
fn a_dry_run_opens_no_transaction_and_writes_no_file() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&[&RUN[..], &["--dry-run"]].concat()).code(0).out(&["planned", "management_email_replace"]);
    assert_eq!(lab.lab.counts().1, 0);
    assert!(!sandbox.path().join("out").exists());
}

#[test]
fn wishes_that_cannot_be_are_refused_before_anything_is_sent() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    for (wish, why) in [
        ("sender=nobody", "'nobody' is no mail address"),
        ("admin=none", "admin_address cannot be none"),
        ("server=smtp://mail", "is no name and no address"),
    ] {
        sandbox.run(&["run", "std/sps/mail_settings", "target=sps", wish]).code(1).err(&[why]);
    }
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn a_change_that_is_refused_leaves_everything_as_it_was() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    lab.lab.set_faults(faults(&["every=2:403@management/email"]));
    // The first request reads, the second is the read of the change.
    sandbox.run(&RUN).code(1).err(&["step change failed"]);
    assert_eq!(lab.count("PUT", "/api/transaction"), 0, "nothing was committed");
    assert_eq!(lab.count("DELETE", "/api/transaction"), 1, "the transaction was rolled back");
}
