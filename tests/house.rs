//! The house: imports point one way, and what is shipped can be run.

use std::path::{Path, PathBuf};

/// The folders of `src/`, from the human down to the facts. What stands in a row may use its own
/// row's right neighbours and everything below, and nothing above.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["repl", "service", "tester"],
    &["trigger", "run"],
    &["journal", "engine", "lab"],
    &["door"],
    &["vendors"],
    &["catalog", "config"],
];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&name))
}

#[test]
fn imports_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    let mut offenders = Vec::new();
    for file in all {
        let inside = file.strip_prefix(&root).unwrap();
        let Some(own) = inside.components().next().and_then(|part| floor(&part.as_os_str().to_string_lossy())) else {
            // The small common types use nothing above them.
            let text = std::fs::read_to_string(&file).unwrap();
            let above =
                FLOORS.iter().flat_map(|floor| floor.iter()).find(|name| text.contains(&format!("crate::{name}::")));
            let is_root = ["lib.rs", "main.rs"].iter().any(|name| inside == Path::new(name));
            offenders.extend(above.filter(|_| !is_root).map(|name| format!("{} uses {name}", inside.display())));
            continue;
        };
        let text = std::fs::read_to_string(&file).unwrap();
        for (level, names) in FLOORS.iter().enumerate() {
            for name in names.iter().filter(|_| level < own) {
                if text.contains(&format!("crate::{name}::")) {
                    offenders.push(format!("{} uses {name}", inside.display()));
                }
            }
        }
        let in_tests = inside.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        if text.contains("reqwest::") && !inside.starts_with("door") && !in_tests {
            offenders.push(format!("{} sends requests outside the door", inside.display()));
        }
        // The lab may look up which calls there are, so that a new row is served at once; how a request
        // is made of one is the client's, and what the lab judges.
        let lists = ["use crate::catalog::Catalog;", "use crate::catalog::{Catalog, Kind};"];
        let bare = lists.iter().fold(text.clone(), |text, list| text.replace(list, ""));
        if inside.starts_with("lab")
            && ["crate::door", "crate::catalog", "crate::vendors"].iter().any(|name| bare.contains(name))
        {
            offenders.push(format!("{} of the lab uses the client's own code", inside.display()));
        }
    }
    assert!(offenders.is_empty(), "{}", offenders.join("\n"));
}

#[test]
fn the_reference_pages_are_what_the_catalog_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    for vendor in beadle::catalog::Catalog::builtin().vendors() {
        let written = std::fs::read_to_string(folder.join(format!("{}.md", vendor.id))).unwrap_or_default();
        let wanted = beadle::catalog::reference::page(vendor);
        assert!(
            written == wanted,
            "docs/reference/{}.md is stale: cargo run -- calls document docs/reference",
            vendor.id
        );
    }
}

#[test]
fn nothing_outside_the_door_asks_how_a_run_meets_the_world() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&root, &mut all);
    // An intent makes the mode of its run; nobody else names one.
    let elsewhere = all.iter().filter(|file| !file.starts_with(root.join("door")) && !file.ends_with("run/intent.rs"));
    let named = |text: &str| ["Mode::Live", "Mode::Dry", "Mode::Apply"].iter().any(|name| text.contains(name));
    let offenders: Vec<_> = elsewhere.filter(|file| named(&std::fs::read_to_string(file).unwrap())).collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}

#[test]
fn every_file_says_what_lives_in_it() {
    let mut all = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let bare: Vec<String> = all
        .iter()
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//!"))
        .map(|file| file.display().to_string())
        .collect();
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn the_template_is_a_configuration_and_names_every_key() {
    let sandbox = crate::support::Sandbox::new();
    sandbox.run(&["init", "project"]).code(0).out(&["made beadle.toml", "made playbooks/hello.rhai"]);
    sandbox.run(&["--config", "project/beadle.toml", "targets", "list"]).code(0);
    sandbox.run(&["init", "project"]).code(2).err(&["is a project already"]);
    sandbox
        .run(&["--config", "project/beadle.toml", "playbooks", "list"])
        .code(0)
        .out(&["hello", "std/seg/bulk_ip_block"]);
}

#[test]
fn playbooks_explain_themselves() {
    let sandbox = crate::support::Sandbox::new();
    sandbox.run(&["run", "std/seg/bulk_ip_block", "--help"]).code(0).out(&[
        "Blocks every address",
        "group",
        "at least 1",
        "Effects: read, change",
    ]);
    sandbox.run(&["run", "--help"]).code(0).out(&["--dry-run", "--allow"]);
    sandbox.run(&["--help"]).code(0).out(&["Exit codes:", "130"]);
}

#[test]
fn the_demo_does_the_main_job() {
    let sandbox = crate::support::Sandbox::new();
    let ran =
        sandbox.run(&["demo"]).code(0).out(&["the lab saw no write", "started a run", "nothing to complain about"]);
    let wide: Vec<&str> = ran.out.lines().chain(ran.err.lines()).filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty(), "over 100 columns:\n{}", wide.join("\n"));
}
