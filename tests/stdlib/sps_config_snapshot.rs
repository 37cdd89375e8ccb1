//! `std/sps/config_snapshot`.

use beadle::lab::SpsOptions;

use crate::support::vendors::{content, faults, sps};

const RUN: [&str; 4] = ["run", "std/sps/config_snapshot", "target=sps", "file=out/golden.json"];

#[test]
fn everything_that_the_links_lead_to_is_written_and_no_secret() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("allow = [\"read\"]\n");
    sandbox.run(&RUN).code(0).out(&["management", "ssh"]);
    let text = sandbox.read("out/golden.json");
    for part in ["/configuration/management/email", "/configuration/ssh/connections/-100", "Europe/Budapest", "8.0.0"] {
        assert!(text.contains(part), "{part} is missing");
    }
    assert!(text.contains("\"community\": \"***\"") && !text.contains("lab-community"));
    assert_eq!(lab.lab.counts().1, 0);
    content(&lab.lab.complaints());
}

#[test]
fn a_part_is_read_alone_and_one_that_there_is_not_is_told() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&[&RUN[..], &["subtrees=management,datetime"]].concat()).code(0);
    let text = sandbox.read("out/golden.json");
    assert!(text.contains("/configuration/datetime/timezone") && !text.contains("/configuration/ssh"), "{text}");
    sandbox.run(&[&RUN[..], &["subtrees=managment"]].concat()).code(1).err(&["there is no 'managment'; there are"]);
    sandbox
        .run(&[&RUN[..], &["subtrees=management/nothing"]].concat())
        .code(1)
        .err(&["/configuration/management/nothing cannot be read"]);
}

#[test]
fn a_dry_run_writes_no_file() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    sandbox.run(&[&RUN[..], &["subtrees=datetime", "--dry-run"]].concat()).code(0);
    assert!(!sandbox.path().join("out/golden.json").exists());
    assert_eq!(lab.lab.counts().1, 0);
}

#[test]
fn what_cannot_be_read_fails_the_run_unless_a_part_will_do() {
    let lab = sps(SpsOptions::default());
    let sandbox = lab.sandbox("");
    lab.lab.set_faults(faults(&["every=1:403@management/email"]));
    sandbox.run(&RUN).code(1).err(&["/configuration/management/email cannot be read", "partial=true"]);
    assert!(!sandbox.path().join("out/golden.json").exists());
    sandbox.run(&[&RUN[..], &["partial=true"]].concat()).code(0);
    assert!(sandbox.read("out/golden.json").contains("\"unreadable\": [\n    \"/configuration/management/email\""));
}
