//! The journal and its disk: a full one, a read-only one, one that lost its last writes; two owners; clocks that
//! jump; and how many commits a change costs.

use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::journal::{Log, Part};
use beadle::state::State;

use crate::crash::world::journal;
use crate::support::lab::{Seg, member_put};
use crate::support::{Ran, Sandbox};

/// So many changes, one after the other.
fn changes(count: u32) -> String {
    format!(
        "let seg = target(\"seg\");\nfor n in 0..{count} {{ seg.ip_group_delta(15, #{{ add: [#{{ ip_address_start: \
         `10.0.${{n / 250}}.${{n % 250}}`, cidr: 32, name: `n${{n}}` }}] }}); }}\nprint(\"done\");"
    )
}

/// The same by a script that settles what was sent twice.
fn settled(count: u32) -> String {
    let caught = "] }); } catch (e) { if e.details.get(\"resent\") != true { throw } } }";
    changes(count).replace("seg.ip_group", "try { seg.ip_group").replace("] }); }", caught)
}

fn deltas(seg: &Seg) -> usize {
    seg.lab.requests().iter().filter(|request| request.target.contains("delta")).count()
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The numbers of the changes whose intents the journal has.
fn intents(log: &Log) -> usize {
    let Some(run) = log.runs().unwrap().into_iter().next() else { return 0 };
    log.entries(&run.id, false).unwrap().iter().filter(|entry| entry.is_change()).count()
}

#[test]
fn a_disk_that_fills_stops_the_run_before_its_next_change() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write("script.rhai", &settled(400));
    // No file may become larger than this: what a full quota does.
    let limited = format!("trap '' XFSZ; ulimit -f 600; exec {} run script.rhai", env!("CARGO_BIN_EXE_beadle"));
    let plain = sandbox.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &limited]).current_dir(sandbox.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran: Ran = command.stdin(Stdio::null()).output().unwrap().into();
    let ran = ran.code(1).err(&["the journal cannot be written, and nothing is changed without it", "the disk"]);
    let sent = deltas(&seg);
    assert!((1..400).contains(&sent), "{sent}: {}", ran.err);
    assert_eq!(seg.lab.counts().2 as usize, sent);
    assert_eq!(intents(&journal(sandbox.path().join(".beadle"))), sent, "what was sent was on the disk first");
    sandbox.run(&["runs", "resume"]).code(0).out(&["done"]);
    let (applied, there) = (seg.lab.counts().2, seg.lab.ip_group(15).len());
    assert_eq!((applied, there), (400, 400), "each of them once");
    // Where the last one's outcome was lost with the disk it is settled by a resend, which is refused.
    assert!((400..=401).contains(&deltas(&seg)), "{}", deltas(&seg));
}

#[test]
fn a_full_database_takes_back_what_it_could_not_write() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.script(&changes(3), &[]).code(0);
    let state = Arc::new(State::open(&sandbox.path().join(".beadle")).unwrap());
    let pages = |pages: i64| {
        let limit = format!("PRAGMA max_page_count = {pages}");
        state.with(|connection| connection.query_row(&limit, [], |row| row.get::<_, i64>(0))).unwrap()
    };
    let full = pages(1);
    let filled = state.transaction(|transaction| {
        transaction.execute("INSERT INTO store VALUES ('a', 'b', ?1)", ["x".repeat(1 << 20)])
    });
    let message = filled.unwrap_err().to_string();
    assert!(message.contains("the disk is full, and nothing was written"), "{message}");
    pages(full * 1000);
    let count = state.with(|c| c.query_row("SELECT count(*) FROM store", [], |row| row.get::<_, i64>(0))).unwrap();
    assert_eq!(count, 0);
    let log = journal(sandbox.path().join(".beadle"));
    assert_eq!(log.verify(&log.runs().unwrap()).unwrap(), []);
}

/// The sandbox as its own user's, whom a mode keeps from writing: root is kept by none.
fn give_away(folder: &Path) -> Option<u32> {
    const NOBODY: u32 = 65_534;
    let is_root = chown(folder, Some(NOBODY), Some(NOBODY)).is_ok();
    if is_root {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                give_away(&path);
            } else {
                chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
    }
    is_root.then_some(NOBODY)
}

#[test]
fn a_read_only_state_folder_stops_the_run_before_its_first_change() {
    for before in [false, true] {
        let seg = Seg::ten();
        let sandbox = Sandbox::with_seg(&seg, "");
        let folder = sandbox.path().join(".beadle");
        if before {
            sandbox.script("print(1)", &[]).code(0);
        } else {
            std::fs::create_dir(&folder).unwrap();
        }
        sandbox.write("script.rhai", &changes(3));
        let user = give_away(sandbox.path());
        let lock = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        for file in std::fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            lock(&path, if path.is_dir() { 0o500 } else { 0o400 });
        }
        lock(&folder, 0o500);
        let mut command = sandbox.command(&["run", "script.rhai"]);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let ran: Ran = command.output().unwrap().into();
        lock(&folder, 0o700);
        let ran = ran.code(1);
        assert!(ran.err.contains(".beadle"), "it names the place: {}", ran.err);
        assert_eq!(seg.writes(), 0, "{}", ran.err);
    }
}

#[test]
fn a_run_whose_lock_cannot_be_made_changes_nothing() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    sandbox.write(".beadle/runs", "this should have been a folder");
    sandbox.script(&changes(3), &[]).code(1).err(&["the run's lock file cannot be made", "nothing is changed"]);
    assert_eq!(seg.writes(), 0);
}

#[test]
fn of_two_resumes_one_goes_on_and_the_other_says_who_does() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("BEADLE_FAIL_POINT", "intended:3");
    sandbox.script(&changes(6), &[]).code(-1);
    sandbox.env("BEADLE_FAIL_POINT", "");
    seg.fail(&["latency=150ms@delta"]);
    let sent = deltas(&seg);
    let first = start(&sandbox, &["runs", "resume"]);
    until("the first resume", || deltas(&seg) > sent);
    let who = format!("is being executed by process {}", first.id());
    sandbox.run(&["runs", "resume"]).code(2).err(&[&who, "beadle runs cancel"]);
    assert_eq!(ended(first).code(0).out.trim(), "done");
    assert_eq!((seg.lab.ip_group(15).len(), deltas(&seg)), (6, 6));

    // At the same instant: one of them does all of it.
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("BEADLE_FAIL_POINT", "intended:3");
    sandbox.script(&changes(6), &[]).code(-1);
    sandbox.env("BEADLE_FAIL_POINT", "");
    let both = [start(&sandbox, &["runs", "resume"]), start(&sandbox, &["runs", "resume"])];
    let mut codes = both.map(|child| ended(child).code);
    codes.sort_unstable();
    assert_eq!(codes, [0, 2]);
    assert_eq!((seg.lab.ip_group(15).len(), deltas(&seg)), (6, 6));
}

#[test]
fn the_five_minutes_of_an_idempotent_change_hold_whatever_the_clock_does() {
    // When the process died, what the clock says at the resume, how often the change is sent in all, and how
    // often its object is read.
    for (point, clock, sent, reads) in [
        ("intended", "0s", 1, 1),
        ("intended", "10m", 1, 2),
        ("intended", "-10m", 1, 2),
        ("answered", "10m", 1, 2),
        ("answered", "-1h", 1, 2),
    ] {
        let seg = Seg::ten();
        let mut sandbox = Sandbox::with_seg(&seg, "[catalog]\npaths = [\"catalogs\"]\n");
        sandbox.write("catalogs/more.toml", &member_put("idempotent"));
        sandbox.env("BEADLE_FAIL_POINT", point);
        let script = "target(\"seg\").member_put(3, #{ member_type: 1, member_data: \"c@example.net\" });";
        sandbox.script(script, &[]).code(-1);
        sandbox.env("BEADLE_FAIL_POINT", "");
        sandbox.env("BEADLE_TEST_CLOCK", clock);
        sandbox.run(&["runs", "resume"]).code(0);
        let count = |method: &str| {
            let requests = seg.lab.requests().into_iter();
            requests.filter(|seen| seen.method == method && seen.target.contains("/members")).count()
        };
        assert_eq!((count("POST"), count("GET")), (sent, reads), "{point}, {clock}");
        assert_eq!(
            seg.lab.members(3).iter().filter(|member| *member == "c@example.net").count(),
            1,
            "{point}, {clock}"
        );
    }
}

#[test]
fn a_sleep_ends_when_it_would_have_ended_and_no_clock_makes_it_longer() {
    for (clock, at_least, at_most) in [("1h", 0, 1500), ("-1h", 1900, 5000)] {
        let seg = Seg::ten();
        let mut sandbox = Sandbox::with_seg(&seg, "");
        sandbox.write("script.rhai", "sleep(\"2s\"); print(\"awake\")");
        let mut child = start(&sandbox, &["run", "script.rhai", "--timeout", "30s"]);
        let log = journal(sandbox.path().join(".beadle"));
        until("the sleep", || {
            let runs = log.runs().unwrap();
            runs.first()
                .is_some_and(|run| log.entries(&run.id, false).unwrap().iter().any(|entry| entry.kind == "sleep"))
        });
        child.kill().unwrap();
        child.wait().unwrap();
        sandbox.env("BEADLE_TEST_CLOCK", clock);
        let begun = Instant::now();
        sandbox.run(&["runs", "resume"]).code(0).out(&["awake"]);
        let took = begun.elapsed().as_millis();
        assert!((at_least..at_most).contains(&took), "{clock}: {took} ms");
    }
}

#[test]
fn a_clock_that_jumps_takes_no_time_from_a_run() {
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    for clock in ["-2h", "2h", "-30m"] {
        sandbox.env("BEADLE_FAIL_POINT", if clock == "-2h" { "answered:2" } else { "answered:1" });
        sandbox.env("BEADLE_TEST_CLOCK", clock);
        let ran = match clock {
            "-2h" => sandbox.script(
                &changes(6).replace("seg.ip", "try { seg.ip").replace("] });", "] }); } catch {}"),
                &["--timeout", "60s"],
            ),
            _ => sandbox.run(&["runs", "resume"]),
        };
        assert_eq!(ran.code, -1, "{clock}: {}", ran.err);
    }
    sandbox.env("BEADLE_FAIL_POINT", "");
    sandbox.run(&["runs", "resume"]).code(0).out(&["done"]);
    assert_eq!(seg.lab.ip_group(15).len(), 6);
    let log = journal(sandbox.path().join(".beadle"));
    let run = log.find_run("latest").unwrap();
    assert!((0..60_000_000).contains(&run.ran), "{} µs", run.ran);
}

#[test]
fn a_database_that_lost_its_last_writes_opens_and_what_it_has_is_not_done_again() {
    const PAGE: usize = 4096 + 24;
    let seg = Seg::ten();
    let mut sandbox = Sandbox::with_seg(&seg, "");
    sandbox.env("BEADLE_FAIL_POINT", "answered:8");
    sandbox.script(&changes(8), &[]).code(-1);
    let folder = sandbox.path().join(".beadle");
    let (database, wal) =
        (std::fs::read(folder.join("state.db")).unwrap(), std::fs::read(folder.join("state.db-wal")).unwrap());
    assert!(wal.len() > 20 * PAGE, "{}", wal.len());
    let mut tried = BTreeSet::new();
    for end in (32..=wal.len()).step_by(PAGE) {
        let image = tempfile::tempdir().unwrap();
        std::fs::write(image.path().join("state.db"), &database).unwrap();
        std::fs::write(image.path().join("state.db-wal"), &wal[..end]).unwrap();
        let log = journal(image.path().to_owned());
        let runs = log.runs().unwrap();
        assert_eq!(log.verify(&runs).unwrap(), [], "cut at {end}");
        let Some(run) = runs.first() else { continue };
        let entries = log.entries(&run.id, false).unwrap();
        let known = entries.iter().filter(|entry| entry.is_change() && !entry.is_open()).count();
        let begun = entries.iter().filter(|entry| entry.is_change()).count();
        assert!(entries.iter().all(|entry| log.part(&run.id, entry.number, Part::Action).unwrap().is_some()));
        drop(log);
        if !tried.insert((known, begun)) {
            continue;
        }
        // An appliance on which happened what the image says, and one change more that was under way.
        let seg = Seg::ten();
        for n in 0..known {
            seg.lab.put_ip(15, &format!("10.0.0.{n}/32"), &format!("n{n}"));
        }
        let again = Sandbox::with_seg(&seg, "");
        let state = again.path().join(".beadle");
        std::fs::create_dir(&state).unwrap();
        std::fs::write(state.join("state.db"), &database).unwrap();
        std::fs::write(state.join("state.db-wal"), &wal[..end]).unwrap();
        again.run(&["runs", "resume"]).code(0).out(&["done"]);
        assert_eq!(deltas(&seg), 8 - known, "cut at {end}: {known} were known");
        assert_eq!(seg.lab.ip_group(15).len(), 8, "cut at {end}");
    }
    // The run's beginning may come with its first change; each change has an image that ends behind its intent.
    assert!((0..8).all(|known| tried.contains(&(known, known + 1))), "{tried:?}");
}

/// The requests that change something and the writes that were made durable, in order, as strace sees them;
/// nothing where no process may be watched.
fn watched(script: &str) -> Option<Vec<String>> {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, "");
    // The database is made before: that costs commits of its own.
    sandbox.script("print(1)", &[]).code(0);
    sandbox.write("script.rhai", script);
    let plain = sandbox.command(&[]);
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-s", "16", "-e", "trace=fsync,fdatasync,sendto,writev,write", "-o", "calls"]);
    command.args([env!("CARGO_BIN_EXE_beadle"), "run", "script.rhai"]).current_dir(sandbox.path()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = command.stdin(Stdio::null()).output();
    let calls = ran.ok().filter(|ran| ran.status.success()).map(|_| sandbox.read("calls"));
    let lines = |calls: String| -> Vec<String> {
        let is_event = |line: &&str| line.contains("sync(") && line.contains("-wal>") || line.contains("\"PATCH /");
        calls.lines().filter(is_event).map(str::to_owned).collect()
    };
    let events = calls.map(lines).filter(|events| events.iter().any(|line| line.contains("sync(")));
    if events.is_none() {
        let text = "skipped: strace is not there, or may not watch a process here\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    events
}

fn is_request(event: &str) -> bool {
    event.contains("PATCH")
}

#[test]
fn a_change_costs_one_durable_commit_and_branches_share_theirs() {
    let Some(events) = watched(&changes(30)) else { return };
    let first = events.iter().position(|event| is_request(event)).unwrap();
    let last = events.iter().rposition(|event| is_request(event)).unwrap();
    let kinds: Vec<bool> = events[first..=last].iter().map(|event| is_request(event)).collect();
    let strictly: Vec<bool> = (0..59).map(|n| n % 2 == 0).collect();
    assert_eq!(kinds, strictly, "a commit, a change, a commit, a change: {events:#?}");
    let body = "seg.ip_group_delta(15, #{ add: [#{ ip_address_start: `10.0.0.${n}`, cidr: 32, name: `n${n}` }] })";
    let list = "let list = []; for n in 0..60 { list.push(n); }";
    let wide = format!("let seg = target(\"seg\"); {list} parallel(list, #{{ limit: 12 }}, |n| {body});");
    let events = watched(&wide).unwrap();
    let commits = events.iter().filter(|event| !is_request(event)).count();
    assert_eq!(events.len() - commits, 60);
    assert!(commits < 55, "60 changes in twelve branches made {commits} commits");
}
