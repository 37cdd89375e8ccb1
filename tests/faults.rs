//! A world that misbehaves: each thing gets a clear error, and nothing is sent twice.

use crate::support::Sandbox;
use crate::support::lab::{Seg, member_put};

const READ: &str = "print(target(\"seg\").groups().len())";
const ADD: &str =
    "target(\"seg\").ip_group_delta(15, #{ add: [#{ ip_address_start: \"192.0.2.1\", cidr: 32, name: \"x\" }] })";
const KILL: &str = "target(\"seg\").sender_kill_messages(1, #{ subject: \"^Report 1$\" })";
const DESTROY: &str = "allow = [\"read\", \"change\", \"destroy\"]\n";

fn paths(seg: &Seg, part: &str) -> usize {
    seg.lab.requests().iter().filter(|request| request.target.contains(part)).count()
}

#[test]
fn html_in_the_place_of_json_is_named() {
    let seg = Seg::faulty(&["html=1@groups"]);
    Sandbox::with_seg(&seg, "").script(READ, &[]).code(1).err(&["an HTML page 'Please sign in'", "text/html"]);
}

#[test]
fn a_cut_answer_to_a_read_is_asked_for_again() {
    let seg = Seg::faulty(&["cut=1@groups"]);
    Sandbox::with_seg(&seg, "").script(READ, &[]).code(0).out(&["2"]);
    assert_eq!(paths(&seg, "groups"), 2);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let seg = Seg::faulty(&["hang=1@groups", "hang=2@groups", "hang=3@groups", "hang=4@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let config = sandbox.read("beadle.toml").replace("timeout = \"2s\"", "timeout = \"200ms\"");
    sandbox.write("beadle.toml", &config);
    sandbox.script(READ, &[]).code(1).err(&["within 200ms"]);
}

#[test]
fn too_many_requests_are_waited_out_as_the_appliance_says() {
    let seg = Seg::faulty(&["every=1:429:retry-after=1@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script(READ, &["--timeout", "900ms"]).code(6);
    seg.fail(&["every=2:503:retry-after=0@delta"]);
    sandbox.script(&format!("{ADD}; {}", ADD.replace("192.0.2.1", "192.0.2.2").replace("\"x\"", "\"y\"")), &[]).code(0);
    assert_eq!(seg.lab.ip_group(15).len(), 2);
}

#[test]
fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let seg = Seg::faulty(&["huge=1:300MB@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "max_answer = \"1MB\"\n");
    sandbox.script(READ, &[]).code(1).err(&["larger than 1 MB", "max_answer"]);
}

#[test]
fn a_lost_delta_is_settled_by_a_resend_that_is_refused() {
    let seg = Seg::faulty(&["lost=1@delta"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox
        .script(&format!("try {{ {ADD} }} catch (e) {{ print(`${{e.kind}} ${{e.details.resent}}`); }}"), &[])
        .code(0)
        .out(&["conflict true"]);
    assert_eq!(paths(&seg, "delta"), 2);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32"]);
}

#[test]
fn a_delta_lost_before_it_took_effect_is_sent_again_with_success() {
    let seg = Seg::faulty(&["lost-before=1@delta"]);
    Sandbox::with_seg(&seg, "").script(&format!("print({ADD}.reason)"), &[]).code(0).out(&["updated"]);
    assert_eq!(seg.lab.ip_group(15), ["192.0.2.1/32"]);
}

#[test]
fn a_lost_kill_is_never_sent_again_and_ends_uncertain() {
    let seg = Seg::faulty(&["lost=1@killex"]);
    let sandbox = Sandbox::with_seg(&seg, DESTROY);
    // Uncertainty cannot be caught.
    let script = format!("try {{ {KILL} }} catch (e) {{ print(\"caught\"); }}");
    let ran = sandbox.script(&script, &["--yes"]).code(5).err(&["uncertain", "--assume not-applied"]);
    assert!(!ran.out.contains("caught"));
    assert_eq!(paths(&seg, "killex"), 1);
}

#[test]
fn a_read_settles_a_lost_answer_where_the_row_names_one() {
    for (fault, sent) in [("lost=1@usermaintained", 1), ("lost-before=1@usermaintained", 2)] {
        let seg = Seg::faulty(&[fault]);
        let sandbox = Sandbox::with_seg(&seg, "[catalog]\npaths = [\"catalogs\"]\n");
        sandbox.write("catalogs/more.toml", &member_put("verify group_members"));
        let script =
            "target(\"seg\").member_put(3, #{ member_type: 1, member_data: \"v@example.net\" }); print(\"done\")";
        sandbox.script(script, &[]).code(0).out(&["done"]);
        assert_eq!(
            seg.lab
                .requests()
                .iter()
                .filter(|request| request.method == "POST" && request.target.contains("usermaintained"))
                .count(),
            sent,
            "{fault}"
        );
        assert_eq!(seg.lab.members(3).iter().filter(|member| *member == "v@example.net").count(), 1, "{fault}");
    }
}

#[test]
fn uncertainty_in_one_branch_cannot_be_caught_by_another() {
    let seg = Seg::faulty(&["lost=1@killex"]);
    let sandbox = Sandbox::with_seg(&seg, DESTROY);
    let script = format!(
        "try {{ parallel([1, 2], #{{ stop_after: 5 }}, |n| if n == 1 {{ throw \"x\" }} else {{ {KILL} }}) }} catch (e) {{}} print(\"went on\");"
    );
    let ran = sandbox.script(&script, &["--yes"]).code(5);
    assert!(!ran.out.contains("went on"), "{}", ran.out);
}

#[test]
fn a_server_that_keeps_failing_is_left_alone() {
    let seg = Seg::faulty(&["every=1:503@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    let script = "let s = target(\"seg\"); for n in 0..20 { try { s.groups() } catch (e) { if e.message.contains(\"left alone\") { print(\"open\"); break; } } }";
    sandbox.script(script, &[]).code(0).out(&["open"]);
    assert!(paths(&seg, "groups") < 15, "{}", paths(&seg, "groups"));
}

#[test]
fn a_cancel_ends_a_wait_at_once() {
    let seg = Seg::faulty(&["hang=1@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("script.rhai", &format!("print(\"begun\"); {READ}"));
    let mut child = sandbox.command(&["run", "script.rhai"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    let pid = child.id().to_string();
    std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_change_whose_answer_is_too_large_is_not_taken_for_not_done() {
    let seg = Seg::faulty(&["huge=1:3MB@killex"]);
    let sandbox = Sandbox::with_seg(&seg, &format!("{DESTROY}max_answer = \"1MB\"\n"));
    sandbox.script(KILL, &["--yes"]).code(5).err(&["uncertain"]);
    assert_eq!(paths(&seg, "killex"), 1);
}

#[test]
fn a_gateways_error_after_a_change_is_a_lost_answer() {
    let seg = Seg::faulty(&["every=1:504@killex"]);
    Sandbox::with_seg(&seg, DESTROY).script(KILL, &["--yes"]).code(5);
    let seg = Seg::faulty(&["every=2:502@nothing", "every=1:500@delta"]);
    Sandbox::with_seg(&seg, "").script(ADD, &[]).code(1).err(&["status 500"]);
}

#[test]
fn a_wait_that_an_appliance_asks_for_is_told_of_and_a_long_one_is_not_waited_out() {
    let seg = Seg::faulty(&["every=2:429:retry-after=3@groups"]);
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox
        .script("target(\"seg\").groups(); target(\"seg\").groups();", &[])
        .code(0)
        .err(&["'seg' asks for patience: the next attempt is in 3 s"]);
    seg.fail(&["every=1:429:retry-after=86400@groups"]);
    let begun = std::time::Instant::now();
    sandbox.script(READ, &[]).code(1).err(&["(Retry-After: 86400)"]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(60), "nobody waits for a day");
    assert_eq!(paths(&seg, "groups"), 4);
}
