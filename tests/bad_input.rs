//! Bad input gets a clear error that names the place and the cure, and nothing is half sent.

use std::os::unix::fs::PermissionsExt;

use crate::support::Sandbox;
use crate::support::lab::Seg;

#[test]
fn mistakes_in_the_configuration_are_named_with_line_and_cure() {
    let sandbox = Sandbox::new();
    let cases = [
        (
            "[targets.a]\nvendor = \"seg\"\ntagz = []\n",
            "beadle.toml:3: unknown key 'tagz' in [targets.a]. Did you mean 'tags'?",
        ),
        ("[targets.a]\nvendor = \"sge\"\n", "there is no vendor 'sge'. Did you mean 'seg'?"),
        (
            "[targets.a]\nvendor = \"seg\"\nurl = \"http://seg.example.com\"\nversion = \"10\"\n",
            "tls = { plain = true }",
        ),
        ("[targets.a]\nvendor = \"seg\"\nurl = \"https://u:p@h\"\nversion = \"10\"\n", "must not hold a user name"),
        ("[targets.a]\nvendor = \"seg\"\nurl = \"https://h\"\nversion = \"9\"\n", "version must be \"8\" or \"10\""),
        (
            "[targets.a]\nvendor = \"seg\"\nurl = \"https://h\"\nversion = \"10\"\nauth = { method = \"token\", username = \"u\", password = \"p\" }\n",
            "a secret is not written into the configuration",
        ),
        (
            "[targets.a]\nvendor = \"seg\"\nurl = \"https://h\"\nversion = \"10\"\nauth = { username = \"u\", password = { env = \"X\" }, token_url = \"http://elsewhere.example.net/token\" }\n",
            "would send credentials unprotected",
        ),
        (
            "[schedules.x]\nplaybook = \"std/seg/bulk_ip_block\"\ncron = \"0 2 * * *\"\ntimezone = \"Mars\"\n",
            "timezone 'Mars' is not known",
        ),
        ("[watches.x]\nplaybook = \"p\"\n", "paths is missing"),
        ("[never]\nnetworks = [\"nonsense\"]\n", "nonsense"),
        ("[limits]\nmemory = \"lots\"\n", "is not a size"),
        ("not toml at all", "beadle.toml:1"),
    ];
    for (text, expected) in cases {
        sandbox.write("beadle.toml", text);
        sandbox.run(&["targets", "list"]).code(2).err(&[expected]);
    }
}

#[test]
fn a_configuration_that_others_can_write_is_refused() {
    let sandbox = Sandbox::new();
    let path = sandbox.write("beadle.toml", "");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    sandbox.run(&["targets", "list"]).code(2).err(&["others may write it", "chmod go-w"]);
}

#[test]
fn parameters_are_checked_before_anything_is_sent() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("list.txt", "192.0.2.1\n");
    let run = |parameters: &[&str]| sandbox.run(&[&["run", "std/seg/bulk_ip_block"], parameters].concat());
    run(&[]).code(2).err(&["'target': it is required", "'group': it is required", "'list': it is required"]);
    run(&["target=sge", "group=16", "list=list.txt"]).code(2).err(&["there is no target 'sge'. Did you mean 'seg'?"]);
    run(&["target=seg", "group=many", "list=list.txt"]).code(2).err(&["'many' is not a whole number"]);
    run(&["target=seg", "group=0", "list=list.txt"]).code(2).err(&["the least is 1"]);
    run(&["target=seg", "group=16", "list=list.txt", "chunkk=5"]).code(2).err(&["Did you mean 'chunk'?"]);
    run(&["target=seg", "group=16", "list=missing.txt"]).code(1).err(&["missing.txt", "there is no such file"]);
    run(&["target=seg", "group"]).code(2).err(&["written NAME=VALUE"]);
    assert!(seg.lab.requests().is_empty());
}

#[test]
fn mistakes_in_scripts_show_file_line_caret_and_cure() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    let cases: [(&str, &[&str]); 9] = [
        ("let x = ;", &["script.rhai:1:9", "^"]),
        ("let a = 1;\nprint(bb);", &["there is no variable 'bb'", "script.rhai:2:7"]),
        ("prnt(1)", &["there is no function 'prnt'. Did you mean 'print'?"]),
        ("let m = #{ a: 1 };\nm.b", &["script.rhai:2", "has no member 'b'"]),
        ("target(\"seg\").group_membrs(3)", &["Did you mean 'group_members'?"]),
        ("target(\"seg\").group_members(\"x\")", &["'group_id' must be an int, and not a string \"x\""]),
        ("target(\"seg\").group_members()", &["group_members"]),
        (
            "fn inner() { fail(\"here\") }\nfn outer() { inner() }\nouter()",
            &["here", "called as inner", "called as outer"],
        ),
        ("import \"../secrets\" as s;", &["lies outside the script's folder"]),
    ];
    for (script, expected) in cases {
        sandbox.script(script, &[]).code(1).err(expected);
    }
    assert_eq!(seg.writes(), 0);
}

#[test]
fn a_missing_playbook_is_named_with_the_nearest() {
    let sandbox = Sandbox::new();
    sandbox.run(&["run", "std/seg/bulk_ip_blok"]).code(2).err(&["Did you mean 'std/seg/bulk_ip_block'?"]);
    sandbox.run(&["run"]).code(2);
    sandbox.run(&["rnu"]).code(2).err(&["unrecognized subcommand 'rnu'"]);
}

#[test]
fn a_broken_header_names_its_line() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox
        .script("//! X.\n//!\n//! ```toml\n//! [params]\n//! n = { type = \"itn\" }\n//! ```\n", &[])
        .code(2)
        .err(&["Did you mean 'int'?"]);
    sandbox.script("//! X.\n//!\n//! ```toml\n//! [parms]\n//! ```\n", &[]).code(2).err(&["script.rhai:4"]);
}

#[test]
fn modules_that_import_each_other_end_with_a_message() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "");
    sandbox.write("a.rhai", "import \"b\" as b;");
    sandbox.write("b.rhai", "import \"a\" as a;");
    sandbox.script("import \"a\" as a;", &[]).code(1).err(&["in a circle"]);
}
