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
        ("\n[service]\ndrain = 30\n", "beadle.toml:3: drain: a text in quotes is wanted here, not integer 30"),
        (
            "[schedules.x]\nplaybook = \"p\"\ncron = \"0 2 * * *\"\n[watches.x]\nplaybook = \"p\"\npaths = [\"a\"]\n",
            "a schedule has the same name",
        ),
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

#[test]
fn a_check_goes_on_behind_a_file_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "beadle.toml",
        "[targets.a]\nvendor = \"sps\"\nurl = \"https://h\"\nversion = \"7\"\nauth = { method = \"session\", username = \"u\", password = { env = \"X\" } }\ntls = { ca_file = \"ca.pem\" }\n",
    );
    std::fs::create_dir_all(sandbox.path().join("playbooks/folder.rhai")).unwrap();
    std::fs::write(sandbox.path().join("playbooks/latin.rhai"), b"// one\n// gr\xfc\xdfe\n").unwrap();
    std::os::unix::fs::symlink("/nowhere", sandbox.path().join("playbooks/link.rhai")).unwrap();
    sandbox.write(
        "playbooks/number.rhai",
        "//! A.\n//!\n//! ```toml\n//! [params]\n//! n = { type = \"int\", default = \"x\" }\n//! ```\nprint(params.n);\n",
    );
    sandbox.run(&["check"]).code(3).out(&[
        "it is a folder",
        "line 2 is not UTF-8 text: save the file as UTF-8",
        "it is a link to a file that is not there",
        "parameter 'n': the default: 'x' is not a whole number",
        "unusable-certificate",
        "ca.pem",
    ]);
    sandbox.run(&["run", "number"]).code(2).err(&["number:5: parameter 'n': the default"]);
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_a_reader_that_has_gone_is_none() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write(
        "script.rhai",
        "let member = `a${random(0, 1000000000)}@b.example`;\n\
         target(\"seg\").group_member_add(3, #{ member_type: 1, member_data: member }); print(1)",
    );
    for format in ["human", "json"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let out = sandbox.command(&["run", "script.rhai", "--format", format]).stdout(full).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{format}");
        assert!(String::from_utf8_lossy(&out.stderr).contains("cannot write the output"), "{out:?}");
    }
    for verbose in ["-v", "-vv"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = sandbox.command(&[verbose, "run", "script.rhai"]);
        command.stderr(writer.try_clone().unwrap()).stdout(writer);
        assert_eq!(command.status().unwrap().code(), Some(0), "{verbose}");
    }
}

#[test]
fn a_time_without_a_zone_is_refused() {
    let sandbox = Sandbox::new();
    for wrong in ["2026-11-24T18:45:00", "2026-11-24 18:45", "2026-11-24T25:00Z", "yesterday"] {
        sandbox.script(&format!("date(\"{wrong}\")"), &[]).code(1).err(&["is not an instant with its zone"]);
        sandbox.run(&["runs", "list", "--since", wrong]).code(2).err(&["is no time with its zone"]);
    }
    let right = "print(date(\"2026-11-24T18:45[Europe/Berlin]\")); print(date(\"2026-11-24\"))";
    sandbox.script(right, &[]).code(0).out(&["2026-11-24T17:45:00Z", "2026-11-24T00:00:00Z"]);
}

#[test]
fn what_was_refused_is_no_change() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("target(\"seg\").request(\"DELETE\", \"/nothing\")", &[]).code(4);
    sandbox.script("target(\"seg\").ip_group_delta(99, #{ add: [], remove: [] })", &[]);
    let listed = sandbox.run(&["runs", "list", "--format", "json"]).code(0).out;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&listed[0]["changes"], &listed[1]["changes"]), (&0.into(), &0.into()), "{listed}");
    sandbox.write("beadle.toml", "");
    sandbox.run(&["targets", "check"]).code(2).err(&["no targets are configured"]);
}
