//! The playbooks of the standard library: the good path, the dry run, and what happens when a phase fails.
//! One file for each playbook; what holds for all of them and for their modules is here.

mod asyncos_blocklist;
mod asyncos_mail_report;
mod asyncos_trace_message;
mod fleet_health;
mod fleet_inventory;
mod seg_backup;
mod seg_group_sync;
mod seg_health;
mod seg_quarantine_search;
mod seg_queue_purge;
mod spectra_backup;
mod spectra_license_report;
mod sps_config_drift;
mod sps_config_snapshot;
mod sps_mail_settings;

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
