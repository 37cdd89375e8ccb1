//! The service among accidents: killed, restarted, with a broken configuration and a clock that jumps, while
//! files are dropped and schedules are due. Then every instant and every file is accounted for, and the
//! appliance has seen each change once.
//!
//! `BEADLE_SOAK_SECONDS` and `BEADLE_SOAK_SEED` choose how long and which accidents; `tests/long/serve.sh` sets
//! both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

use crate::support::Sandbox;
use crate::support::lab::Seg;

const NAMES: [&str; 4] = ["tick", "queued", "crowd", "feed"];

/// What is configured beside the target.
const TRIGGERS: &str = r#"
[schedules.tick]
playbook = "tick"
cron = "*/2 * * * * *"

[schedules.queued]
playbook = "change"
cron = "*/5 * * * * *"
overlap = "queue"
missed = "all"

[schedules.crowd]
playbook = "tick"
cron = "*/3 * * * * *"
overlap = "parallel"
jitter = "1s"

[watches.feed]
playbook = "std/seg/bulk_ip_block"
paths = ["inbox/*.txt"]
ready = "rename"
params = { target = "seg", group = 16, list = "${event.path}" }
"#;

const TICK: &str = "target(\"seg\").version();\n";

/// Blocks an address that is this firing's own, and so shows at the appliance which firings had a run.
const CHANGE: &str = r#"
let number = store.get("number") ?? 0;
store.set("number", number + 1);
sleep("300ms");
target("seg").ip_group_delta(17, #{
    add: [#{ ip_address_start: `10.${number / 65536}.${number / 256 % 256}.${number % 256}`, cidr: 32, name: `n${number}` }],
    remove: [],
});
"#;

/// The accidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Accident {
    Kill,
    KillChild,
    Restart,
    BadReload,
    GoodReload,
    Forward,
    Back,
    FarBack,
    Fire,
    Pause,
}

const ACCIDENTS: &[Accident] = &[
    Accident::Kill,
    Accident::Kill,
    Accident::KillChild,
    Accident::KillChild,
    Accident::Restart,
    Accident::BadReload,
    Accident::GoodReload,
    Accident::Forward,
    Accident::Back,
    Accident::FarBack,
    Accident::Fire,
    Accident::Pause,
];

struct Soak {
    seg: Seg,
    sandbox: Sandbox,
    service: Option<Child>,
    random: Rng,
    /// By how many seconds the clock is wrong.
    wrong: i64,
    dropped: u32,
    fired: u64,
    had: BTreeMap<Accident, u32>,
}

impl Soak {
    fn new(seed: u64) -> Self {
        let seg = Seg::ten();
        let mut sandbox = Sandbox::with_seg(&seg, TRIGGERS);
        sandbox.write("playbooks/tick.rhai", TICK);
        sandbox.write("playbooks/change.rhai", CHANGE);
        let clock = sandbox.write("clock", "0s");
        sandbox.env("BEADLE_TEST_CLOCK", &format!("@{}", clock.display()));
        std::fs::create_dir_all(sandbox.path().join("inbox")).unwrap();
        let random = Rng::with_seed(seed);
        Self { seg, sandbox, service: None, random, wrong: 0, dropped: 0, fired: 0, had: BTreeMap::new() }
    }

    fn start(&mut self) {
        let log = File::options().create(true).append(true).open(self.sandbox.path().join("serve.log")).unwrap();
        let mut command = self.sandbox.command(&["serve", "--format", "json"]);
        let child = command.stdout(log.try_clone().unwrap()).stderr(Stdio::from(log)).spawn().unwrap();
        self.service = Some(child);
    }

    fn pid(&self) -> u32 {
        self.service.as_ref().unwrap().id()
    }

    fn signal(&self, process: u32, signal: &str) {
        // It may have ended by itself.
        let _gone =
            std::process::Command::new("kill").args([signal, &process.to_string()]).stderr(Stdio::null()).status();
    }

    fn kill(&mut self) {
        let mut child = self.service.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn stop(&mut self) {
        self.signal(self.pid(), "-TERM");
        let mut child = self.service.take().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "the service does not end:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        let log = self.sandbox.read("serve.log");
        log.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// The processes that the service has started.
    fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.pid());
        let listed = std::fs::read_to_string(path).unwrap_or_default();
        listed.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }

    /// A file with an address of its own, moved into the inbox.
    fn drop_file(&mut self) {
        let n = self.dropped;
        self.dropped += 1;
        let ready = self.sandbox.write(&format!("outbox/{n:05}.txt"), &format!("{}\n", address(n)));
        std::fs::rename(ready, self.sandbox.path().join(format!("inbox/{n:05}.txt"))).unwrap();
    }

    fn set_clock(&mut self, by: i64) {
        self.wrong += by;
        // Moved into place, so that nobody reads half of it.
        let new = self.sandbox.write("clock.new", &format!("{}s", self.wrong));
        std::fs::rename(new, self.sandbox.path().join("clock")).unwrap();
    }

    fn accident(&mut self, accident: Accident) {
        *self.had.entry(accident).or_default() += 1;
        match accident {
            Accident::Kill => {
                self.kill();
                std::thread::sleep(Duration::from_millis(self.random.u64(0..1500)));
                self.start();
            }
            Accident::KillChild => {
                let children = self.children();
                if let Some(child) = self.random.choice(children) {
                    self.signal(child, "-KILL");
                }
            }
            Accident::Restart => {
                self.stop();
                self.start();
            }
            Accident::BadReload => {
                let good = self.sandbox.read("beadle.toml");
                self.sandbox.write("beadle.toml", &format!("{good}\n[schedules.broken]\ncron = \"* *\"\n"));
                std::thread::sleep(Duration::from_millis(800));
                self.sandbox.write("beadle.toml", &good);
            }
            Accident::GoodReload => {
                let (good, number) = (self.sandbox.read("beadle.toml"), self.random.u32(1..9));
                let lines = good.lines().filter(|line| !line.starts_with("max_runs"));
                let mut text = lines.collect::<Vec<_>>().join("\n");
                if !text.contains("[limits]") {
                    text.push_str("\n[limits]");
                }
                self.sandbox.write("beadle.toml", &format!("{text}\nmax_runs = {number}\n"));
                self.signal(self.pid(), "-HUP");
            }
            Accident::Forward => {
                let by = self.random.i64(1..120);
                self.set_clock(by);
            }
            Accident::Back => {
                let by = self.random.i64(1..60);
                self.set_clock(-by);
            }
            Accident::FarBack => self.set_clock(-(4 * 3600)),
            Accident::Fire => {
                let ran = self.sandbox.run(&["triggers", "fire", "queued"]);
                assert_eq!(ran.code, 0, "{}", ran.err);
                self.fired += 1;
            }
            Accident::Pause => {
                self.sandbox.run(&["triggers", "pause", "crowd"]).code(0);
                std::thread::sleep(Duration::from_millis(500));
                self.sandbox.run(&["triggers", "resume", "crowd"]).code(0);
            }
        }
    }

    fn explain(&self, name: &str) -> Value {
        let ran = self.sandbox.run(&["triggers", "explain", name, "--format", "json"]).code(0);
        serde_json::from_str(&ran.out).unwrap()
    }

    /// Waits until no file waits and no firing is queued; the schedules have been taken away before.
    fn until_quiet(&self) {
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let waits = std::fs::read_dir(self.sandbox.path().join("inbox"))
                .unwrap()
                .any(|entry| entry.unwrap().path().extension().is_some_and(|ending| ending == "txt"));
            let runs = self.runs();
            let going = runs.iter().any(|run| run["outcome"].is_null() || run["outcome"] == "running");
            let queued = NAMES.iter().any(|name| self.explain(name)["queued"] != 0);
            if !waits && !going && !queued {
                return;
            }
            assert!(Instant::now() < until, "it does not come to rest:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn runs(&self) -> Vec<Value> {
        let ran = self.sandbox.run(&["runs", "list", "--limit", "100000", "--format", "json"]).code(0);
        let listed: Value = serde_json::from_str(&ran.out).unwrap();
        listed.as_array().or_else(|| listed["runs"].as_array()).unwrap().clone()
    }
}

fn address(n: u32) -> String {
    format!("172.{}.{}.{}", 16 + n / 65536, n / 256 % 256, n % 256)
}

#[test]
fn every_instant_and_file_is_accounted_for_whatever_happens() {
    #[expect(clippy::disallowed_methods, reason = "how long, and which accidents, is said by whoever starts the test")]
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("BEADLE_SOAK_SEED").unwrap_or(20_261_125);
    let length = Duration::from_secs(number("BEADLE_SOAK_SECONDS").unwrap_or(12));
    let mut soak = Soak::new(seed);
    soak.start();
    let end = Instant::now() + length;
    while Instant::now() < end {
        for _ in 0..soak.random.u32(0..4) {
            soak.drop_file();
        }
        std::thread::sleep(Duration::from_millis(soak.random.u64(100..900)));
        let accident = *soak.random.choice(ACCIDENTS).unwrap();
        soak.accident(accident);
    }
    // The schedules rest, so that it can come to rest.
    for name in ["tick", "queued", "crowd"] {
        soak.sandbox.run(&["triggers", "pause", name]).code(0);
    }
    soak.until_quiet();
    soak.stop();
    // What was interrupted too often is a person's to resume.
    for run in soak.runs().iter().filter(|run| run["outcome"] != "succeeded") {
        let id = run["id"].as_str().unwrap();
        let resume = |more: &[&str]| soak.sandbox.run(&[&["runs", "resume", id, "--yes"], more].concat());
        let mut ran = resume(&[]);
        // A change whose answer a kill has taken is sent again, and refused where it was made: whether that is so
        // only a person can say, who looks at the appliance.
        if ran.code != 0 && soak.sandbox.run(&["runs", "show", id]).err.contains("--assume applied") {
            ran = resume(&["--assume", "applied"]);
        }
        assert_eq!(ran.code, 0, "run {id}, {}: {}", run["outcome"], ran.err);
    }
    soak.account(seed);
}

impl Soak {
    /// Everything that was due and dropped has become something, and exactly once.
    #[expect(clippy::print_stderr, reason = "a long test says what it did")]
    fn account(&self, seed: u64) {
        let which = format!("BEADLE_SOAK_SEED={seed}, after {:?}", self.had);
        let runs = self.runs();
        for name in NAMES {
            let explained = self.explain(name);
            let sum = |key: &str| explained[key].as_u64().unwrap();
            let settled = sum("started") + sum("merged") + sum("skipped");
            assert_eq!((sum("due"), sum("queued")), (settled, 0), "{which}: {name}: {explained:#}");
            let cause = format!("trigger {name}");
            let of_it = runs.iter().filter(|run| run["cause"] == cause.as_str()).count() as u64;
            assert_eq!(of_it, sum("started"), "{which}: {name} has as many runs as firings started");
        }
        assert_eq!(self.explain("feed")["started"], self.dropped, "{which}: every file started a run");
        let blocked: BTreeSet<String> = self.seg.lab.ip_group(16).into_iter().collect();
        for n in 0..self.dropped {
            let address = address(n);
            assert!(blocked.iter().any(|entry| entry.starts_with(&address)), "{which}: {address} is not blocked");
        }
        let changed = self.seg.lab.ip_group(17);
        let once: BTreeSet<&String> = changed.iter().collect();
        assert_eq!(once.len(), changed.len(), "{which}: nothing was added twice");
        assert_eq!(changed.len() as u64, self.explain("queued")["started"], "{which}: each firing added its own");
        self.seg.is_content();
        eprintln!("{which}: {} runs, {} files, {} by hand", runs.len(), self.dropped, self.fired);
    }
}
