//! What scripts can say, and what they cannot.

use rusqlite::Connection;

use crate::support::Sandbox;
use crate::support::lab::Seg;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "[limits]\nmemory = \"200MB\"\n");
    sandbox
}

#[track_caller]
fn prints(script: &str, expected: &str) {
    sandbox().script(script, &[]).code(0).out(&[expected]);
}

#[test]
fn times_lengths_and_formats() {
    prints(
        "let t = date(\"2026-03-29T00:30:00Z\"); print(format_time(t + duration(\"1h\"), \"%H:%M\", \"Europe/Berlin\"));",
        "03:30",
    );
    prints("print(date(\"2026-01-02\") - date(\"2026-01-01\") == duration(\"1d\"))", "true");
    prints("print(now() > hours_ago(1))", "true");
}

#[test]
fn json_csv_and_digests() {
    prints("print(parse_json(`{\"n\": 18446744073709551616, \"default\": 1}`).n)", "18446744073709551616");
    prints("print(parse_json(`{\"default\": 7}`).default)", "7");
    prints("print(parse_csv(\"a,b\\n1,\\\"x, y\\\"\\n\")[0].b)", "x, y");
    prints("print(to_csv([#{ a: 1, b: \"x, y\" }]))", "1,\"x, y\"");
    prints("print(sha256(\"abc\"))", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    prints("print(#{ a: 1 }.get(\"b\", 5))", "5");
}

#[test]
fn networks_are_computed_with() {
    prints("print(aggregate([\"192.0.2.0/25\", \"192.0.2.128/25\"])[0])", "192.0.2.0/24");
    prints("print(subtract(\"192.0.2.0/30\", \"192.0.2.1\").len())", "2");
    prints("print(network(\"192.0.2.0/30\").subtract(\"192.0.2.1\").len())", "2");
    prints("print(subtract([\"192.0.2.0/30\"], \"192.0.2.1\").len())", "2");
    prints("print(network(\"192.0.2.0/24\").contains(\"192.0.2.9\"))", "true");
    prints("print(is_private(\"10.0.0.1\"))", "true");
}

#[test]
fn parallel_keeps_order_and_gives_the_first_error() {
    prints("print(parallel([3, 1, 2], |n| { sleep(`${n * 20}ms`); n * 2 }))", "[6, 2, 4]");
    prints("try { parallel([1, 2, 3], |n| if n > 1 { throw `no ${n}` } else { n }) } catch (e) { print(e) }", "no 2");
    prints("print(parallel_settled([1, 2], |n| if n == 2 { fail(\"x\") } else { n })[0].ok)", "1");
    prints("let k = 10; print(parallel([1, 2], |n| parallel([n], |m| m + k)[0]))", "[11, 12]");
}

#[test]
fn parameters_are_seen_in_functions_and_closures() {
    let sandbox = sandbox();
    let header = "//! X.\n//!\n//! ```toml\n//! [params]\n//! n = { type = \"int\", default = 4 }\n//! l = { type = \"[string]\", optional = true }\n//! ```\n";
    let script = format!("{header}fn f() {{ [1].map(|x| x + params.n)[0] }}\nprint(f());\nprint(params.l);");
    sandbox.script(&script, &[]).code(0).out(&["5"]);
    sandbox.script(&script, &["n=6", "l=a,b", "l=c"]).code(0).out(&["7", "[\"a\", \"b\", \"c\"]"]);
    sandbox.write("m.rhai", "fn f() { params.n }");
    sandbox.script("import \"m\" as m; m::f()", &[]).code(1).err(&["a module does not see 'params'"]);
}

#[test]
fn the_store_lives_from_run_to_run() {
    let sandbox = sandbox();
    sandbox.script("store.set(\"a/1\", #{ n: 1 }); store.set_all(#{ \"a/2\": 2, \"b\": 3 });", &[]).code(0);
    sandbox.script("print(store.list(\"a/\").keys()); print(store.get(\"b\")); store.remove(\"b\"); print(store.get(\"b\") == ());", &[])
        .code(0)
        .out(&["[\"a/1\", \"a/2\"]", "3", "true"]);
}

#[test]
fn values_of_the_store_come_back_as_what_they_were() {
    let sandbox = sandbox();
    let value = "#{ text: \"a \\\"b\\\" $\", n: -7, x: 0.5, yes: true, none: (), list: [1, [\"x\"], #{}], inner: #{ \"$time\": \"x\" } }";
    sandbox
        .script(&format!("store.set(\"a/v\", {value}); store.set(\"a/n\", [networks(\"192.0.2.0/24 10.0.0.1\")])"), &[])
        .code(0);
    let check = format!(
        "let v = {value}; print(v == store.get(\"a/v\")); print(v == store.list(\"a/\")[\"a/v\"]); print(store.get(\"a/n\"));"
    );
    sandbox.script(&check, &[]).code(0).out(&["true", "true", "[[\"192.0.2.0/24\", \"10.0.0.1\"]]"]);
}

#[test]
fn a_damaged_value_of_the_store_is_named() {
    let sandbox = sandbox();
    sandbox.script("store.set_all(#{ a: 1, b: 2 });", &[]).code(0);
    let state = Connection::open(sandbox.path().join(".beadle/state.db")).unwrap();
    assert_eq!(state.execute("UPDATE store SET value = '{\"x' WHERE key = 'b'", []).unwrap(), 1);
    for script in ["store.get(\"b\")", "store.list(\"\")"] {
        sandbox.script(script, &[]).code(1).err(&["the store's value of 'b' is damaged"]);
    }
    sandbox.script("print(store.get(\"a\"))", &[]).code(0).out(&["1"]);
    sandbox.script("store.remove(\"b\"); print(store.list(\"\"))", &[]).code(0).out(&["#{\"a\": 1}"]);
}

#[test]
fn errors_are_maps_with_every_field() {
    let script = "try { target(\"nobody\") } catch (e) { print(e.keys()); print(e.kind); print(e.details.len()); }";
    prints(
        script,
        "[\"code\", \"details\", \"entry\", \"kind\", \"message\", \"operation\", \"retryable\", \"status\", \"target\"]",
    );
}

#[test]
fn playbooks_run_playbooks_with_their_rights_and_not_forever() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let header = "//! X.\n//!\n//! ```toml\n//! [params]\n//! n = { type = \"int\" }\n//! [policy]\n//! effects = [\"read\"]\n//! ```\n";
    sandbox.write("playbooks/double.rhai", &format!("{header}params.n * 2"));
    sandbox.script("print(run_playbook(\"double\", #{ n: 21 }))", &[]).code(0).out(&["42"]);
    sandbox.script("run_playbook(\"double\", #{ m: 21 })", &[]).code(1).err(&["'m' is not a parameter"]);
    sandbox.write("playbooks/forever.rhai", "run_playbook(\"forever\", #{})");
    sandbox.run(&["run", "forever"]).code(1).err(&["more than 8 deep"]);
    sandbox.write("playbooks/write.rhai", &format!("{header}target(\"seg\").config_backup_run()"));
    sandbox.script("run_playbook(\"write\", #{ n: 1 })", &["--yes"]).code(4);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn hostile_scripts_end_with_an_error_and_not_with_the_process() {
    let sandbox = sandbox();
    let hostile = [
        "loop {}",
        "let s = \"x\"; loop { s += s; }",
        "let a = [1]; loop { a += a; }",
        "let s = \"aaaaaaaaaa\"; for n in 0..40 { s.replace(\"a\", s); }",
        "let s = \"x\"; s.pad(10000000000, \"y\")",
        "let a = []; a.pad(10000000000, 1)",
        "blob(8000000000)",
        "fn f(n) { f(n + 1) } f(0)",
        "let s = \"eval(s)\"; eval(s)",
        "let f = |x| x; for n in 0..40 { f = f.curry(f); }",
        "let m = #{}; let n = 0; loop { m[`${n}`] = \"some text that takes room\"; n += 1; }",
        "let c = []; loop { let b = blob(1000000); c.push(|| b.len()); }",
        "parse_json(\"[\".pad(100000, \"[\"))",
        "sleep(\"1h\")",
        "[1, 2, 3].for_each(|| loop {})",
        "timestamp()",
    ];
    for script in hostile {
        let ran = sandbox.script(script, &["--timeout", "3s"]);
        assert!(matches!(ran.code, 1 | 6), "{script}: code {}\n{}", ran.code, ran.err);
    }
}

#[test]
fn a_function_of_the_language_is_not_said_to_be_unknown() {
    let sandbox = sandbox();
    sandbox.script("(0..5).map(|n| n)", &[]).code(1).err(&["a range has no function 'map'", "it is written map("]);
    sandbox
        .script("[1].fliter(|n| n > 0)", &[])
        .code(1)
        .err(&["there is no function 'fliter'. Did you mean 'filter'?"]);
}

#[test]
fn a_variable_that_is_asked_for_while_it_is_in_use_is_told_with_the_cure() {
    sandbox()
        .script("let map = #{ a: 1 }; map.keys().map(|name| map[name])", &[])
        .code(1)
        .err(&["a variable is asked for while it is in use", "let keys = map.keys()"]);
    prints("let map = #{ a: 1 }; let keys = map.keys(); print(keys.map(|name| map[name]))", "[1]");
}

#[test]
fn a_table_without_rows_says_so() {
    let ran = sandbox().script("table([]);", &[]).code(0);
    assert_eq!(ran.out, "(no rows)\n");
}

#[test]
fn a_parameter_that_begins_with_an_at_sign_is_written_with_two() {
    let script = "//! X.\n//!\n//! ```toml\n//! [params]\n//! a = { type = \"string\" }\n//! ```\nprint(params.a);";
    let sandbox = sandbox();
    sandbox.script(script, &["a=@@example.net"]).code(0).out(&["@example.net"]);
    sandbox.write("text.txt", "from a file\n");
    sandbox.script(script, &["a=@text.txt"]).code(0).out(&["from a file"]);
}

#[test]
fn what_the_journal_has_written_is_no_memory_of_the_script_any_more() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "[limits]\nmemory = \"20MB\"\n");
    sandbox.write("some.txt", &"x".repeat(2 << 20));
    // Thirty megabytes in all, of which a few wait for the journal at a time.
    let script = "for n in 0..15 { read_file(\"some.txt\"); sleep(\"110ms\"); }";
    sandbox.script(script, &[]).code(0);
}
