//! A service with nothing to do does nothing, and misses nothing for that: what is due wakes it, and so does what
//! nobody can foresee.

use std::time::{Duration, Instant};

use crate::support::Sandbox;
use crate::support::service::{Service, wakes, watch, within};

/// `BEADLE_IDLE_SECONDS` says for how long; `tests/long/idle.sh` waits for three minutes.
#[test]
fn a_service_with_nothing_due_does_not_wake() {
    #[expect(clippy::disallowed_methods, reason = "a test is configured by its environment")]
    let seconds = std::env::var("BEADLE_IDLE_SECONDS").map_or(4, |seconds| seconds.parse().unwrap());
    let sandbox = Sandbox::new();
    sandbox.write("playbooks/p.rhai", "event");
    let mut config = String::new();
    for n in 0..1_000 {
        // Far away, whenever this test is run: a leap day.
        config += &format!("[schedules.s{n}]\nplaybook = \"p\"\ncron = \"{} {} 29 2 *\"\n", n % 60, n % 24);
    }
    for n in 0..100 {
        std::fs::create_dir_all(sandbox.path().join(format!("inbox/{n}"))).unwrap();
        config += &format!("[watches.w{n}]\nplaybook = \"p\"\npaths = [\"inbox/{n}/*\"]\n");
    }
    sandbox.write("beadle.toml", &config);
    let serving = Service::start(&sandbox);
    is_asleep(&serving, seconds);
    assert_eq!(serving.end(), 0);
}

/// Waits until the service has come to rest, and then so many seconds in which nothing may wake it.
#[track_caller]
fn is_asleep(serving: &Service, seconds: u64) {
    // The start has its own work: every folder is searched, old answers are dropped.
    let (mut latest, mut since) = (wakes(serving.id()), Instant::now());
    let rests = within(Duration::from_secs(60), || {
        std::thread::sleep(Duration::from_millis(100));
        let now = wakes(serving.id());
        if now != latest {
            (latest, since) = (now, Instant::now());
        }
        (since.elapsed() > Duration::from_secs(2)).then_some(())
    });
    assert!(rests.is_some(), "it does not come to rest");
    let (before, begun) = (wakes(serving.id()), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    // Threads of a pool that had nothing to do for ten seconds have ended, and are not there to be asked.
    let woken: Vec<_> =
        wakes(serving.id()).into_iter().filter(|(task, count)| before.get(task) != Some(count)).collect();
    assert!(woken.is_empty(), "awake in {:?} without a reason: {woken:?}, before {before:?}", begun.elapsed());
}

#[test]
fn a_clock_that_is_set_wakes_the_service_at_once() {
    let mut sandbox = Sandbox::new();
    let clock = sandbox.write("time/clock", "0s");
    sandbox.env("BEADLE_TEST_CLOCK", &format!("@{}", clock.display()));
    sandbox.write("playbooks/p.rhai", "print(event.late)");
    sandbox.write("beadle.toml", "[schedules.s]\nplaybook = \"p\"\ncron = \"0 * * * *\"\nwindow = \"2h\"\n");
    let serving = Service::start(&sandbox);
    // It sleeps until the next hour.
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    sandbox.write("time/clock.new", "61m");
    std::fs::rename(sandbox.path().join("time/clock.new"), clock).unwrap();
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("succeeded"), "{ended}");
    assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_change_is_seen_in_a_folder_that_was_empty_and_behind_a_link() {
    let sandbox = Sandbox::new();
    sandbox.write("playbooks/p.rhai", "1");
    sandbox.write("beadle.toml", "[catalog]\npaths = [\"rows\"]\n");
    std::fs::create_dir(sandbox.path().join("rows")).unwrap();
    let serving = Service::start(&sandbox);
    let real = sandbox.write("elsewhere/real.toml", "this is no catalog");
    let link = || std::os::unix::fs::symlink(&real, sandbox.path().join("rows/new.toml")).unwrap();
    let edit = || drop(sandbox.write("elsewhere/real.toml", "first_word = 1"));
    for (change, said) in [(&link as &dyn Fn(), "rows/new.toml:1: key with no value"), (&edit, "first_word")] {
        // So long that nothing else keeps it awake.
        std::thread::sleep(Duration::from_millis(1_500));
        let begun = Instant::now();
        change();
        let told = serving.wait_for(said);
        assert!(told.contains("the last good one stays"), "{told}");
        assert!(begun.elapsed() < Duration::from_secs(20), "'{said}' took {:?}", begun.elapsed());
    }
    serving.end();
}

#[test]
fn a_run_that_waits_wakes_nobody_until_it_is_cancelled_or_the_clock_is_set() {
    let mut sandbox = Sandbox::new();
    let clock = sandbox.write("time/clock", "0s");
    sandbox.env("BEADLE_TEST_LONG_WAIT", "1s");
    sandbox.write("playbooks/p.rhai", "sleep(\"3h\"); \"woken\"");
    sandbox.write("beadle.toml", &watch("p"));
    std::fs::create_dir_all(sandbox.path().join("in/p")).unwrap();
    let waits = |serving: &Service| {
        serving.fire(&sandbox, "p");
        let listed = || sandbox.run(&["runs", "list", "--outcome", "waiting"]).code(0).out;
        assert!(within(Duration::from_secs(30), || listed().contains("waiting").then_some(())).is_some());
    };
    let serving = Service::start(&sandbox);
    waits(&serving);
    is_asleep(&serving, 3);
    let begun = Instant::now();
    sandbox.run(&["runs", "cancel", "latest"]).code(0);
    assert_eq!(serving.ended()["outcome"], "cancelled");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(serving.end(), 0);
    // With a clock that a test sets.
    let mut command = sandbox.command(&["serve", "--format", "json"]);
    command.env("BEADLE_TEST_CLOCK", format!("@{}", clock.display()));
    let serving = Service::start_with(command);
    waits(&serving);
    let begun = Instant::now();
    sandbox.write("time/clock.new", "4h");
    std::fs::rename(sandbox.path().join("time/clock.new"), clock).unwrap();
    assert_eq!(serving.ended()["value"], "woken");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert_eq!(serving.end(), 0);
}
