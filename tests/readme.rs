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
    let seg = Seg::ten();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rhai") {
            continue;
        }
        let sandbox = Sandbox::new();
        sandbox.write("beadle.toml", &seg.target("seg-prod"));
        let text = std::fs::read_to_string(&path).unwrap();
        sandbox.write("script.rhai", &text);
        let parameters: &[&str] =
            if text.contains("domain = {") { &["target=seg-prod", "domain=example.net"] } else { &[] };
        sandbox.run(&[&["run", "script.rhai"], parameters, &["--dry-run"]].concat()).code(0);
    }
    seg.is_content();
}
