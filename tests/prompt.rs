//! The prompt, with lines from a pipe: what a person types there, in the same order.

use std::io::Write;
use std::process::Stdio;

use crate::support::lab::Seg;
use crate::support::{Ran, Sandbox};

fn typed(sandbox: &Sandbox, lines: &str) -> Ran {
    let mut child =
        sandbox.command(&["repl"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    Ran::from(child.wait_with_output().unwrap())
}

#[test]
fn lines_see_what_earlier_lines_made() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let ran =
        typed(&sandbox, "let n = 2;\nfn double(x) {\n  x * 2\n}\ndouble(n) + 1\nseg.groups().len()\n_ + 1\n").code(0);
    assert_eq!(ran.out, "5\n2\n3\n", "{}", ran.err);
}

#[test]
fn a_change_is_asked_for_and_without_a_terminal_refused() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let line = "seg.group_member_add(3, #{ member_type: 1, member_data: \"x@example.net\" })\n";
    typed(&sandbox, line).code(1).err(&["confirm = \"change\""]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn help_finds_calls_by_name_and_by_words() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    typed(&sandbox, "?ip_group_delta\n?sleep\n?wait timeout\n:targets\n:vars\n").code(0).out(&[
        "seg.ip_group_delta(group_id",
        "sleep(",
        "wait_until(",
        "seg",
    ]);
    typed(&sandbox, ":nonsense\n").code(1).err(&["there is no command"]);
}

#[test]
fn a_mistake_is_shown_with_its_place() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    typed(&sandbox, "let a = 1;\nseg.grups()\n").code(1).err(&["Did you mean 'groups'?", "line 2"]);
}

#[test]
fn what_was_chosen_and_what_was_last_have_names_in_a_saved_playbook() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let lines = ":target seg\nt.groups()\n_.len()\n_ + 1\nswitch _ { 3 => \"three\", _ => \"other\" }\n:save saved\n";
    typed(&sandbox, lines).code(0).out(&["t is seg, of vendor seg", "three", "wrote"]);
    let saved = sandbox.read("saved.rhai");
    assert!(saved.contains("let t = target(\"seg\");") && saved.contains("_ => \"other\""), "{saved}");
    let ran = sandbox.run(&["run", "saved.rhai"]).code(0);
    for text in ["Blocked senders", "2\n3\nthree\n"] {
        assert!(ran.out.contains(text), "{text}\n{}\n{saved}", ran.out);
    }
    let lines = "// a note\nlet m = #{ a: 40 }\nm.a + 2 // the answer\nfor n in 0..2 { print(n) }\n:save fourth\n";
    typed(&sandbox, lines).code(0);
    let ran = sandbox.run(&["run", "fourth.rhai"]).code(0);
    assert_eq!(ran.out, "42\n0\n1\n", "{}", sandbox.read("fourth.rhai"));
    // What several statements gave has no name that a playbook could use.
    typed(&sandbox, "5\nlet a = 1; a + 1\n_ + 1\n:save third\n")
        .code(1)
        .err(&["'_ + 1' uses _", "with a name of its own"]);
    // Nothing is written over.
    typed(&sandbox, "1 + 1\n:save saved\n").code(1).err(&["is there already"]);
    typed(&sandbox, ":save saved2\n").code(1).err(&["nothing has worked yet"]);
}

#[test]
fn a_saved_playbook_takes_secrets_as_parameters_and_never_holds_them() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[policy]\nconfirm = \"never\"\n");
    let line = "seg.config_backup_run(#{ include_dkim: true, dkim_password: \"canary-value\" })\n";
    typed(&sandbox, &format!("{line}:save backup\n")).code(0);
    let saved = sandbox.read("backup.rhai");
    assert!(saved.contains("dkim_password = { type = \"secret\"") && saved.contains("params.dkim_password"), "{saved}");
    assert!(!saved.contains("canary"), "{saved}");
    // What the configuration knows as a secret is found wherever it stands.
    let line = format!("seg.groups().len()\nlet a = \"{}\";\n:save other\n", crate::support::lab::PASSWORD);
    typed(&sandbox, &line).code(1).err(&["a secret stands in one of the lines"]);
    assert!(!sandbox.path().join("other.rhai").exists());
}

#[test]
fn values_are_shown_in_parts_as_json_and_as_tables() {
    let sandbox = Sandbox::with_seg(&Seg::ten(), "");
    let rows = "let rows = []; for n in 0..45 { rows.push(#{ id: n, name: `row ${n}` }); }\nrows\n";
    let ran = typed(&sandbox, &format!("{rows}:more\n:more\n")).code(0);
    assert!(ran.out.contains("rows 1 to 20 of 45: :more") && ran.out.contains("row 44"), "{}", ran.out);
    typed(&sandbox, &format!("{rows}:more\n:more\n:more\n")).code(1).err(&["there is no more of it"]);
    typed(&sandbox, "#{ a: 1, b: [1, 2] }\n:json\n:table\n:time\n").code(0).out(&["\"a\": 1", "b  1, 2", " ms"]);
    typed(&sandbox, ":json\n").code(1).err(&["there is no value yet"]);
}

#[test]
fn help_tells_the_same_as_the_command_line() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let page = sandbox.run(&["calls", "show", "seg.ip_group_delta"]).code(0).out;
    let asked = typed(&sandbox, "?ip_group_delta\n").code(0).out;
    assert_eq!(asked.trim_end(), page.trim_end());
    let page = sandbox.run(&["playbooks", "show", "std/seg/bulk_ip_block"]).code(0).out;
    let asked = typed(&sandbox, "?std/seg/bulk_ip_block\n").code(0).out;
    assert_eq!(asked.trim_end(), page.trim_end());
    let found = typed(&sandbox, "?ban network\n").code(0).out;
    assert!(found.starts_with("seg.ip_group_delta"), "{found}");
}

#[test]
fn no_part_of_a_secret_is_shown_where_a_value_is_cut() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    let long = "canary-".repeat(12);
    sandbox.env("LONG", &long);
    sandbox.write("beadle.toml", &format!("{}\n[secrets.long]\nenv = \"LONG\"\n[channels]\n", seg.target("seg")));
    // The secret is known once it has been fetched.
    let lines = format!(
        "secret(\"long\");\nlet text = \"{long}\"; text\n[#{{ id: 1, text: text }}]\n#{{ a: #{{ b: text }} }}\n:json\n:table\n:vars\n"
    );
    let ran = typed(&sandbox, &lines).code(0);
    assert!(!ran.out.contains("canary") && ran.out.contains("***"), "{}", ran.out);
}
