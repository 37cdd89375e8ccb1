//! Runs of triggers that a person goes on with: the ledger knows how they ended, and their files go where the
//! service would have put them.

use std::time::Duration;

use serde_json::Value as Json;

use crate::support::Sandbox;
use crate::support::service::{Service, within};

const FAILS: &str = "let text = read_file(event.path);\nfail(\"not yet\");";
const WORKS: &str = "let text = read_file(event.path);\nwrite_file(\"out/did\", text);";

/// A project with a watch whose run fails, and the file that it fails for.
fn failing(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let watch = "[watches.take]\nplaybook = \"take\"\npaths = [\"inbox/*\"]\nready = \"rename\"\n";
    sandbox.write("beadle.toml", &format!("{watch}{more}"));
    sandbox.write("playbooks/take.rhai", FAILS);
    sandbox.write("works.rhai", WORKS);
    sandbox.write("aside/a.txt", "one");
    std::fs::create_dir(sandbox.path().join("inbox")).unwrap();
    std::fs::rename(sandbox.path().join("aside/a.txt"), sandbox.path().join("inbox/a.txt")).unwrap();
    sandbox
}

fn is_there(sandbox: &Sandbox, path: &str) -> bool {
    sandbox.path().join(path).exists()
}

#[track_caller]
fn until(what: &str, look: impl Fn() -> bool) {
    assert!(within(Duration::from_secs(30), || look().then_some(())).is_some(), "{what} never came");
}

/// Serves until the run has failed and its file is in `failed/`.
fn serve_until_failed(sandbox: &Sandbox) -> Service {
    let service = Service::start(sandbox);
    assert_eq!(service.ended()["outcome"], "failed");
    until("the reason", || is_there(sandbox, "inbox/failed/a.txt.error.txt"));
    service
}

/// What the ledger has of the last firing.
fn row(sandbox: &Sandbox, trigger: &str) -> Json {
    let explained = sandbox.run(&["triggers", "explain", trigger, "--format", "json"]).code(0);
    let mut explained: Json = serde_json::from_str(&explained.out).unwrap();
    assert_eq!(explained["due"], explained["started"], "{explained}");
    explained["rows"][0].take()
}

fn resume(sandbox: &Sandbox) -> crate::support::Ran {
    sandbox.run(&["runs", "resume", "latest", "--script", "works.rhai"])
}

/// Waits until a service has put the file away. One that ends meanwhile leaves the rest to the next.
#[track_caller]
fn until_put_away(sandbox: &Sandbox) {
    until("the file in the archive", || is_there(sandbox, "inbox/archive/a.txt") && work_folder(sandbox) == 0);
}

#[track_caller]
fn assert_is_archived(sandbox: &Sandbox) {
    assert!(is_there(sandbox, "inbox/archive/a.txt") && is_there(sandbox, "out/did"));
    assert!(!is_there(sandbox, "inbox/failed/a.txt") && !is_there(sandbox, "inbox/failed/a.txt.error.txt"));
    assert_eq!(work_folder(sandbox), 0);
}

/// How many firings have a place in the work folder.
fn work_folder(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.path().join(".beadle/work")).unwrap().count()
}

#[test]
fn a_failed_run_that_is_resumed_by_hand_ends_its_firing_and_frees_its_file() {
    let sandbox = failing("");
    serve_until_failed(&sandbox).end();
    // It fails once more: the reason is the new one, and it is one failure of the trigger.
    sandbox.write("again.rhai", &FAILS.replace("not yet", "nor now"));
    sandbox.run(&["runs", "resume", "latest", "--script", "again.rhai"]).code(1);
    assert!(sandbox.read("inbox/failed/a.txt.error.txt").contains("nor now"));
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, failed", "the last firing failed"]);
    resume(&sandbox).code(0);
    assert_is_archived(&sandbox);
    let explained = sandbox.run(&["triggers", "explain", "take"]).code(0);
    explained.out(&["resumed by hand, succeeded", "due 1 = started 1 + merged 0 + skipped 0 + queued 0"]);
    assert_eq!(row(&sandbox, "take")["runs"][0]["by_hand"], true);
    resume(&sandbox).code(2).err(&["has succeeded"]);
}

#[test]
fn a_service_hears_at_once_how_a_run_ended_that_was_resumed_beside_it() {
    let sandbox = failing("");
    let service = serve_until_failed(&sandbox);
    sandbox.run(&["runs", "resume", "latest"]).code(1);
    resume(&sandbox).code(0);
    until_put_away(&sandbox);
    assert_eq!(service.end(), 0);
    assert_is_archived(&sandbox);
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, succeeded"]);
    assert_eq!(sandbox.run(&["runs", "list", "--format", "json"]).out.matches("\"id\"").count(), 1, "one run");
}

#[test]
fn a_run_whose_service_died_is_ended_by_hand_without_another_service() {
    let sandbox = failing("");
    sandbox.write("playbooks/take.rhai", "let text = read_file(event.path);\nprint(\"begun\");\nsleep(\"60s\");");
    let service = Service::start(&sandbox);
    service.wait_for("begun");
    service.kill();
    assert_eq!(row(&sandbox, "take")["runs"][0]["outcome"], Json::Null);
    resume(&sandbox).code(0);
    assert_is_archived(&sandbox);
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, succeeded"]);
    // The next service has nothing left to do.
    let service = Service::start(&sandbox);
    service.end();
    assert_eq!(row(&sandbox, "take")["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_terminal_that_dies_before_it_has_told_the_ledger_is_found_out_by_the_service() {
    let sandbox = failing("");
    serve_until_failed(&sandbox).end();
    // The run has ended, and its firing does not know yet.
    let mut command = sandbox.command(&["runs", "resume", "latest", "--script", "works.rhai"]);
    assert!(!command.env("BEADLE_FAIL_POINT", "ended").status().unwrap().success());
    assert!(is_there(&sandbox, "inbox/failed/a.txt"));
    let service = Service::start(&sandbox);
    until_put_away(&sandbox);
    assert_eq!(service.end(), 0);
    assert_is_archived(&sandbox);
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, succeeded"]);
}

#[test]
fn a_terminal_that_is_closed_in_the_middle_leaves_a_run_that_the_service_tells_of() {
    let sandbox = failing("");
    let service = serve_until_failed(&sandbox);
    sandbox.write("slow.rhai", "let text = read_file(event.path);\nprint(\"slow\");\nsleep(\"60s\");");
    let resume = ["runs", "resume", "latest", "--script", "slow.rhai"];
    let mut terminal = sandbox.command(&resume).stdout(std::process::Stdio::null()).spawn().unwrap();
    until("the run in hand", || row(&sandbox, "take")["runs"][0]["outcome"] == Json::Null);
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, is going"]);
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    // Whatever wakes the service has it look.
    sandbox.run(&["triggers", "resume", "take"]).code(0);
    let problem = service.wait_for("has left it");
    assert!(problem.contains("beadle runs resume"), "{problem}");
    assert_eq!(service.end(), 0);
    sandbox.run(&["triggers", "explain", "take"]).code(0).out(&["resumed by hand, interrupted"]);
    assert!(is_there(&sandbox, "inbox/failed/a.txt"), "it is where it was");
}

#[test]
fn a_firing_is_not_tried_again_once_its_run_has_succeeded_by_hand() {
    let sandbox = failing("retry = { attempts = 3, backoff = \"20s\" }\n");
    let service = Service::start(&sandbox);
    assert_eq!(service.ended()["outcome"], "failed");
    until("the wait for the second attempt", || row(&sandbox, "take")["next"] != Json::Null);
    sandbox.write("works.rhai", &format!("{WORKS}\nsleep(\"2s\");"));
    let resume = ["runs", "resume", "latest", "--script", "works.rhai"];
    let mut resumed = sandbox.command(&resume).spawn().unwrap();
    let explained = || sandbox.run(&["triggers", "explain", "take"]).out;
    // In as many lines as the table has room for.
    let in_hand = "resumed by hand, is going, tried again unless that succeeds";
    until("the run in hand", || explained().split_whitespace().collect::<Vec<_>>().join(" ").contains(in_hand));
    assert!(resumed.wait().unwrap().success());
    until_put_away(&sandbox);
    assert_eq!(service.end(), 0);
    assert_is_archived(&sandbox);
    let row = row(&sandbox, "take");
    assert_eq!((&row["runs"][0]["outcome"], &row["next"]), (&"succeeded".into(), &Json::Null), "{row}");
    assert!(row["reason"].as_str().unwrap().contains("was resumed by hand"), "{row}");
    assert_eq!(row["runs"].as_array().unwrap().len(), 1, "{row}");
}
