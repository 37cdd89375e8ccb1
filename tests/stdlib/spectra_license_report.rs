//! `std/spectra/license_report`.

use beadle::lab::SpectraOptions;

use crate::support::vendors::{content, spectra};

const RUN: [&str; 3] = ["run", "std/spectra/license_report", "target=spectra"];

#[test]
fn licences_are_a_table_and_a_file_and_what_is_not_told_is_said() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    sandbox
        .run(&[&RUN[..], &["csv=out/licences.csv"]].concat())
        .code(0)
        .out(&["hub-1", "VALID", "not told"])
        .err(&["tells no licence of worker-1, analyze-1"]);
    assert!(
        sandbox.read("out/licences.csv").starts_with("appliance,state,status,end,days,serial,machine\nhub-1,ok,VALID,")
    );
    assert_eq!(lab.lab.counts().1, 0, "it only reads");
    content(&lab.lab.complaints());
}

#[test]
fn the_managers_own_licence_is_asked_for_on_wish_and_never_in_a_dry_run() {
    let lab = spectra(SpectraOptions::default());
    let sandbox = lab.sandbox("");
    let dry = [&RUN[..], &["manager=true", "--dry-run"]].concat();
    let ran = sandbox.run(&dry).code(0).err(&["is not shown"]);
    assert!(!ran.out.contains("lab-1"), "{}", ran.out);
    assert_eq!(lab.lab.counts().1, 0);
    let ran = sandbox.run(&[&RUN[..], &["manager=true", "--format", "json"]].concat()).code(0);
    assert!(ran.out.contains("\"machine\":\"lab-1\""), "{}", ran.out);
    assert_eq!(lab.count("GET", "/api/v1/license/"), 1);
}

/// What the playbook makes of an answer, told by a playbook whose appliance answers so.
fn states(answer: &str) -> String {
    let text = beadle::engine::stdlib("std/spectra/license_report").unwrap();
    let (_, functions) = text.split_once("let detect = target(params.target);").unwrap();
    let (functions, _) = functions.split_once("let names = step(").unwrap();
    let script = format!(
        "{functions}\nfor one in licences_in({answer}) {{ print(`${{one.name}} ${{row_of(one, 30).state}}`); }}"
    );
    crate::support::Sandbox::new().script(&script, &[]).code(0).out
}

#[test]
fn what_needs_somebody_is_found_whatever_form_the_answer_has() {
    let soon = "format_time(now() + duration(\"480h\"), \"%Y-%m-%d\", \"UTC\")";
    assert_eq!(states(&format!("[#{{ status: \"VALID\", expiryDate: {soon} }}]")), " ending\n");
    assert_eq!(
        states("#{ hub: #{ status: \"VALID\", expiryDate: \"2020-01-01\" }, w: #{ status: \"INVALID\" } }"),
        "hub ended\nw not valid\n"
    );
    assert_eq!(states("#{ results: [#{ status: \"valid\", expiryDate: \"2199-01-01\" }] }"), "results ok\n");
    assert_eq!(states("[#{ status: \"VALID\", expiryDate: \"who knows\" }]"), " ok\n");
}

#[test]
fn a_list_that_cannot_be_had_fails_the_run() {
    for (part, phase) in
        [("configuration/appliances", "preflight"), ("appliances/licensing", "licences of the appliances")]
    {
        let lab = spectra(SpectraOptions::default());
        lab.lab.set_faults(crate::support::vendors::faults(&[&format!("every=1:403@{part}")]));
        lab.sandbox("").run(&RUN).code(1).err(&[&format!("step {phase} failed")]);
    }
}
