//! `beadle serve` as a test starts it: what it tells, and the processes that it has interpret scripts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::support::Sandbox;

/// A watch that runs a playbook for each file that is dropped.
pub fn watch(name: &str) -> String {
    format!(
        "[watches.{name}]\nplaybook = \"{name}\"\npaths = [\"in/{name}/*\"]\nsettle = \"20ms\"\noverlap = \"parallel\"\n"
    )
}

/// A running service.
pub struct Service {
    child: Child,
    lines: Receiver<String>,
    at_start: String,
}

impl Service {
    /// Starts it, and waits until it is ready.
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox.command(&["serve", "--format", "json"]))
    }

    /// The same with a command of one's own.
    pub fn start_with(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut service = Self { child, lines, at_start: String::new() };
        service.at_start = service.until("\"event\":\"ready\"").join("\n");
        service
    }

    /// Sets off the playbook `name` by a file.
    pub fn fire(&self, sandbox: &Sandbox, name: &str) {
        let moment = Instant::now();
        let folder = sandbox.path().join("in").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{:?}", moment).replace(|c: char| !c.is_ascii_digit(), "")), "go").unwrap();
    }

    /// What it told before it was ready.
    pub fn said_at_start(&self) -> &str {
        &self.at_start
    }

    /// The first line with this text that comes from now on.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.until(text).pop().unwrap()
    }

    /// The lines that come from now on until one with this text, which is the last.
    #[track_caller]
    fn until(&self, text: &str) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(90);
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            seen.push(line);
            if seen.last().is_some_and(|line| line.contains(text)) {
                return seen;
            }
        }
        panic!("'{text}' never came; seen:\n{}", seen.join("\n"));
    }

    /// The end of the next run that ends.
    #[track_caller]
    pub fn ended(&self) -> serde_json::Value {
        serde_json::from_str(&self.wait_for("\"event\":\"ended\"")).unwrap()
    }

    /// The processes that interpret scripts for it, by their numbers.
    pub fn interpreters(&self) -> Vec<u32> {
        processes_of(self.child.id())
    }

    /// The one process that interprets a script, once there is one.
    #[track_caller]
    pub fn interpreter(&self) -> u32 {
        within(Duration::from_secs(30), || self.interpreters().first().copied()).unwrap()
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Forgets what it has told so far.
    pub fn forget(&self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: &str) {
        send(signal, self.child.id());
    }

    /// Asks it to end, and gives its exit code.
    pub fn end(mut self) -> i32 {
        self.signal("TERM");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }

    /// Kills it.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A test that has failed leaves nothing behind.
        let _ended = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn send(signal: &str, process: u32) {
    Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap();
}

/// Whether a process is there, and no corpse.
pub fn is_alive(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn processes_of(parent: u32) -> Vec<u32> {
    let numbers =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |number: &u32| {
        let status =
            std::fs::read_to_string(Path::new("/proc").join(number.to_string()).join("stat")).unwrap_or_default();
        let fields: Vec<&str> = status.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').collect();
        fields.first() != Some(&"Z") && fields.get(1).and_then(|above| above.parse().ok()) == Some(parent)
    };
    numbers.filter(is_child).collect()
}

/// How often each thread of a process has gone to sleep, which is how often it was awake.
pub fn wakes(process: u32) -> BTreeMap<String, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap().map(|task| task.unwrap());
    let count = |task: std::fs::DirEntry| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        (task.file_name().into_string().unwrap(), line.map_or(0, |count| count.trim().parse().unwrap()))
    };
    tasks.map(count).collect()
}

/// What `look` finds, if it does so in time.
pub fn within<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + time;
    loop {
        match look() {
            Some(found) => return Some(found),
            None if Instant::now() > until => return None,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
