//! `beadle check`: what it says of each kind of mistake, and that `run` refuses the same.
//!
//! Cases are `tests/cases/check/NAME.rhai` with what is said of them in `NAME.txt` beside. A changed
//! wording is written anew by `UPDATE_CASES=1 cargo nextest run -E 'test(check::)'`; look at what
//! `git diff` shows before it is committed.

use std::path::{Path, PathBuf};

use beadle::engine::check::Code;

use crate::support::lab::Seg;
use crate::support::{Ran, Sandbox};

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/check")
}

/// Every case by its name, and its script. A module is no case of its own.
fn scripts() -> Vec<(String, String)> {
    let mut scripts: Vec<(String, String)> = std::fs::read_dir(cases())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rhai"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap()))
        .filter(|(name, _)| name != "module")
        .collect();
    scripts.sort();
    assert!(scripts.len() > 15, "the cases are gone");
    scripts
}

/// A project with a SEG of each generation and an SPS, and the cases in it.
fn project(seg: &Seg) -> Sandbox {
    let old = "[targets.seg-old]\nvendor = \"seg\"\nurl = \"https://old.example.com\"\nversion = \"8\"\n\
               auth = { method = \"basic\", username = \"api\", password = { env = \"SEG_PASSWORD\" } }\n";
    let sps = "[targets.sps]\nvendor = \"sps\"\nurl = \"https://sps.example.com\"\n\
               auth = { method = \"session\", username = \"api\", password = { env = \"SEG_PASSWORD\" } }\n";
    let sandbox = Sandbox::with_seg(seg, &format!("{old}\n{sps}"));
    for (name, text) in scripts() {
        sandbox.write(&format!("{name}.rhai"), &text);
    }
    sandbox.write("module.rhai", &std::fs::read_to_string(cases().join("module.rhai")).unwrap());
    sandbox
}

/// What is said, against the file beside the case.
fn compare(name: &str, sandbox: &Sandbox, ran: &Ran, differences: &mut Vec<String>) {
    let folder = sandbox.path().canonicalize().unwrap();
    let said = format!("{}{}", ran.out, ran.err).replace(&folder.display().to_string(), "PROJECT");
    let file = cases().join(format!("{name}.txt"));
    #[expect(clippy::disallowed_methods, reason = "the way to write the cases anew, which no program reads")]
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&file, &said).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    if said != wanted {
        differences.push(format!("-- {name}: wanted\n{wanted}\n-- said\n{said}"));
    }
}

#[test]
fn each_kind_of_mistake_is_drawn_as_its_case_says() {
    let seg = Seg::ten();
    let sandbox = project(&seg);
    let mut differences = Vec::new();
    for (name, _) in scripts() {
        compare(&name, &sandbox, &sandbox.run(&["check", &format!("{name}.rhai")]), &mut differences);
    }
    let mut sandbox = Sandbox::new();
    sandbox.env("SHORT", "1234567");
    sandbox.write("beadle.toml", &std::fs::read_to_string(cases().join("project.toml")).unwrap());
    let ran = sandbox.run(&["check"]).code(3);
    assert!(!ran.out.contains("1234567"), "a secret is shown");
    compare("project", &sandbox, &ran, &mut differences);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn there_is_a_case_for_each_kind_of_mistake() {
    let mut said = std::fs::read_to_string(cases().join("project.txt")).unwrap();
    for (name, _) in scripts() {
        said.push_str(&std::fs::read_to_string(cases().join(format!("{name}.txt"))).unwrap());
    }
    let missing: Vec<&str> =
        Code::ALL.iter().map(|(_, word)| *word).filter(|word| !said.contains(&format!("[{word}]"))).collect();
    assert!(missing.is_empty(), "no case shows {missing:?}");
}

#[test]
fn what_check_rejects_is_not_run_and_what_it_lets_pass_is() {
    let seg = Seg::ten();
    let sandbox = project(&seg);
    for (name, _) in scripts() {
        let file = format!("{name}.rhai");
        let rejected = sandbox.run(&["check", &file]).code == 3;
        let ran = sandbox.run(&["run", &file, "--yes"]);
        if rejected {
            assert!([1, 2, 4].contains(&ran.code), "{name} ran: {}\n{}", ran.code, ran.err);
            assert!(seg.lab.requests().is_empty(), "{name} sent {:?}", seg.lab.requests());
        } else {
            ran.code(0);
        }
    }
    // What only the header forbids is a refusal.
    sandbox.run(&["run", "undeclared_effect.rhai"]).code(4).err(&["effects"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn what_is_shipped_is_clean() {
    let sandbox = Sandbox::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|path| path.ends_with(".rhai"))
        .collect();
    names.extend(beadle::engine::STDLIB.iter().map(|(name, _)| (*name).to_owned()));
    let arguments: Vec<&str> = ["check", "--strict"].into_iter().chain(names.iter().map(String::as_str)).collect();
    sandbox.run(&arguments).code(0).err(&["nothing is wrong"]);
    sandbox.run(&["init", "."]).code(0);
    sandbox.run(&["check", "--strict"]).code(0).err(&["2 files checked: nothing is wrong"]);
}

#[test]
fn exit_codes_and_json_say_what_was_found() {
    let sandbox = Sandbox::new();
    sandbox.run(&["check"]).code(2).err(&["nothing to check here"]);
    sandbox.write("beadle.toml", "");
    sandbox.write("playbooks/warned.rhai", "let unused = 1;");
    sandbox.run(&["check"]).code(0).out(&["warning[unused-variable]"]);
    sandbox.run(&["check", "--strict"]).code(3);
    sandbox.run(&["check", "nothing_there"]).code(2).err(&["there is no playbook or file"]);
    sandbox.write("playbooks/wrong.rhai", "\nprint(slepe(1));");
    let ran = sandbox.run(&["check", "--format", "json"]).code(3);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&json["errors"], &json["warnings"]), (&1.into(), &1.into()));
    let wrong = &json["findings"].as_array().unwrap().iter().find(|finding| finding["severity"] == "error").unwrap();
    let wanted = serde_json::json!({
        "severity": "error", "code": "unknown-function", "message": "there is no function 'slepe'",
        "file": "playbooks/wrong.rhai", "line": 2, "column": 7, "end_column": 12,
        "nearest": "sleep", "signature": wrong["signature"], "hint": null,
    });
    assert_eq!(**wrong, wanted);
}
