//! Every row's example against the lab, and the catalog on the command line.

use beadle::catalog::{Catalog, Kind, Row};
use beadle::lab::{AsyncosOptions, Generation, Product, SegOptions, SpectraOptions, SpsOptions};

use crate::support::Sandbox;
use crate::support::lab::Seg;
use crate::support::vendors::{asyncos, content, spectra, sps};

/// Runs the examples of some rows in one script and one process, each by itself: `variables` makes
/// the targets. Gives what failed.
fn examples(sandbox: &Sandbox, variables: &str, rows: &[&'static Row]) -> Vec<String> {
    let mut script = String::from(variables);
    script.push_str("\nlet answers = [];\n");
    for row in rows {
        let example = row.example.as_ref().unwrap();
        // Messages of the lab are of 2021; the examples look at the last day.
        let text = example
            .script
            .replace("start_time: hours_ago(24)", "start_time: date(\"2021-05-19T00:00:00Z\")")
            .replace("end_time: now()", "end_time: date(\"2021-05-21T00:00:00Z\")")
            .replace("auto-20210520.zip", "auto-20210520-0200.zip");
        script.push_str(&format!(
            "try {{ answers.push(#{{ name: \"{}\", answer: to_json({text}) }}); }} catch (e) {{ answers.push(#{{ name: \"{}\", error: `${{e}}` }}); }}\n",
            row.name, row.name
        ));
    }
    script.push_str("answers");
    let ran = sandbox.script(&script, &["--yes", "--format", "json"]).code(0);
    let last: serde_json::Value = serde_json::from_str(ran.out.lines().last().unwrap_or_default()).unwrap_or_default();
    let answers = last["value"].as_array().cloned().unwrap_or_default();
    assert_eq!(answers.len(), rows.len(), "{}", ran.err);
    let mut failed = Vec::new();
    for (row, answer) in rows.iter().zip(answers) {
        let expected: serde_json::Value = serde_json::from_str(row.example.as_ref().unwrap().answer).unwrap();
        let given = answer["answer"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        if answer["error"].is_string() || !has_shape(&given, &expected) {
            failed.push(format!("{}: {} {given} is not like {expected}", row.name, answer["error"]));
        }
    }
    failed
}

fn rows_of(vendor: &str, wanted: impl Fn(&Row) -> bool) -> Vec<&'static Row> {
    let rows = Catalog::builtin().vendor(vendor).unwrap().rows;
    rows.iter().filter(|row| row.kind != Kind::Session && wanted(row)).collect()
}

/// The same sandbox, in which scripts are interpreted by processes of their own: what they are given and what
/// they give goes over the pipe.
fn apart(mut sandbox: Sandbox) -> Sandbox {
    sandbox.env("BEADLE_TEST_APART", "1");
    sandbox
}

const ALL: &str = "allow = [\"read\", \"change\", \"destroy\"]\n";

#[test]
fn every_example_of_seg_runs_and_gives_what_it_says() {
    for way in [std::convert::identity as fn(Sandbox) -> Sandbox, apart] {
        let seg = Seg::ten();
        let sandbox = way(Sandbox::with_seg(&seg, ALL));
        let failed = examples(&sandbox, "let seg = target(\"seg\");", &rows_of("seg", |_| true));
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        seg.is_content();
    }
}

#[test]
fn every_example_of_asyncos_runs_and_gives_what_it_says() {
    for (product, word) in [(Product::Esa, "esa"), (Product::Sma, "sma")] {
        let lab = asyncos(AsyncosOptions { product, ..AsyncosOptions::default() });
        let sandbox = lab.sandbox(word, "jwt", ALL);
        let sandbox = if word == "esa" { apart(sandbox) } else { sandbox };
        // What both have is tried on the gateway.
        let rows = rows_of("asyncos", |row| row.example.as_ref().unwrap().script.contains(&format!("{word}.")));
        let failed = examples(&sandbox, &format!("let {word} = target(\"{word}\");"), &rows);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        content(&lab.lab.complaints());
    }
}

#[test]
fn every_example_of_sps_runs_and_gives_what_it_says() {
    for way in [std::convert::identity as fn(Sandbox) -> Sandbox, apart] {
        let lab = sps(SpsOptions::default());
        let sandbox = way(lab.sandbox(ALL));
        sandbox.write("upload.bin", "PK");
        let failed = examples(&sandbox, "let sps = target(\"sps\");", &rows_of("sps", |_| true));
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        content(&lab.lab.complaints());
    }
}

#[test]
fn every_example_of_spectra_runs_and_gives_what_it_says() {
    // The documents contradict each other: each spelling is tried on an appliance that knows it.
    let of_examples = ["config_group_save", "config_group_save_put", "config_group_apply_patch", "hub_group_apply_put"];
    for text_spellings in [true, false] {
        let lab = spectra(SpectraOptions { text_spellings, looks: 0, ..SpectraOptions::default() });
        let sandbox = lab.sandbox(ALL);
        let sandbox = if text_spellings { apart(sandbox) } else { sandbox };
        sandbox.write("upload.bin", "PK");
        let rows = rows_of("spectra", |row| {
            let other = of_examples.contains(&row.name);
            let both = ["config_group_content", "config_group_apply", "hub_group_apply"];
            // The Manager restarts after its upgrade: that one is for itself.
            row.name != "update_latest"
                && if text_spellings { !other } else { other || !both.iter().any(|name| row.name.starts_with(name)) }
        });
        let failed = examples(&sandbox, "let spectra = target(\"spectra\"); let worker = target(\"worker\");", &rows);
        assert!(failed.is_empty(), "{}", failed.join("\n"));
        content(&lab.lab.complaints());
    }
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
    assert_eq!(rows.as_array().unwrap().len(), 1123);
    let promised = [
        "area",
        "base",
        "confidence",
        "doc",
        "effect",
        "experimental",
        "kind",
        "lost_answer",
        "method",
        "name",
        "on",
        "pages",
        "params",
        "path",
        "signature",
        "since",
        "source",
        "summary",
        "update",
        "vendor",
    ];
    let offenders: Vec<&serde_json::Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| !row.as_object().unwrap().keys().eq(promised.iter()))
        .map(|row| &row["name"])
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
    let words = |field: &str| {
        let words = rows.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().split(' ').next().unwrap());
        words.collect::<std::collections::BTreeSet<&str>>().into_iter().collect::<Vec<_>>()
    };
    assert_eq!(words("effect"), ["change", "destroy", "read"]);
    assert_eq!(words("lost_answer"), ["detectable", "idempotent", "never", "verify"]);
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
