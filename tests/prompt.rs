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
