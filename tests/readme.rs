//! What the README shows is run.

use beadle::lab::{AsyncosOptions, Product, SpsOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{asyncos, content, sps};

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let mut blocks = Vec::new();
    let mut inside: Option<String> = None;
    for line in readme.lines() {
        match &mut inside {
            None if line == format!("```{language}") => inside = Some(String::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(inside.take()),
            Some(text) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}

#[test]
fn the_readmes_scripts_run() {
    let seg = Seg::ten();
    let scripts = blocks("rhai");
    assert!(!scripts.is_empty());
    for script in scripts {
        let (sma, sps) = (
            asyncos(AsyncosOptions { product: Product::Sma, ..AsyncosOptions::default() }),
            sps(SpsOptions::default()),
        );
        let configuration = [
            seg.target("seg-prod"),
            sma.sandbox("sma", "jwt", "").read("beadle.toml"),
            sps.sandbox("").read("beadle.toml"),
        ];
        let sandbox = Sandbox::new();
        sandbox.write("beadle.toml", &configuration.join("\n"));
        sandbox.script(&script, &["--dry-run"]).code(0);
        sandbox.script(&script, &["--yes"]).code(0);
        for complaints in [seg.lab.complaints(), sma.lab.complaints(), sps.lab.complaints()] {
            content(&complaints);
        }
    }
}

#[test]
fn the_readmes_configuration_is_one() {
    let configurations = blocks("toml");
    assert!(!configurations.is_empty());
    for text in configurations {
        let sandbox = Sandbox::new();
        sandbox.write("beadle.toml", &text);
        sandbox.run(&["targets", "list"]).code(0).out(&["seg-prod"]);
    }
}

#[test]
fn the_test_command_is_the_one_that_ci_calls() {
    let ci = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.ci/run")).unwrap();
    for command in ["cargo nextest run", "cargo run --release"] {
        assert!(readme().contains(command) && ci.contains(command), "{command}");
    }
}

#[test]
fn the_example_scripts_run() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    let mut tests = String::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(text.starts_with("//! ") && text.lines().count() <= 40, "{name} says what it shows, and is short");
        sandbox.write(&format!("playbooks/{name}.rhai"), &text);
        let mut params = String::new();
        if text.contains("//! target = {") {
            let vendor = text.split("vendor = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            params.push_str(&format!("target: lab(\"{vendor}\"), "));
        }
        if text.contains("//! domain = {") {
            params.push_str("domain: \"example.net\", ");
        }
        if text.contains("//! list = {") {
            params.push_str("list: file(\"list.txt\", \"192.0.2.7\\n198.51.100.0/25\\n198.51.100.128/25\\n\"), ");
        }
        let fleet = if text.contains("targets(") {
            "for vendor in [\"seg\", \"asyncos\", \"sps\"] { lab(vendor); }"
        } else {
            ""
        };
        tests.push_str(&format!(
            "fn test_{name}() {{\n    {fleet}\n    let params = #{{ {params} }};\n    plan(\"{name}\", params);\n    let ran = \
             run(\"{name}\", params);\n    assert_eq(ran.error, ());\n    assert_eq(ran.outcome, \"succeeded\");\n}}\n"
        ));
    }
    let count = tests.matches("fn test_").count();
    assert!(count >= 12, "only {count} examples");
    sandbox.write("tests/examples.test.rhai", &tests);
    let ran = sandbox.run(&["test"]);
    assert!(ran.code == 0, "{}{}", ran.out, ran.err);
}
