//! Watched folders with the real binary: real files, real kills.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::support::Sandbox;
use crate::support::service::Service;

/// A project with one watch of `inbox/`, whose playbook is `script`.
fn project(watch: &str, script: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let head = "[files]\nwrite = [\"inbox\", \"out\"]\n[watches.feed]\nplaybook = \"take\"\n";
    sandbox.write("beadle.toml", &format!("{head}{watch}\n"));
    sandbox.write("playbooks/take.rhai", script);
    fs::create_dir(sandbox.path().join("inbox")).unwrap();
    sandbox
}

fn explain(sandbox: &Sandbox) -> serde_json::Value {
    let ran = sandbox.run(&["triggers", "explain", "feed", "--format", "json"]).code(0);
    serde_json::from_str(&ran.out).unwrap()
}

fn names(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(sandbox.path().join(folder)) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[track_caller]
fn wait_until(what: &str, seconds: u64, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while !done() {
        assert!(Instant::now() < until, "{what} never came");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Writes a file elsewhere and renames it into the inbox.
fn drop_whole(sandbox: &Sandbox, name: &str, text: &str) {
    let aside = sandbox.write(&format!("aside/{name}"), text);
    fs::rename(aside, sandbox.path().join("inbox").join(name)).unwrap();
}

#[test]
fn a_file_that_is_written_slowly_is_taken_once_it_is_whole() {
    let sandbox = project("paths = [\"inbox/*\"]\nsettle = \"1s\"", "write_file(\"out/size\", `${event.size}`);");
    let serving = Service::start(&sandbox);
    let mut file = fs::File::create(sandbox.path().join("inbox/slow.txt")).unwrap();
    for _ in 0..20 {
        file.write_all(b"0123456789").unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(file);
    serving.wait_for("\"event\":\"ended\"");
    assert_eq!(sandbox.read("out/size"), "200");
    serving.end();
    assert_eq!(explain(&sandbox)["due"], 1);
}

#[test]
fn folders_that_are_not_there_yet_are_told_once_and_taken_up() {
    let sandbox = project("paths = [\"inbox/*/new/*.csv\", \"later/*.csv\"]\nready = \"rename\"", "event.name");
    let serving = Service::start(&sandbox);
    assert!(serving.wait_for("\"event\":\"problem\"").contains("later is not there: make the folder"));
    sandbox.write("aside/1.csv", "x");
    fs::create_dir_all(sandbox.path().join("inbox/mail/new")).unwrap();
    fs::rename(sandbox.path().join("aside/1.csv"), sandbox.path().join("inbox/mail/new/1.csv")).unwrap();
    assert!(serving.wait_for("\"event\":\"ended\"").contains("1.csv"));
    sandbox.write("later/2.csv", "x");
    assert!(serving.wait_for("\"event\":\"ended\"").contains("2.csv"));
    // The folder goes away and comes back.
    fs::remove_dir_all(sandbox.path().join("later")).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    sandbox.write("later/3.csv", "x");
    assert!(serving.wait_for("\"event\":\"ended\"").contains("3.csv"));
    serving.end();
}

#[test]
fn a_failed_run_leaves_its_file_in_failed_and_its_resumption_reads_it_there() {
    let script = "let text = read_file(event.path);\nsecret(\"api\");\nfail(\"refused by tok-0123456789abcdef\");";
    let secret = "[secrets.api]\nenv = \"API_TOKEN\"\n";
    let mut sandbox = project(&format!("paths = [\"inbox/*\"]\nready = \"rename\"\n{secret}"), script);
    sandbox.env("API_TOKEN", "tok-0123456789abcdef");
    let serving = Service::start(&sandbox);
    drop_whole(&sandbox, "a.txt", "one");
    serving.wait_for("\"event\":\"ended\"");
    wait_until("the reason", 20, || sandbox.path().join("inbox/failed/a.txt.error.txt").exists());
    wait_until("the text of the reason", 20, || sandbox.read("inbox/failed/a.txt.error.txt").contains("resume"));
    serving.end();
    let reason = sandbox.read("inbox/failed/a.txt.error.txt");
    assert!(reason.contains("outcome: failed") && reason.contains("place:   take:3"), "{reason}");
    assert!(reason.contains("refused by ***") && !reason.contains("tok-"), "{reason}");
    assert_eq!(names(&sandbox, "inbox/failed"), ["a.txt", "a.txt.error.txt"]);
    // The mended script reads more of the file: where it was then, it is still found.
    let script = "let text = read_file(event.path);\nsecret(\"api\");\nread_lines(event.path)[0]";
    sandbox.write("mended.rhai", script);
    let ran = sandbox.run(&["runs", "resume", "latest", "--script", "mended.rhai", "--format", "json"]).code(0);
    assert!(ran.out.contains("\"one\""), "{}", ran.out);
    assert_eq!((names(&sandbox, "inbox/failed"), names(&sandbox, "inbox/archive")), (vec![], vec!["a.txt".to_owned()]));
}

#[test]
fn what_runs_write_into_the_folder_starts_no_run_unless_it_is_a_chain() {
    let script = "write_file(\"inbox/\" + event.name + \"x\", \"again\");";
    for (chain, runs, skipped) in [("", 1, 1), ("chain = true", 9, 1)] {
        let sandbox = project(&format!("paths = [\"inbox/*\"]\nready = \"rename\"\n{chain}"), script);
        let serving = Service::start(&sandbox);
        drop_whole(&sandbox, "a", "first");
        for _ in 0..runs {
            serving.wait_for("\"event\":\"ended\"");
        }
        wait_until("the ledger", 20, || explain(&sandbox)["skipped"] == skipped);
        serving.end();
        assert_eq!(explain(&sandbox)["started"], runs);
        let reason = explain(&sandbox)["rows"][0]["reason"].as_str().unwrap_or_default().to_owned();
        assert!(reason.contains("wrote it"), "{reason}");
    }
}

#[test]
fn many_files_are_handed_to_one_run() {
    let watch = "paths = [\"inbox/*\"]\nready = \"rename\"\ncollect = { max = 3, window = \"1h\" }\n\
                 params = { lists = \"${event.paths}\" }";
    let script = "//! Reads lists.\n//! ```toml\n//! [params]\n//! lists = { type = \"list of path\", doc = \"lists\" }\n\
                  //! ```\nlet all = \"\";\nfor path in params.lists { all += read_file(path); }\n\
                  write_file(\"out/all\", all + event.files.len());";
    let sandbox = project(watch, script);
    let serving = Service::start(&sandbox);
    for name in ["c", "a", "b"] {
        drop_whole(&sandbox, name, name);
    }
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("succeeded"), "{ended}");
    assert_eq!(sandbox.read("out/all"), "abc3");
    wait_until("the archive", 20, || names(&sandbox, "inbox/archive") == ["a", "b", "c"]);
    serving.end();
    assert_eq!(explain(&sandbox)["started"], 3, "the ledger counts files");
}

#[test]
fn a_file_that_may_not_be_read_is_told_with_its_cure_and_taken_once_it_may() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    let sandbox = project("paths = [\"inbox/*\"]\nready = \"rename\"\npoll = \"200ms\"", "event.name");
    // Root may read everything: then another user serves.
    let nobody = (fs::metadata("/proc/self").unwrap().uid() == 0).then_some(65_534);
    if nobody.is_some() {
        for path in ["", "beadle.toml", "playbooks", "playbooks/take.rhai", "inbox"] {
            chown(sandbox.path().join(path), nobody, nobody).unwrap();
        }
    }
    let command = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        if let Some(nobody) = nobody {
            command.uid(nobody).gid(nobody);
        }
        command
    };
    let reason = || {
        let output = command(&["triggers", "explain", "feed", "--format", "json"]).output().unwrap();
        let explained: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        explained["rows"][0]["reason"].as_str().unwrap_or_default().to_owned()
    };
    let serving = Service::start_with(command(&["serve", "--format", "json"]));
    let path = sandbox.write("aside/a.txt", "one");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    fs::rename(path, sandbox.path().join("inbox/a.txt")).unwrap();
    wait_until("the refusal", 20, || reason().contains("may not read it: give it the right"));
    fs::set_permissions(sandbox.path().join("inbox/a.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    serving.wait_for("\"event\":\"ended\"");
    serving.end();
}

/// Drops files while the service is killed again and again. `BEADLE_DROP_FILES` says how many;
/// `tests/long/watches.sh` drops ten thousand.
#[test]
fn files_dropped_while_the_service_is_killed_start_one_run_each() {
    #[expect(clippy::disallowed_methods, reason = "a test is configured by its environment")]
    let count: usize = std::env::var("BEADLE_DROP_FILES").map_or(60, |count| count.parse().unwrap());
    let watch = "paths = [\"inbox/*.txt\"]\nready = \"rename\"\noverlap = \"parallel\"";
    let script = "write_file(`out/${event.name}.${run.id}`, read_file(event.path));";
    let sandbox = project(watch, script);
    let patience = 60 + count as u64 / 10;
    let mut serving = Service::start(&sandbox);
    for number in 0..count {
        drop_whole(&sandbox, &format!("{number:05}.txt"), &number.to_string());
        if number % (count / 4).max(1) == count / 8 {
            // In the midst of runs.
            wait_until("a run", patience, || !names(&sandbox, "out").is_empty());
            serving.kill();
            serving = Service::start(&sandbox);
        }
    }
    let settled = || {
        let explained = explain(&sandbox);
        explained["due"] == count && explained["started"] == count
    };
    wait_until("the end of the files", patience, settled);
    // Runs that a kill broke off are for whoever resumes them: their files wait in the work folder.
    let at_work = || names(&sandbox, ".beadle/work").len();
    wait_until("the archive", patience, || names(&sandbox, "inbox/archive").len() + at_work() == count);
    serving.end();
    let mut runs: BTreeMap<String, usize> = BTreeMap::new();
    // A run that is killed while it writes leaves the half of it under a hidden name.
    for name in names(&sandbox, "out").into_iter().filter(|name| !name.starts_with('.')) {
        *runs.entry(name.rsplit_once('.').unwrap().0.to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = runs.iter().filter(|(_, runs)| **runs > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    let explained = explain(&sandbox);
    assert_eq!(explained["due"], count);
    assert_eq!((explained["skipped"].as_u64(), explained["queued"].as_u64()), (Some(0), Some(0)));
    assert!(names(&sandbox, "inbox").iter().all(|name| name == "archive"), "nothing is left behind");
    let broken_off = count - runs.len();
    assert!(broken_off <= 8 * 4, "{broken_off} runs wrote nothing");
}

#[test]
fn a_file_that_comes_while_the_configuration_is_swapped_is_taken_at_once() {
    let sandbox = project("paths = [\"inbox/*\"]\nready = \"rename\"", "print(event.name);");
    let serving = Service::start(&sandbox);
    for round in 0..40 {
        let name = round.to_string();
        serving.signal("HUP");
        serving.wait_for("\"event\":\"reloaded\"");
        // What belongs to the reload goes on for a few milliseconds.
        std::thread::sleep(Duration::from_micros(100) * round);
        drop_whole(&sandbox, &name, "x");
        serving.wait_for("\"event\":\"ended\"");
    }
    assert_eq!(serving.end(), 0);
}

#[test]
fn check_knows_mistakes_in_the_keys_of_a_watch() {
    for (watch, said) in [
        ("paths = [\"inbox/\"]", "names no files: write it as inbox/*.txt"),
        ("paths = [\"inbox/**\"]", "** stands for folders"),
        ("paths = [\"inbox/*\"]\norder = \"tme\"", "Did you mean 'time'?"),
        ("paths = [\"inbox/*\"]\ncollect = { max = 0 }", "max must be at least 1"),
        ("paths = [\"inbox/*\"]\ncollect = { window = \"soon\" }", "collect: window"),
        ("paths = [\"inbox/*\"]\ncollect = { windw = \"1s\" }", "windw"),
        ("paths = [\"inbox/*\"]\ndedupe_for = \"1d\"", "dedupe = \"content\""),
        ("paths = [\"inbox/*\"]\npoll = \"1ms\"", "100ms or more"),
        ("paths = [\"inbox/*\"]\nparams = { x = \"${event.pth}\" }", "Did you mean 'path'?"),
        ("paths = [\"inbox/*\"]\ncollect = {}\nparams = { x = \"${event.path}\" }", "${event.paths}, a list"),
        ("paths = [\"inbox/*\"]\nparams = { x = \"${event.paths}\" }", "${event.path}, one file"),
    ] {
        let script = "//! Takes x.\n//! ```toml\n//! [params]\n//! x = { type = \"string\" }\n//! ```\nparams.x";
        let sandbox = project(watch, script);
        let ran = sandbox.run(&["check"]);
        assert_ne!(ran.code, 0, "{watch}\n{}{}", ran.out, ran.err);
        assert!(format!("{}{}", ran.out, ran.err).contains(said), "{watch} lacks '{said}':\n{}{}", ran.out, ran.err);
    }
}
