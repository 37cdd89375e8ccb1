//! Completion in shells, definition files, manual pages: what is written is what there is.

use std::process::Stdio;

use crate::support::Sandbox;
use crate::support::lab::Seg;

/// What bash would offer at the end of a line, by its own machinery.
fn bash(sandbox: &Sandbox, line: &str) -> Vec<String> {
    let program = "source <(\"$1\" completions bash); COMP_LINE=\"$2\"; COMP_POINT=${#2}; _beadle \"$1\"; \
                   printf '%s\\n' \"${COMPREPLY[@]}\"";
    // The binary is asked by its path, as the shell has it.
    let binary = sandbox.command(&[]).get_program().to_owned();
    let mut shell = std::process::Command::new("bash");
    shell.args(["--norc", "-c", program, "bash"]).arg(&binary).arg(line).current_dir(sandbox.path());
    shell.env("HOME", sandbox.path().join("home")).stdin(Stdio::null());
    let output = shell.output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn project() -> (Sandbox, Seg) {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[secrets.vault]\nenv = \"X\"\n");
    sandbox.write(
        "playbooks/nightly.rhai",
        "//! Does it every night.\n//!\n//! ```toml\n//! [params]\n\
         //! target = { type = \"target\", vendor = \"seg\", doc = \"where\" }\n\
         //! level = { type = \"string\", choices = [\"low\", \"high\"], default = \"low\", doc = \"how much\" }\n\
         //! list = { type = \"path\", doc = \"what\" }\n//! key = { type = \"secret\", doc = \"with\" }\n//! ```\n1",
    );
    sandbox.write("lists/bad.txt", "");
    (sandbox, seg)
}

#[test]
fn bash_completes_commands_playbooks_parameters_and_targets() {
    let (sandbox, _seg) = project();
    for (line, wanted) in [
        ("beadle pla", vec!["plan", "playbooks"]),
        ("beadle --format ", vec!["human", "json"]),
        ("beadle run ni", vec!["nightly"]),
        ("beadle run nightly ", vec!["target=", "level=", "list=", "key="]),
        ("beadle run nightly list=x lev", vec!["level="]),
        // bash takes what stands behind the sign as a word of its own.
        ("beadle run nightly target=", vec!["seg"]),
        ("beadle run nightly level=h", vec!["high"]),
        ("beadle run nightly list=lists/", vec!["lists/bad.txt"]),
        ("beadle run nightly key=", vec!["vault", "env:"]),
        ("beadle run --timeout 5s nightly tar", vec!["target="]),
        ("beadle targets check s", vec!["seg"]),
        ("beadle calls show ip_group_d", vec!["ip_group_delta"]),
        ("beadle calls list --vendor=as", vec!["asyncos"]),
    ] {
        assert_eq!(bash(&sandbox, line), wanted, "{line}");
    }
    let commands = bash(&sandbox, "beadle ");
    assert!(commands.contains(&"repl".to_owned()) && !commands.contains(&"complete".to_owned()), "{commands:?}");
}

#[test]
fn a_firing_by_hand_is_completed_like_a_run_of_its_playbook() {
    let (sandbox, _seg) = project();
    let config = sandbox.read("beadle.toml");
    let triggers = "[schedules.every-night]\nplaybook = \"nightly\"\ncron = \"0 2 * * *\"\n\
                    [watches.feed]\nplaybook = \"nightly\"\npaths = [\"inbox/*\"]\n\
                    [watches.gone]\nplaybook = \"missing\"\npaths = [\"inbox/*\"]\n";
    sandbox.write("beadle.toml", &format!("{config}\n{triggers}"));
    for (line, wanted) in [
        ("beadle triggers fire ", vec!["every-night", "feed", "gone"]),
        ("beadle triggers fire every-night ", vec!["target=", "level=", "list=", "key="]),
        ("beadle triggers fire every-night level=high l", vec!["list="]),
        ("beadle triggers fire every-night target=", vec!["seg"]),
        ("beadle triggers fire every-night path=", vec![""]),
        // A watch is handed a file.
        ("beadle triggers fire feed ", vec!["path=", "target=", "level=", "list=", "key="]),
        ("beadle triggers fire feed path=lists/", vec!["lists/bad.txt"]),
        ("beadle triggers fire feed path=lists/bad.txt le", vec!["level="]),
        ("beadle triggers fire gone ", vec![""]),
        // A playbook is none that could go off, and other commands take triggers alone.
        ("beadle triggers fire nightly ", vec![""]),
        ("beadle triggers pause feed ev", vec!["every-night"]),
    ] {
        assert_eq!(bash(&sandbox, line), wanted, "{line}");
    }
}

#[test]
fn zsh_and_fish_get_help_beside_every_word() {
    let (sandbox, _seg) = project();
    for shell in ["zsh", "fish"] {
        let ran = sandbox.run(&["complete", shell, "--", "run", "nightly", "t"]).code(0);
        assert_eq!(ran.out, "target=\twhere (target, required, of vendor seg)\n");
        let ran = sandbox.run(&["complete", shell, "--", "run", "nightly", "target="]).code(0);
        assert!(ran.out.starts_with("target=seg\tseg at http://127.0.0.1:"), "{}", ran.out);
        let script = sandbox.run(&["completions", shell]).code(0);
        assert!(script.out.contains(&format!("complete {shell} -- ")), "{}", script.out);
    }
}

#[test]
fn a_broken_configuration_does_not_break_a_line() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "[nonsense");
    let ran = sandbox.run(&["complete", "fish", "--", "play"]).code(0);
    assert!(ran.out.starts_with("playbooks\t") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
}

#[test]
fn definition_files_name_every_call_and_host_function() {
    let sandbox = Sandbox::new();
    sandbox.run(&["definitions", "defs"]).code(0);
    let tests = sandbox.read("defs/beadle_test.d.rhai");
    for function in ["fn lab(", "fn run(", "fn resume(", "fn undo(", "fn faults(", "fn written(", "fn assert_throws("] {
        assert!(tests.contains(function), "{function} is not in\n{tests}");
    }
    let text = sandbox.read("defs/__static__.d.rhai");
    let missing: Vec<&str> = beadle::catalog::Catalog::builtin()
        .rows()
        .filter(|row| row.kind != beadle::catalog::Kind::Session)
        .map(|row| row.name)
        .chain(["sleep", "parallel", "read_networks", "transaction", "quarantine_find"])
        .filter(|name| !text.contains(&format!("fn {name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(text.contains("/// - `max_rows` (int, required, at least 1) The most rows that come back."));
    assert!(sandbox.read("defs/__scope__.d.rhai").contains("const params: map;"));
}

#[test]
fn every_command_has_a_manual_page() {
    let sandbox = Sandbox::new();
    sandbox.run(&["man", "man"]).code(0);
    let page = sandbox.read("man/beadle-run.1");
    assert!(page.contains("\\-\\-dry\\-run") && page.contains("PLAYBOOK"), "{page}");
    assert!(sandbox.read("man/beadle.1").contains("Exit codes"), "the exit codes are missing");
    assert!(!sandbox.path().join("man/beadle-complete.1").exists());
}

#[test]
fn a_search_says_how_much_it_leaves_out() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["calls", "search", "ban", "network"]).code(0).out(&["seg.ip_group_delta"]);
    assert!(ran.out.lines().nth(1).unwrap_or_default().starts_with("seg.ip_group_delta"), "{}", ran.out);
    let many = sandbox.run(&["calls", "search", "report"]).code(0);
    assert!(many.out.lines().count() <= 60 && many.err.contains("more"), "{}", many.out.lines().count());
}
