//! Limits of the system that are really reached: watchers of folders, processor time, a kernel that confines nobody,
//! a mount that tells of no change. Where this machine does not let a test set one, the test says so.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use seccompiler::{SeccompAction, SeccompFilter, TargetArch};

use crate::support::Sandbox;
use crate::support::service::{Service, wakes, watch, within};

/// The service of a project in namespaces of its own, after `before` was done there.
fn service_in(sandbox: &Sandbox, namespaces: &[&str], before: &str) -> Option<Service> {
    let unshared = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]).args(namespaces).args(["sh", "-ec", script]);
        command
    };
    let tried = unshared(before).current_dir(sandbox.path()).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        not_here(&format!("{tried:?}"));
        return None;
    }
    let serve = sandbox.command(&["serve", "--format", "json"]);
    let mut command = unshared(&format!("{before}\nexec \"$BEADLE\" serve --format json"));
    let set = serve.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.current_dir(sandbox.path()).env_clear().envs(set).env("BEADLE", serve.get_program()).stdin(Stdio::null());
    Some(Service::start_with(command))
}

#[expect(clippy::print_stderr, reason = "a test that tests nothing says so")]
fn not_here(why: &str) {
    eprintln!("this machine does not let a test do that, and nothing was tested: {why}");
}

/// A project with two watched folders.
fn watching() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "beadle.toml",
        "[watches.one]\nplaybook = \"p\"\npaths = [\"in/one/*\"]\nready = \"rename\"\n\
         [watches.two]\nplaybook = \"p\"\npaths = [\"in/two/*\"]\nready = \"rename\"\n",
    );
    sandbox.write("playbooks/p.rhai", "event.name");
    for folder in ["aside", "in/one", "in/two"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    sandbox
}

fn drop_file(sandbox: &Sandbox, folder: &str, name: &str) {
    let aside = sandbox.write(&format!("aside/{name}"), "x");
    std::fs::rename(aside, sandbox.path().join(folder).join(name)).unwrap();
}

#[test]
fn a_user_with_no_more_watchers_is_told_the_limit_and_files_are_found_all_the_same() {
    let sandbox = watching();
    let none_left = "echo 0 > /proc/sys/user/max_inotify_instances";
    drop_file(&sandbox, "in/one", "early");
    let Some(serving) = service_in(&sandbox, &[], none_left) else { return };
    let said = serving.said_at_start();
    assert!(said.contains("the system's limit fs.inotify.max_user_instances") && said.contains("sysctl"), "{said}");
    assert!(said.contains("what other commands do to triggers is noticed within a minute only"), "{said}");
    assert!(serving.wait_for("\"event\":\"ended\"").contains("early"));
    // The folders are looked into at times, and at no others: every five seconds, two searches.
    let awake = || wakes(serving.id()).into_values().sum::<u64>();
    let before = awake();
    std::thread::sleep(Duration::from_secs(3));
    let often = awake().saturating_sub(before);
    assert!(often < 40, "it was awake {often} times in three seconds");
    let begun = Instant::now();
    drop_file(&sandbox, "in/two", "late");
    assert!(serving.wait_for("\"event\":\"ended\"").contains("late"));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_folder_for_which_there_is_no_room_is_told_with_the_cure_and_looked_into_at_times() {
    let sandbox = watching();
    // One for the configuration, one for the bell, and one for the first of the two folders.
    let Some(serving) = service_in(&sandbox, &[], "echo 3 > /proc/sys/user/max_inotify_watches") else { return };
    let problem = serving.wait_for("\"event\":\"problem\"");
    assert!(problem.contains("fs.inotify.max_user_watches") && problem.contains("sysctl"), "{problem}");
    for (folder, name) in [("in/one", "a"), ("in/two", "b")] {
        let begun = Instant::now();
        drop_file(&sandbox, folder, name);
        assert!(serving.wait_for("\"event\":\"ended\"").contains(name));
        assert!(begun.elapsed() < Duration::from_secs(20), "{folder}: {:?}", begun.elapsed());
    }
    assert_eq!(serving.end(), 0);
}

/// Files come into the lower layer of a mount, of which the system tells nobody who watches the upper one.
#[test]
fn a_folder_of_which_the_system_tells_nothing_is_polled_as_often_as_its_watch_says() {
    let sandbox = watching();
    let quick = sandbox.read("beadle.toml").replace("in/one/*\"]", "in/one/*\"]\npoll = \"300ms\"");
    sandbox.write("beadle.toml", &quick);
    for folder in ["lower/one", "upper", "work"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    let mount = "mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work in";
    std::fs::remove_dir_all(sandbox.path().join("in")).unwrap();
    std::fs::create_dir(sandbox.path().join("in")).unwrap();
    let Some(serving) = service_in(&sandbox, &["--mount"], mount) else { return };
    for name in ["a", "b"] {
        // So that no look of the start finds it.
        std::thread::sleep(Duration::from_millis(700));
        let begun = Instant::now();
        drop_file(&sandbox, "lower/one", name);
        let ended = serving.wait_for("\"event\":\"ended\"");
        assert!(ended.contains(&format!("\"{name}\"")) && ended.contains("succeeded"), "{ended}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    }
    assert_eq!(serving.end(), 0);
}

#[test]
fn a_script_that_computes_for_longer_than_it_may_is_ended_by_the_system_and_says_so() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &format!("[limits]\nsteps = 1000000000000\n{}{}", watch("busy"), watch("good")));
    sandbox.write("playbooks/busy.rhai", "let n = 0; loop { n += 1; }");
    sandbox.write("playbooks/good.rhai", "7");
    let serving = Service::start(&sandbox);
    serving.fire(&sandbox, "busy");
    let interpreter = serving.interpreter();
    let limits = || std::fs::read_to_string(format!("/proc/{interpreter}/limits")).unwrap_or_default();
    let processor = || {
        let line = limits().lines().find(|line| line.starts_with("Max cpu time"))?.to_owned();
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse::<u64>().ok());
        numbers.next().zip(numbers.next())
    };
    let (soft, hard) = within(Duration::from_secs(20), processor).unwrap();
    assert!(soft < hard, "it is told before it is killed: {soft}, {hard}");
    // Its own limit is a day of all processors: it gets a shorter one.
    let shorter = Command::new("prlimit").args(["--pid", &interpreter.to_string(), "--cpu=2:7"]).status().unwrap();
    assert!(shorter.success());
    let ended = serving.ended();
    assert_eq!(ended["outcome"], "interrupted", "{ended}");
    let message = ended["error"]["message"].as_str().unwrap();
    assert!(message.contains("has computed for longer than it may"), "{message}");
    // The service and its other runs do not notice.
    serving.fire(&sandbox, "good");
    let good = serving.wait_for("\"value\":7");
    assert!(good.contains("succeeded"), "{good}");
    serving.signal("TERM");
    serving.end();
}

/// What `beadle serve -v` says of an interpreter, and of a run, where these system calls are not there.
fn served_without(calls: &'static [i64]) -> Option<(String, bool)> {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", &watch("p"));
    sandbox.write("playbooks/p.rhai", "6 * 7");
    std::fs::create_dir_all(sandbox.path().join("in/p")).unwrap();
    let mut command = sandbox.command(&["-v", "serve"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    // A filter is that of a thread, and of every process that it starts.
    let started = std::thread::spawn(move || {
        let machine = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
        let missing = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, missing, machine).unwrap();
        let program: seccompiler::BpfProgram = filter.try_into().unwrap();
        seccompiler::apply_filter(&program).map(|()| command.spawn().unwrap())
    });
    let mut child = match started.join().unwrap() {
        Ok(child) => child,
        Err(error) => {
            not_here(&error.to_string());
            return None;
        }
    };
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said = String::new();
    for line in lines.by_ref() {
        said.push_str(&line);
        said.push('\n');
        if line.contains("serving") {
            break;
        }
    }
    sandbox.write("in/p/go", "go");
    let succeeded = lines.by_ref().any(|line| line.contains("\"outcome\":\"succeeded\""));
    child.kill().unwrap();
    child.wait().unwrap();
    Some((said, succeeded))
}

#[test]
fn a_kernel_without_landlock_keeps_scripts_in_by_its_filter_alone() {
    let Some((said, succeeded)) = served_without(&[libc::SYS_landlock_create_ruleset]) else { return };
    let confined =
        "Landlock is not there, system calls filtered; files cannot be reached, the network cannot be reached";
    assert!(said.contains(confined), "{said}");
    assert!(!said.contains("would keep scripts in"), "{said}");
    assert!(succeeded);
}

#[test]
fn a_kernel_that_keeps_nothing_in_is_told_of_and_runs_go_all_the_same() {
    let Some((said, succeeded)) = served_without(&[libc::SYS_landlock_create_ruleset, libc::SYS_seccomp]) else {
        return;
    };
    assert!(said.contains("Landlock is not there, system calls not filtered on this machine"), "{said}");
    assert!(said.contains("a newer kernel, or a container that lets processes confine themselves"), "{said}");
    assert!(succeeded);
}
