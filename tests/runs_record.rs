//! The record itself: what tampering does to it, what pruning leaves of it, and one of a newer Beadle.

use rusqlite::Connection;

use crate::support::Sandbox;
use crate::support::lab::Seg;

/// Larger than what stands in the database.
const LARGE: usize = 2 << 20;

/// Two runs: one with a change and an answer of `size` random bytes, and one with two changes. From two
/// megabytes on the first stand in files of their own.
fn recorded(seg: &Seg, size: usize) -> Sandbox {
    use base64::Engine;
    let sandbox = Sandbox::with_seg(seg, "");
    let noise: Vec<u8> = (0..size).map(|_| fastrand::u8(..)).collect();
    sandbox.write("noise.txt", &base64::engine::general_purpose::STANDARD.encode(noise));
    let large = "let seg = target(\"seg\"); let text = read_file(\"noise.txt\");\n\
                 try { seg.request(\"POST\", \"/nowhere\", #{ body: #{ text: text } }) } catch (e) {}";
    sandbox.script(large, &[]).code(0);
    let changes = "let seg = target(\"seg\"); seg.groups();\n\
        for last in 1..3 { seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `192.0.2.${last}`, cidr: 32, name: `n${last}` }] }); }";
    sandbox.script(changes, &[]).code(0);
    sandbox
}

fn database(sandbox: &Sandbox) -> Connection {
    Connection::open(sandbox.path().join(".beadle/state.db")).unwrap()
}

#[test]
fn every_tampering_is_found_and_named() {
    let latest = "(SELECT id FROM run ORDER BY started DESC LIMIT 1)";
    let first = "(SELECT id FROM run ORDER BY started LIMIT 1)";
    let last_change = format!("run = {latest} AND number = (SELECT max(number) FROM entry WHERE run = {latest})");
    for (what, sql, named) in [
        (
            "an entry's bytes",
            format!("UPDATE entry SET outcome = CAST(x'0076' || '1' AS BLOB) WHERE {last_change}"),
            "('seg ip_group_delta') was changed",
        ),
        ("an entry's words", format!("UPDATE entry SET operation = 'x' WHERE {last_change}"), "('x') was changed"),
        ("a missing entry", format!("DELETE FROM entry WHERE {last_change}"), "is missing"),
        ("a missing run", format!("DELETE FROM run WHERE id = {latest}"), "the run is missing"),
        ("a changed head", format!("UPDATE run SET head = zeroblob(32) WHERE id = {latest}"), "was changed"),
        (
            "a shorter chain",
            format!("UPDATE run SET links = links - 1 WHERE id = {latest}"),
            "after the end of the chain",
        ),
        ("a head of all heads", "UPDATE head SET hash = zeroblob(32) WHERE sequence = 1".into(), "chain of all runs"),
        (
            "what a run is pinned to",
            format!("UPDATE run SET pinned = (SELECT pinned FROM run WHERE id = {first}) WHERE id = {latest}"),
            "was changed",
        ),
        (
            "the script's hash",
            format!("UPDATE run SET script = zeroblob(32) WHERE id = {latest}"),
            "hash of its script",
        ),
        (
            "a text",
            "UPDATE text SET body = CAST(x'00' || 'print(1)' AS BLOB)".into(),
            "the text of script.rhai was changed",
        ),
        ("a missing text", "DELETE FROM text".into(), "the text of script.rhai is missing"),
    ] {
        let seg = Seg::ten();
        let sandbox = recorded(&seg, 1_000);
        sandbox.run(&["runs", "verify"]).code(0).out(&["2 run(s)", "as they were written"]);
        let changed = database(&sandbox).execute(&sql, []).unwrap();
        assert!(changed > 0, "{what}");
        let verified = sandbox.run(&["runs", "verify"]);
        assert_eq!(verified.code, 1, "{what}: {}{}", verified.out, verified.err);
        assert!(verified.out.contains(named), "{what}: {}", verified.out);
    }
}

#[test]
fn a_file_beside_the_database_is_covered_by_the_chain() {
    let seg = Seg::ten();
    let sandbox = recorded(&seg, LARGE);
    let answers = sandbox.path().join(".beadle/answers");
    let run = std::fs::read_dir(&answers).unwrap().next().unwrap().unwrap().path();
    let files: Vec<_> = std::fs::read_dir(&run).unwrap().map(|file| file.unwrap().path()).collect();
    let action = files.iter().find(|file| file.to_string_lossy().ends_with("-action")).unwrap();
    let whole = std::fs::read(action).unwrap();
    std::fs::write(action, &whole[1..]).unwrap();
    sandbox.run(&["runs", "verify"]).code(1).out(&["-action was changed"]);
    std::fs::remove_file(action).unwrap();
    sandbox.run(&["runs", "verify"]).code(1).out(&["-action: No such file"]);
    let id = run.file_name().unwrap().to_string_lossy().into_owned();
    sandbox.run(&["runs", "show", &id]).code(0).out(&["-action: No such"]);
    sandbox.run(&["runs", "verify", "latest"]).code(0);
    std::fs::write(action, &whole).unwrap();
    sandbox.run(&["runs", "verify"]).code(0);
}

#[test]
fn a_run_that_is_under_way_verifies() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write(
        "script.rhai",
        "let seg = target(\"seg\"); for n in 0..200 { seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `10.0.0.${n}`, cidr: 32, name: `n${n}` }] }); } sleep(\"1h\")",
    );
    let mut running = sandbox.command(&["run", "script.rhai"]).spawn().unwrap();
    while !sandbox.run(&["runs", "list"]).out.contains("running") {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for _ in 0..10 {
        sandbox.run(&["runs", "verify"]).code(0);
    }
    running.kill().unwrap();
    running.wait().unwrap();
    sandbox.run(&["runs", "verify"]).code(0);
}

#[test]
fn pruning_drops_answers_and_leaves_changes() {
    let seg = Seg::ten();
    let sandbox = recorded(&seg, LARGE);
    sandbox.script("target(\"seg\").groups();", &[]).code(0);
    sandbox.script("target(\"seg\").groups(); fail(\"no\")", &[]).code(1);
    let count = |what: &str| -> i64 { database(&sandbox).query_row(what, [], |row| row.get(0)).unwrap() };
    let answers = "SELECT count(*) FROM entry WHERE effect = 'read' AND outcome IS NOT NULL";
    let before = (count(answers), count("SELECT count(*) FROM entry"));
    sandbox.run(&["runs", "prune"]).code(0).out(&["dropped 0 answers of 0 run(s)"]);
    let planned = sandbox.run(&["runs", "prune", "--dry-run", "--older", "0s"]).code(0).out(&[
        "would drop",
        "of 3 run(s)",
        "1 of them in files",
    ]);
    assert_eq!((count(answers), count("SELECT count(*) FROM entry")), before, "a dry run drops nothing");
    let pruned = sandbox.run(&["runs", "prune", "--older", "0s"]).code(0);
    assert_eq!(pruned.out, planned.out.replace("would drop", "dropped"));
    sandbox.run(&["runs", "verify"]).code(0).out(&["4 run(s)"]);
    assert_eq!(count(answers), 2, "the failed run keeps its answers: it can be resumed");
    assert_eq!(count("SELECT count(*) FROM entry WHERE effect <> 'read' AND outcome IS NOT NULL"), 3);
    assert_eq!(count("SELECT count(*) FROM run"), 4, "the runs themselves stay");
    let files = walk(&sandbox.path().join(".beadle/answers"));
    assert!(files.iter().all(|file| file.ends_with("-action")) && files.len() == 1, "{files:?}");
    sandbox.run(&["runs", "prune", "--older", "0s"]).code(0).out(&["of 0 run(s)"]);
    let id = sandbox.run(&["runs", "list", "--outcome", "succeeded"]).out.lines().nth(2).unwrap()[..8].to_owned();
    sandbox.run(&["runs", "show", &id]).code(0).out(&["dropped on", "seg ip_group_delta [change]", "answer: 200"]);
    sandbox.run(&["runs", "replay", &id]).code(2).err(&["its answers were dropped"]);
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(walk(&path)) } else { found.push(path.display().to_string()) }
    }
    found
}

#[test]
fn the_record_of_a_newer_beadle_is_shown_and_not_touched() {
    let seg = Seg::ten();
    let sandbox = recorded(&seg, 1_000);
    database(&sandbox).pragma_update(None, "user_version", 999).unwrap();
    for command in [&["runs", "list"][..], &["runs", "show"], &["runs", "verify"], &["runs", "export"]] {
        sandbox.run(command).code(0).err(&["has format 999", "it is only read; use the newer Beadle"]);
    }
    sandbox.run(&["runs", "list"]).code(0).out(&["script.rhai", "succeeded"]);
    sandbox.run(&["runs", "prune", "--older", "0s"]).code(1).err(&["format 999"]);
    database(&sandbox).execute("ALTER TABLE run RENAME COLUMN cause TO reason", []).unwrap();
    sandbox.run(&["runs", "list"]).code(1).err(&["format 999", "use the newer Beadle"]);
}

#[test]
fn serving_prunes_by_itself() {
    let seg = Seg::ten();
    let sandbox = recorded(&seg, 1_000);
    let config = sandbox.read("beadle.toml");
    sandbox.write("beadle.toml", &format!("{config}\n[state]\nkeep = \"0s\"\n"));
    let mut serving = sandbox.command(&["serve"]).spawn().unwrap();
    let pruned = || -> i64 {
        database(&sandbox).query_row("SELECT count(*) FROM run WHERE pruned IS NOT NULL", [], |row| row.get(0)).unwrap()
    };
    for _ in 0..200 {
        if pruned() == 2 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    serving.kill().unwrap();
    serving.wait().unwrap();
    assert_eq!(pruned(), 2);
    sandbox.run(&["runs", "verify"]).code(0);
}
