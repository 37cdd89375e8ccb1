//! The service: schedules and dropped files start runs by themselves.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::Sandbox;
use crate::support::lab::Seg;

pub struct Serving {
    child: Child,
    lines: Receiver<String>,
}

impl Serving {
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox.command(&["serve", "--format", "json"]))
    }

    pub fn start_with(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let serving = Self { child, lines };
        serving.wait_for("\"event\":\"ready\"");
        serving
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        let until = Instant::now() + Duration::from_secs(20);
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("'{text}' never came; seen:\n{}", seen.join("\n"));
    }

    /// Kills it, as a power loss would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn end(mut self) -> i32 {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

const WATCH: &str = "[watches.feed]\nplaybook = \"std/seg/bulk_ip_block\"\npaths = [\"inbox/*.txt\"]\nsettle = \"100ms\"\n\
                     params = { target = \"seg\", group = 16, list = \"${event.path}\" }\n";

#[test]
fn a_dropped_list_is_blocked_and_archived() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, WATCH);
    let serving = Serving::start(&sandbox);
    sandbox.write("inbox/a list.txt", "192.0.2.0/24\nnonsense\n");
    sandbox.write("inbox/half.txt.part", "198.51.100.0/24\n");
    let ended = serving.wait_for("\"event\":\"ended\"");
    assert!(ended.contains("\"succeeded\""), "{ended}");
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24"]);
    assert_eq!(serving.end(), 0);
    assert!(sandbox.path().join("inbox/half.txt.part").exists());
    assert!(!sandbox.path().join("inbox/a list.txt").exists());
    let explained = sandbox.run(&["triggers", "explain", "feed"]).code(0);
    assert!(explained.out.contains("due 1 = started 1 + merged 0 + skipped 0 + queued 0"), "{}", explained.out);
}

#[test]
fn files_that_wait_while_nobody_serves_are_not_lost() {
    let seg = Seg::ten();
    let sandbox = Sandbox::with_seg(&seg, WATCH);
    for n in 0..5 {
        sandbox.write(&format!("inbox/{n}.txt"), &format!("198.51.{n}.0/24\n"));
    }
    let serving = Serving::start(&sandbox);
    for _ in 0..5 {
        serving.wait_for("\"event\":\"ended\"");
    }
    assert_eq!(seg.lab.ip_group(16).len(), 5);
    serving.end();
}

#[test]
fn a_schedule_starts_runs_at_its_times() {
    let seg = Seg::ten();
    let schedule = "[schedules.often]\nplaybook = \"std/seg/bulk_ip_block\"\ncron = \"* * * * * *\"\n\
                    params = { target = \"seg\", group = 16, list = \"list.txt\" }\n";
    let sandbox = Sandbox::with_seg(&seg, schedule);
    sandbox.write("list.txt", "192.0.2.0/24\n");
    let serving = Serving::start(&sandbox);
    serving.wait_for("\"event\":\"ended\"");
    serving.wait_for("\"event\":\"ended\"");
    serving.end();
    assert_eq!(seg.lab.ip_group(16), ["192.0.2.0/24"]);
    assert_eq!(seg.writes(), 1, "the second run had nothing to send");
}

#[test]
fn a_wrong_schedule_is_named_before_anything_is_served() {
    let sandbox = Sandbox::new();
    sandbox.write("beadle.toml", "[schedules.x]\nplaybook = \"p\"\ncron = \"0 0 30 2 *\"\n");
    sandbox.run(&["serve"]).code(2).err(&["[schedules.x]"]);
}
