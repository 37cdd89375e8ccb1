//! The other appliances of the lab, each with a target's table.

use std::future::Future;

use beadle::lab::{Faults, SpsLab, SpsOptions};
use tokio::runtime::Runtime;

use super::Sandbox;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A lab with the runtime that keeps it running.
pub struct Running<L> {
    /// The lab.
    pub lab: L,
    _runtime: Runtime,
}

fn start<L>(start: impl Future<Output = std::io::Result<L>>) -> Running<L> {
    let runtime = runtime();
    let lab = runtime.block_on(start).unwrap();
    Running { lab, _runtime: runtime }
}

/// Nothing was wrong with any request.
#[track_caller]
pub fn content(complaints: &[String]) {
    assert!(complaints.is_empty(), "the lab complains:\n{}", complaints.join("\n"));
}

/// The faults that the texts say.
pub fn faults(texts: &[&str]) -> Faults {
    Faults::parse(&texts.iter().map(|fault| (*fault).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// An SPS.
pub fn sps(options: SpsOptions) -> Running<SpsLab> {
    start(SpsLab::start(options))
}

impl Running<SpsLab> {
    /// A project with the target `sps`, and more keys of it.
    pub fn sandbox(&self, more: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write(
            "beadle.toml",
            &format!(
                "[targets.sps]\nvendor = \"sps\"\nurl = \"{}\"\nexperimental = true\ntimeout = \"5s\"\n\
                 auth = {{ method = \"session\", username = \"admin\", password = {{ env = \"SEG_PASSWORD\" }}, login_method = \"local\" }}\n{more}",
                self.lab.url()
            ),
        );
        sandbox
    }

    /// How many requests of a method went to paths with this in them.
    pub fn count(&self, method: &str, part: &str) -> usize {
        self.lab.requests().iter().filter(|seen| seen.method == method && seen.target.contains(part)).count()
    }
}
