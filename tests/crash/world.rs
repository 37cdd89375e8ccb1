//! Two appliances of the lab and a project for them: what a crash round works on, and what it is judged by.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use beadle::journal::Log;
use beadle::lab::{Faults, SegLab, SegOptions, SpsLab, SpsOptions};
use beadle::state::State;
use beadle::store::Store;

use super::script::{self, NAME, Size};
use crate::support::{Ran, Sandbox};

/// The labs and the project of one round.
pub struct World {
    pub seg: SegLab,
    pub sps: SpsLab,
    pub sandbox: Sandbox,
}

/// What is there when a run has ended: the same, whatever happened on the way.
#[derive(Debug, PartialEq)]
pub struct Ending {
    entries: BTreeMap<i64, Vec<String>>,
    members: Vec<String>,
    objects: Vec<String>,
    commits: u64,
    stored: Vec<(String, String)>,
    file: String,
}

impl World {
    /// Fresh appliances, and the playbooks of a size.
    pub fn new(runtime: &tokio::runtime::Runtime, size: Size) -> Self {
        let seg = runtime.block_on(SegLab::start(SegOptions::default())).unwrap();
        let sps = runtime.block_on(SpsLab::start(SpsOptions::default())).unwrap();
        let sandbox = Sandbox::in_memory();
        let world = Self { seg, sps, sandbox };
        let password = "password = { env = \"SEG_PASSWORD\" }";
        world.sandbox.write(
            "beadle.toml",
            &format!(
                "[catalog]\npaths = [\"catalogs\"]\n\
                 [targets.seg]\nvendor = \"seg\"\nurl = \"{}\"\nversion = \"10\"\ntimeout = \"600ms\"\n\
                 auth = {{ method = \"token\", username = \"api\", token_url = \"{}\", {password} }}\n\
                 [targets.sps]\nvendor = \"sps\"\nurl = \"{}\"\nexperimental = true\ntimeout = \"600ms\"\n\
                 auth = {{ method = \"session\", username = \"admin\", login_method = \"local\", {password} }}\n",
                world.seg.api_url(),
                world.seg.token_url().unwrap(),
                world.sps.url()
            ),
        );
        for (name, text) in script::files(size) {
            world.sandbox.write(name, &text);
        }
        world
    }

    /// Sets what goes wrong at the appliances.
    pub fn fail(&self, seg: &[String], sps: &[String]) {
        self.seg.set_faults(Faults::parse(seg).unwrap());
        self.sps.set_faults(Faults::parse(sps).unwrap());
    }

    /// Starts the binary. With `point` it dies there.
    pub fn start(&self, arguments: &[&str], point: Option<&str>) -> Child {
        let mut command = self.sandbox.command(arguments);
        if let Some(point) = point {
            command.env("BEADLE_FAIL_POINT", point);
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Executes to the end, or to a fail point, or until the process is killed.
    pub fn execute(&self, arguments: &[&str], point: Option<&str>, kill: Option<Duration>) -> Ran {
        let mut child = self.start(arguments, point);
        if let Some(kill) = kill {
            let until = Instant::now() + kill;
            while Instant::now() < until && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(1));
            }
            let _ended_by_itself = child.kill();
        }
        let ran: Ran = child.wait_with_output().unwrap().into();
        if ran.code < 0 {
            // What the dead process has sent arrives, and the appliance forgets its session some time.
            std::thread::sleep(Duration::from_millis(15));
            self.sps.expire_sessions();
        }
        ran
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path().join(".beadle")
    }

    /// The journal, read in this process.
    pub fn journal(&self) -> Arc<Log> {
        journal(self.folder())
    }

    /// What is there.
    pub fn ending(&self) -> Ending {
        let store = Store::new(Arc::new(State::open(&self.folder()).unwrap()));
        let mut stored = store.list(NAME, "").unwrap();
        stored.extend(store.list("child", "").unwrap());
        let mut members = self.seg.members(3);
        members.sort();
        let mut objects: Vec<String> = ["/configuration/network/dns", "/configuration/datetime/timezone"]
            .iter()
            .chain(&["/configuration/management/email"])
            .map(|path| self.sps.object(path).unwrap().to_string())
            .collect();
        let policies = self.sps.objects("/configuration/ssh/channel_policies/");
        objects.extend(policies.into_iter().map(|(_, body)| body.to_string()));
        objects.sort();
        Ending {
            entries: [15, 16].into_iter().map(|group| (group, self.seg.ip_group(group))).collect(),
            members,
            objects,
            commits: self.sps.commits(),
            stored,
            file: self.sandbox.read("out/child.txt"),
        }
    }

    /// Every delta and every member took effect once, by the appliance's own word.
    pub fn assert_once(&self, which: &str) {
        let mut applied: BTreeMap<(String, Vec<u8>), u32> = BTreeMap::new();
        for request in self.seg.requests().into_iter().filter(|request| request.applied) {
            *applied.entry((request.target, request.body)).or_default() += 1;
        }
        let twice: Vec<_> = applied.iter().filter(|(_, count)| **count != 1).collect();
        assert!(twice.is_empty(), "{which}: made more than once: {twice:?}");
        let complaints = [self.seg.complaints(), self.sps.complaints()].concat();
        assert!(complaints.is_empty(), "{which}: the lab complains:\n{}", complaints.join("\n"));
    }

    /// No run is left without an end, and the journal is what was written.
    pub fn assert_journal(&self, which: &str) {
        let log = self.journal();
        let runs = log.runs().unwrap();
        let ends: Vec<_> = runs.iter().map(|run| (run.name.as_str(), run.outcome.as_deref())).collect();
        assert!(ends.iter().all(|(_, outcome)| *outcome == Some("succeeded")), "{which}: {ends:?}");
        assert_eq!(runs.iter().filter(|run| run.parent.is_none()).count(), 1, "{which}: {ends:?}");
        let broken = log.verify(&runs).unwrap();
        assert!(broken.is_empty(), "{which}: {broken:?}");
    }

    /// The finished run can be executed from its journal alone.
    pub fn assert_replay(&self, which: &str) {
        let seen = || (self.seg.requests().len(), self.sps.requests().len());
        let before = seen();
        let replayed = self.sandbox.run(&["runs", "replay", "latest"]);
        assert_eq!(replayed.code, 0, "{which}: the replay: {}", replayed.err);
        assert_eq!(seen(), before, "{which}: a replay is offline");
    }
}

/// The journal in a state folder.
pub fn journal(folder: PathBuf) -> Arc<Log> {
    Log::new(Box::new(move || {
        State::open(&folder)
            .map(Arc::new)
            .map_err(|error| beadle::fault::Fault::new(beadle::fault::FaultKind::File, error.to_string()))
    }))
}
