//! The prompt as a person has it: on a real pseudo-terminal.

use std::os::unix::fs::PermissionsExt;

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::terminal::{Terminal, keys};

const ADD: &str = "seg.group_member_add(3, #{ member_type: 1, member_data: \"x@example.net\" })";

#[test]
fn a_line_is_typed_in_colours_and_answered_by_a_table() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let terminal = Terminal::prompt(&sandbox, 80);
    for key in "seg.groups()".chars() {
        terminal.press(&key.to_string());
    }
    terminal.sees("beadle> seg.groups()");
    terminal.press(keys::ENTER);
    terminal.sees("Blocked senders");
    terminal.waits_for_input("beadle>");
    terminal.enter("_.len()");
    terminal.until("the number", |screen| screen.lines().any(|line| line.trim() == "2"));
    seg.is_content();
}

#[test]
fn tab_offers_what_fits_with_help_beside_it() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let terminal = Terminal::prompt(&sandbox, 80);
    terminal.press("seg.gro");
    terminal.press(keys::TAB);
    terminal.sees("List every user group");
    terminal.sees("group_member_add");
    assert!(!terminal.has_wrapped_lines(), "{}", terminal.screen());
    terminal.press("_members(3, #{ me");
    terminal.sees("beadle> seg.group_members(3, #{ me");
    terminal.press(keys::CANCEL);
    terminal.waits_for_input("beadle>");
    terminal.press("seg.ip_group_delta(15, #{ ");
    terminal.press(keys::TAB);
    terminal.sees("Entries to remove, by their range.");
    terminal.press(keys::CANCEL);
    terminal.waits_for_input("beadle>");
    terminal.press("target(\"");
    terminal.press(keys::TAB);
    terminal.sees("beadle> target(\"seg");
    terminal.press(keys::CANCEL);
    terminal.waits_for_input("beadle>");
    terminal.press(":ta");
    terminal.press(keys::TAB);
    terminal.sees("the last value as a table");
}

#[test]
fn what_is_offered_has_a_line_of_its_own_on_a_wide_screen_too() {
    let sandbox = Sandbox::with_seg(&Seg::ten(), "");
    let terminal = Terminal::prompt(&sandbox, 200);
    terminal.press("seg.serv");
    terminal.press(keys::TAB);
    terminal.sees("List the processing servers");
    terminal.until("a line for each", |screen| screen.lines().any(|line| line.starts_with("servers  ")));
}

#[test]
fn ctrl_c_cancels_the_call_and_keeps_the_session() {
    let seg = Seg::faulty(&["latency=1900ms"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let terminal = Terminal::prompt(&sandbox, 80);
    terminal.enter("let kept = 41;");
    terminal.waits_for_input("beadle>");
    for line in ["seg.groups()", "sleep(\"1h\")", "loop { }"] {
        terminal.enter(line);
        terminal.sees("Ctrl-C cancels");
        terminal.press(keys::CANCEL);
        terminal.sees("the run was cancelled");
        terminal.waits_for_input("beadle>");
        terminal.wipe();
    }
    terminal.enter("kept + 1");
    terminal.sees("42");
}

#[test]
fn a_line_goes_on_as_long_as_the_parser_says() {
    let sandbox = Sandbox::with_seg(&Seg::ten(), "");
    let terminal = Terminal::prompt(&sandbox, 80);
    terminal.enter("fn triple(x) {");
    terminal.enter("x * 3");
    terminal.enter("}");
    terminal.waits_for_input("beadle>");
    terminal.enter("triple(14)");
    terminal.sees("42");
    terminal.then("let a = [1, 2");
    terminal.enter("];");
    terminal.waits_for_input("beadle>");
    terminal.enter("a.len() + 5");
    terminal.sees("7");
}

#[test]
fn what_is_shown_fits_the_terminal_and_follows_its_size() {
    let sandbox = Sandbox::with_seg(&Seg::ten(), "");
    let terminal = Terminal::prompt(&sandbox, 120);
    terminal.enter("let rows = [];");
    terminal.then("for n in 0..3 { rows.push(#{ id: n, text: \"word \" + n, more: \"x\".to_upper() }); }");
    terminal.then("rows.map(|row| { row.text.pad(36, 'y'); row.more.pad(36, 'z'); row })");
    terminal.sees("word 2yyyy");
    terminal.sees("Xzzzz");
    terminal.resize(60);
    terminal.wipe();
    terminal.enter("_");
    terminal.sees("not shown: text (:table)");
    terminal.waits_for_input("beadle>");
    assert!(!terminal.has_wrapped_lines(), "{}", terminal.screen());
    terminal.resize(120);
    terminal.wipe();
    terminal.enter("_");
    terminal.sees("word 2yyyy");
    assert!(!terminal.screen().contains("not shown"), "{}", terminal.screen());
}

#[test]
fn the_history_comes_back_and_keeps_no_secret() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let mut terminal = Terminal::prompt(&sandbox, 100);
    terminal.enter("let note = \"something to recall\";");
    terminal.waits_for_input("beadle>");
    terminal.enter("let api_token = \"canary-one\";");
    terminal.waits_for_input("beadle>");
    // A secret of the configuration, once it is known, is masked wherever it stands.
    terminal.enter("seg.groups().len()");
    terminal.waits_for_input("beadle>");
    terminal.enter(&format!("let words = \"{}\";", crate::support::lab::PASSWORD));
    terminal.waits_for_input("beadle>");
    terminal.press(keys::END);
    assert_eq!(terminal.ended(), Some(0));
    let file = sandbox.path().join(".beadle/history");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("something to recall") && text.contains("let api_token = \"***\";"), "{text}");
    assert!(!text.contains("canary") && !text.contains(crate::support::lab::PASSWORD), "{text}");
    let again = Terminal::prompt(&sandbox, 100);
    for _ in 0..4 {
        again.press(keys::UP);
    }
    again.sees("beadle> let note = \"something to recall\";");
}

#[test]
fn a_change_is_shown_and_asked_for() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let terminal = Terminal::prompt(&sandbox, 100);
    terminal.enter(ADD);
    for text in ["target  seg", "call    group_member_add", "x@example.net", "Send it? [y]es, [a]ll"] {
        terminal.sees(text);
    }
    assert_eq!(seg.writes(), 0);
    terminal.press("n\r");
    terminal.sees("you did not confirm this request");
    terminal.waits_for_input("beadle>");
    assert_eq!(seg.writes(), 0);
    terminal.wipe();
    terminal.enter(ADD);
    terminal.sees("Send it?");
    // Ctrl-C at the question is a no, and ends the line.
    terminal.press(keys::CANCEL);
    terminal.waits_for_input("beadle>");
    assert_eq!(seg.writes(), 0);
    terminal.wipe();
    terminal.enter(ADD);
    terminal.sees("Send it?");
    terminal.press("y\r");
    terminal.waits_for_input("beadle>");
    assert_eq!(seg.writes(), 1);
    seg.is_content();
}

#[test]
fn dry_withholds_changes_until_it_is_off() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let terminal = Terminal::prompt(&sandbox, 100);
    terminal.enter("let kept = 41;");
    terminal.then(":dry on");
    terminal.waits_for_input("dry>");
    terminal.enter(ADD);
    terminal.sees("withheld: seg group_member_add [change]");
    terminal.waits_for_input("dry>");
    terminal.enter("kept + 1");
    terminal.waits_for_input("dry>");
    terminal.enter(":dry off");
    terminal.waits_for_input("beadle>");
    assert_eq!(seg.writes(), 0);
    terminal.wipe();
    terminal.enter(ADD);
    terminal.sees("Send it?");
    terminal.press("y\r");
    terminal.waits_for_input("beadle>");
    assert_eq!(seg.writes(), 1);
}

#[test]
fn what_worked_is_saved_as_a_playbook_that_runs() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    std::fs::create_dir(sandbox.path().join("playbooks")).unwrap();
    let terminal = Terminal::prompt(&sandbox, 100);
    terminal.enter("seg.groups()");
    terminal.sees("Blocked senders");
    terminal.then("_[0].groupId");
    terminal.then("seg.nonsense()");
    terminal.sees("there is no function");
    terminal.wipe();
    terminal.enter(ADD);
    terminal.sees("Send it?");
    terminal.press("y\r");
    terminal.waits_for_input("beadle>");
    terminal.enter(":save plain");
    terminal.sees("wrote");
    terminal.then(":save lifted lift");
    terminal.sees("lifted.rhai");
    let lifted = sandbox.read("playbooks/lifted.rhai");
    for text in [
        "effects = [\"read\", \"change\"]",
        "member_data = { type = \"string\"",
        "target(params.seg)",
        "params.member_data",
    ] {
        assert!(lifted.contains(text), "{text}\n{lifted}");
    }
    assert!(!lifted.contains("nonsense"), "{lifted}");
    sandbox.run(&["run", "plain", "--dry-run"]).code(0).out(&["Blocked senders", "group_member_add"]);
    let before = seg.writes();
    sandbox.run(&["run", "lifted", "member_data=y@example.net", "--yes"]).code(0);
    assert_eq!(seg.writes(), before + 1);
    sandbox.run(&["run", "lifted", "--help"]).code(0).out(&["member_data", "Effects: read, change"]);
}

#[test]
fn without_a_configuration_the_lab_is_offered() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::start(&sandbox, &["repl"], 100);
    terminal.sees("Start the lab?");
    terminal.press("y\r");
    terminal.waits_for_input("beadle>");
    terminal.enter("seg_lab.groups()");
    terminal.sees("Blocked senders");
    terminal.then(":targets");
    for name in ["seg-lab", "esa-lab", "sps-lab", "detect-lab"] {
        terminal.sees(name);
    }
    assert!(!sandbox.path().join("beadle.toml").exists());
}
