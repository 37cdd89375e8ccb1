//! Every row's example against the lab, and the catalog on the command line.

use beadle::catalog::{Catalog, Kind};
use beadle::lab::{Generation, SegOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;

#[test]
fn every_example_runs_and_gives_what_it_says() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "allow = [\"read\", \"change\", \"destroy\"]\n");
    let mut failed = Vec::new();
    for row in Catalog::builtin().rows().filter(|row| row.kind == Kind::Call) {
        let example = row.example.as_ref().unwrap();
        // Messages of the lab are of 2021; the example looks at the last day.
        let script = example
            .script
            .replace("hours_ago(24)", "date(\"2021-05-19T00:00:00Z\")")
            .replace("end_time: now()", "end_time: date(\"2021-05-21T00:00:00Z\")");
        let script = script.replace("auto-20210520.zip", "auto-20210520-0200.zip");
        let ran = sandbox.script(
            &format!("let seg = target(\"seg\");\nlet answer = {script};\nto_json(answer)"),
            &["--yes", "--format", "json"],
        );
        let last: serde_json::Value =
            serde_json::from_str(ran.out.lines().last().unwrap_or_default()).unwrap_or_default();
        let answer: serde_json::Value =
            last["value"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let expected: serde_json::Value = serde_json::from_str(example.answer).unwrap();
        if ran.code != 0 || !has_shape(&answer, &expected) {
            failed.push(format!("{}: code {}, {answer} is not like {expected}\n{}", row.name, ran.code, ran.err));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    seg.is_content();
}

/// Whether an answer has every field of the example, of the same kind.
fn has_shape(answer: &serde_json::Value, example: &serde_json::Value) -> bool {
    use serde_json::Value;
    match (answer, example) {
        (Value::Array(have), Value::Array(want)) => {
            want.first().is_none_or(|want| have.iter().any(|have| has_shape(have, want)))
        }
        (Value::Object(have), Value::Object(want)) => {
            want.iter().all(|(name, want)| have.get(name).is_some_and(|have| has_shape(have, want)))
        }
        (_, Value::Null) => true,
        (have, want) => std::mem::discriminant(have) == std::mem::discriminant(want),
    }
}

#[test]
fn calls_can_be_listed_shown_and_found() {
    let sandbox = Sandbox::new();
    let list = sandbox.run(&["calls", "list", "--format", "json"]).code(0);
    let rows: serde_json::Value = serde_json::from_str(&list.out).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 22);
    for field in
        ["vendor", "name", "method", "base", "path", "effect", "kind", "experimental", "lost_answer", "summary"]
    {
        assert!(rows[0].get(field).is_some(), "{field}");
    }
    sandbox.run(&["calls", "show", "ip_group_delta"]).code(0).out(&["ip_address_start", "one atomic step"]);
    sandbox.run(&["calls", "show", "ip_grup_delta"]).code(2).err(&["Did you mean 'ip_group_delta'?"]);
    let found = sandbox.run(&["calls", "search", "block", "ip"]).code(0);
    assert!(found.out.lines().nth(1).unwrap().starts_with("seg.ip_group_delta"), "{}", found.out);
}

#[test]
fn calls_of_generation_ten_are_refused_for_eight_before_they_leave() {
    let seg =
        Seg::with(SegOptions { generation: Generation::Eight, username: "LAB\\api".into(), ..SegOptions::default() });
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script("target(\"seg\").alerts()", &[]).code(1).err(&["exists since version 10"]);
    assert!(seg.lab.requests().is_empty());
    sandbox.script("target(\"seg\").groups()", &[]).code(0);
    seg.is_content();
}

#[test]
fn a_download_is_streamed_to_a_file_with_its_digest() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "max_answer = \"1kB\"\n[catalog]\npaths = [\"own.toml\"]\n");
    sandbox.write(
        "own.toml",
        "id = \"seg\"\n[[call]]\nname = \"handlers_download\"\nmethod = \"GET\"\npath = \"/debug/handlers/\"\neffect = \"read\"\n\
         area = \"x\"\nsummary = \"Download the handlers\"\nconfidence = \"inferred\"\nsource = \"x\"\nanswer = { shape = \"download\" }\n",
    );
    let script = "let d = target(\"seg\").handlers_download(#{ to: \"out/h.json\" }); print(`${d.size} ${d.sha256}`);";
    let ran = sandbox.script(script, &[]).code(0);
    let file = sandbox.read("out/h.json");
    let digest: String =
        <sha2::Sha256 as sha2::Digest>::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(ran.out.trim(), format!("{} {digest}", file.len()));
    // A line that breaks leaves what stood there.
    seg.fail(&["cut=1@handlers", "cut=2@handlers", "cut=3@handlers", "cut=4@handlers"]);
    sandbox.script(script, &[]).code(1).err(&["broke off"]);
    assert_eq!(sandbox.read("out/h.json"), file);
    sandbox.script("target(\"seg\").handlers_download()", &[]).code(1).err(&["'to' is required"]);
    sandbox.script("target(\"seg\").handlers_download(#{ to: \"/etc/x\" })", &[]).code(4).err(&["may not be written"]);
}

#[test]
fn a_users_own_catalog_works_at_once() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "[catalog]\npaths = [\"own.toml\"]\n");
    sandbox.write(
        "own.toml",
        r#"
id = "seg"
[[call]]
name = "ip_group_entries"
method = "GET"
path = "/ipgroups/{groupid}/"
effect = "read"
area = "Groups"
summary = "List the entries of an IP group"
confidence = "inferred"
source = "debug/handlers"
params.group_id = { wire = "groupid", doc = "The group." }
answer = { shape = "list" }
"#,
    );
    seg.lab.put_ip(16, "192.0.2.0/24", "x");
    sandbox.script("print(target(\"seg\").ip_group_entries(16)[0].ipAddressStart)", &[]).code(0).out(&["192.0.2.0"]);
    sandbox.write("own.toml", "id = \"seg\"\n[[call]]\nname = \"groups\"\nmethd = \"GET\"\n");
    sandbox.run(&["calls", "list"]).code(2).err(&["own.toml:4", "Did you mean 'method'?"]);
}
