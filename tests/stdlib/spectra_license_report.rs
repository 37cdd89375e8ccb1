//! What `std/spectra/license_report` makes of answers whose form is not published.

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
