//! One writer per target, over branches, runs and processes.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::door::policy::RunLocks;
use crate::fault::{Failure, FaultKind, Stop};

fn now() -> Option<Instant> {
    Some(Instant::now())
}

async fn is_free(locks: &RunLocks, target: &str) -> bool {
    locks.take(target, &CancellationToken::new(), now(), &|_| {}).await.is_ok()
}

#[tokio::test]
async fn two_runs_exclude_each_other_and_branches_of_one_do_not() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    let cancel = CancellationToken::new();
    let first = one.take("seg", &cancel, None, &|_| {}).await.expect("free");
    let second = one.take("seg", &cancel, None, &|_| {}).await.expect("the run has it already");
    assert!(!is_free(&two, "seg").await);
    assert!(is_free(&two, "other").await);
    drop(first);
    assert!(!is_free(&two, "seg").await, "the other branch still holds it");
    drop(second);
    assert!(is_free(&two, "seg").await);
}

#[tokio::test]
async fn a_lock_that_stays_taken_is_refused_at_the_deadline_with_its_holder() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    let cancel = CancellationToken::new();
    let _held = one.take("seg", &cancel, None, &|_| {}).await.expect("free");
    let told = Mutex::new(Vec::new());
    let deadline = Instant::now() + Duration::from_millis(30);
    let tell = |holder: &str| told.lock().expect("fine").push(holder.to_owned());
    let Err(Failure::Fault(fault)) = two.take("seg", &cancel, Some(deadline), &tell).await else { panic!("refused") };
    let holder = format!("run one (process {})", std::process::id());
    assert_eq!((fault.kind, fault.retryable), (FaultKind::Refused, true));
    assert!(fault.message.contains(&holder), "{}", fault.message);
    assert_eq!(*told.lock().expect("fine"), [holder]);
}

#[tokio::test]
async fn a_waiting_run_gets_the_lock_when_it_is_let_go() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    let cancel = CancellationToken::new();
    let held = Mutex::new(Some(one.take("seg", &cancel, None, &|_| {}).await.expect("free")));
    // The holder lets go only once the other one is known to wait.
    let got = two.take("seg", &cancel, None, &|_| drop(held.lock().expect("fine").take())).await;
    assert!(got.is_ok());
}

#[tokio::test]
async fn a_cancelled_run_stops_waiting() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    let cancel = CancellationToken::new();
    let _held = one.take("seg", &cancel, None, &|_| {}).await.expect("free");
    let waiting = two.take("seg", &cancel, None, &|_| cancel.cancel()).await;
    assert!(matches!(waiting, Err(Failure::Stop(Stop::Cancelled))));
}

#[tokio::test]
async fn locks_for_the_whole_run_are_all_or_none() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    let cancel = CancellationToken::new();
    let b = one.take("b", &cancel, None, &|_| {}).await.expect("free");
    assert!(two.hold_all(&["c", "b", "a"], &cancel, now(), &|_| {}).await.is_err());
    assert!(is_free(&one, "a").await, "what was taken before the refusal is free again");
    drop(b);
    let locks = two.hold_all(&["c", "b", "a", "b"], &cancel, now(), &|_| {}).await.expect("free");
    assert_eq!(locks.len(), 3);
    assert!(!is_free(&one, "c").await);
}

#[tokio::test]
async fn a_target_cannot_name_a_file_elsewhere() {
    let state = tempfile::tempdir().expect("a folder");
    let locks = RunLocks::new(state.path(), "one");
    let _held = locks.take("../../x", &CancellationToken::new(), now(), &|_| {}).await.expect("free");
    let files = std::fs::read_dir(state.path().join("locks")).expect("the folder").count();
    assert_eq!(files, 1);
}

#[tokio::test]
async fn a_lock_file_that_was_removed_meanwhile_is_made_anew() {
    let state = tempfile::tempdir().expect("a folder");
    let (one, two) = (RunLocks::new(state.path(), "one"), RunLocks::new(state.path(), "two"));
    assert!(is_free(&one, "seg").await);
    std::fs::remove_dir_all(state.path().join("locks")).expect("it is there");
    let _held = one.take("seg", &CancellationToken::new(), now(), &|_| {}).await.expect("free");
    assert!(!is_free(&two, "seg").await);
}

#[tokio::test]
async fn threads_of_two_runs_never_write_at_once() {
    let state = tempfile::tempdir().expect("a folder");
    let writer = Arc::new(Mutex::new(None::<usize>));
    let runs: Vec<_> = (0..3).map(|run| Arc::new(RunLocks::new(state.path(), &run.to_string()))).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for (run, locks) in runs.iter().enumerate() {
        let (locks, writer) = (Arc::clone(locks), Arc::clone(&writer));
        tasks.spawn(async move {
            for _ in 0..5 {
                let lock = locks.take("seg", &CancellationToken::new(), None, &|_| {}).await.expect("in time");
                assert_eq!(writer.lock().expect("fine").replace(run), None, "another run is writing");
                tokio::task::yield_now().await;
                assert_eq!(writer.lock().expect("fine").take(), Some(run));
                drop(lock);
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.expect("no assertion failed");
    }
}

#[tokio::test]
async fn another_process_finds_the_lock_taken() {
    let state = tempfile::tempdir().expect("a folder");
    let locks = RunLocks::new(state.path(), "one");
    let held = locks.take("seg", &CancellationToken::new(), None, &|_| {}).await.expect("free");
    let other_process_gets_it = || {
        let this = std::env::current_exe().expect("this binary");
        let test = "door::policy::tests::locks::a_copy_of_this_binary_tries_the_lock";
        let output = Command::new(this).args([test, "--exact", "--ignored"]).current_dir(state.path()).output();
        let output = output.expect("it runs");
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed") || !output.status.success());
        output.status.success()
    };
    assert!(!other_process_gets_it());
    drop(held);
    assert!(other_process_gets_it());
}

#[tokio::test]
#[ignore = "the other process of another_process_finds_the_lock_taken"]
async fn a_copy_of_this_binary_tries_the_lock() {
    // Its working folder is the state folder; started in any other way there is nothing to try.
    if Path::new("locks").exists() {
        let locks = RunLocks::new(Path::new("."), "two");
        assert!(is_free(&locks, "seg").await);
    }
}
