//! What holds for all playbooks and modules of the standard library. What each playbook does is told by its own
//! tests, `stdlib/…/NAME.test.rhai`; what only Rust can look at is here.

mod spectra_license_report;

use crate::support::Sandbox;

/// The built-in scripts that are playbooks.
fn playbooks() -> impl Iterator<Item = &'static str> {
    beadle::engine::STDLIB.iter().filter(|(_, text)| text.contains("//! ```toml")).map(|(name, _)| *name)
}

#[test]
fn nothing_is_wrong_with_any_playbook_and_its_help_names_every_parameter() {
    let sandbox = Sandbox::new();
    let mut seen = 0;
    for name in playbooks() {
        sandbox.run(&["check", name, "--strict"]).code(0);
        let text = beadle::engine::stdlib(name).unwrap();
        let parameters = text.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(" = { type = "));
        let help = sandbox.run(&["run", name, "--help"]).code(0);
        for (parameter, _) in parameters {
            assert!(help.out.contains(parameter), "{name}: {parameter} is not in\n{}", help.out);
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} parameters");
}

#[test]
fn the_page_of_the_playbooks_is_what_their_headers_say() {
    let sandbox = Sandbox::new();
    let mut page =
        "# Playbooks\n\nThis page is made from the headers; `beadle playbooks show NAME` shows the same.\n".to_owned();
    for name in playbooks() {
        let shown = sandbox.run(&["playbooks", "show", name]).code(0).out;
        page.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", shown.trim_end()));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/playbooks.md");
    #[expect(clippy::disallowed_methods, reason = "the way to write the page anew, which no program reads")]
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/playbooks.md is stale: UPDATE_CASES=1 cargo nextest run -E 'test(page_of_the_playbooks)'"
    );
}

#[test]
fn a_csv_file_has_its_columns_in_order_and_no_formula() {
    let script = r#"import "std/report" as report;
        let rows = [#{ b: "=1+1", a: 5, c: "x,\"y\"" }, #{ a: -2 }];
        report::save("out/r.csv", rows, ["b", "a", "c"]);
        report::save("out/none.csv", [], ["b", "a"]);
        print(report::save("", rows, ["a"]));
        print([report::size(999), report::size(1000), report::size(181204), report::size(2550000)]);
        print(report::listed([1, 2, 3], 2)); print(report::instant(1621476000));"#;
    let sandbox = Sandbox::new();
    let ran = sandbox.script(script, &[]).code(0);
    assert_eq!(sandbox.read("out/r.csv"), "b,a,c\n'=1+1,5,\"x,\"\"y\"\"\"\n,-2,\n");
    assert_eq!(sandbox.read("out/none.csv"), "b,a\n");
    assert!(ran.out.contains("[\"999 bytes\", \"1.0 kB\", \"181 kB\", \"2.5 MB\"]"), "{}", ran.out);
    assert!(ran.out.contains("1, 2 and 1 more\n2021-05-20T02:00:00Z"), "{}", ran.out);
}

#[test]
fn documents_differ_where_something_was_changed_added_or_taken_away() {
    let script = r#"import "std/diff" as diff;
        let golden = #{ a: #{ b: 1, gone: 2, list: [1, 2] }, same: [#{ x: () }], noise: #{ at: 1 } };
        let actual = #{ a: #{ b: 3, list: [1, 5], new: true }, same: [#{ x: () }], noise: #{ at: 2 } };
        for row in diff::documents(golden, actual, ["noise"]) { print(`${row.place}|${row.golden}|${row.actual}`); }
        let parts = diff::lists(["A@x", "b@x"], ["a@X", "c@x"]);
        print(`${parts.missing} ${parts.extra} ${parts.same}`);"#;
    Sandbox::new()
        .script(script, &[])
        .code(0)
        .out(&["a.b|1|3\na.gone|2|\na.list.1|2|5\na.new||true\n[\"c@x\"] [\"b@x\"] [\"a@X\"]\n"]);
}

/// The phases that a playbook's header names.
fn phases(name: &str) -> Vec<String> {
    beadle::run::header::Header::parse(beadle::engine::stdlib(name).unwrap()).unwrap().phases
}

#[test]
fn every_playbook_names_its_phases_and_its_steps_are_called_so() {
    let mut offenders = Vec::new();
    for name in playbooks() {
        let text = beadle::engine::stdlib(name).unwrap();
        let phases = phases(name);
        if phases.is_empty() {
            offenders.push(format!("{name} names no phases"));
        }
        for phase in phases {
            let begins = |call: &str| {
                text.contains(&format!("{call}(\"{phase}\"")) || text.contains(&format!("{call}(`{phase}"))
            };
            // The sections of a file are steps that are called like their section.
            let of_sections = name == "std/spectra/manager_setup" && text.contains("step(task.name");
            if !["step", "phases::each", "waves::roll"].iter().any(|call| begins(call)) && !of_sections {
                offenders.push(format!("{name} has no step for its phase '{phase}'"));
            }
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

/// All tests of the standard library, once: each phase that a header names fails in one of them, every script is loaded,
/// and what no test reaches is named here with the reason.
#[test]
fn the_tests_of_the_standard_library_pass_and_reach_every_phase() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["test", "std", "--format", "json", "--junit", "junit.xml"]);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let tests = report["tests"].as_array().unwrap();
    let failed: Vec<String> =
        tests.iter().filter(|test| test["outcome"] == "failed").map(|test| test.to_string()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    let mut offenders = Vec::new();
    for name in playbooks() {
        let steps = report["playbooks"][name]["failed_steps"].as_array().cloned().unwrap_or_default();
        let fails = |phase: &str| steps.iter().any(|step| step.as_str().unwrap().starts_with(phase));
        // A report that writes no file only shows a table.
        let shows = !beadle::engine::stdlib(name).unwrap().contains("report::save");
        let cannot = |phase: &str| CANNOT_FAIL.contains(&(name, phase)) || (phase == "report" && shows);
        for phase in phases(name).iter().filter(|phase| !fails(phase) && !cannot(phase)) {
            offenders.push(format!("{name}: no test has its phase '{phase}' fail"));
        }
        let own = |part: &str| {
            tests.iter().any(|test| {
                test["file"] == format!("{name}.test.rhai") && test["test"].as_str().unwrap().contains(part)
            })
        };
        if !own("dry_run") {
            offenders.push(format!("{name}: no test of a dry run"));
        }
        let changes = beadle::engine::stdlib(name).unwrap().contains("\"change\"");
        if changes && !own("kill") {
            offenders.push(format!("{name}: no test kills it in the middle"));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
    let missing: Vec<&str> = report["reached"]["functions"]["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(missing.is_empty(), "no test reaches {}", missing.join(", "));
    let xml = sandbox.read("junit.xml");
    assert!(xml.contains("beadle.calls.reached"), "{xml}");
}

/// Phases that the lab cannot let fail.
const CANNOT_FAIL: &[(&str, &str)] = &[
    // What an appliance does not tell of one message is a warning.
    ("std/asyncos/trace_message", "events"),
    // It compares two values that are there.
    ("std/sps/config_drift", "compare"),
    // Only a disk that loses what was written.
    ("std/sps/config_snapshot", "verify"),
    // The lab has no archive that is too small; `std/spectra/backup` asks for a larger one.
    ("std/spectra/backup_then_upgrade", "verify the backup"),
];
