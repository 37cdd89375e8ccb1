//! The other appliances of the lab, each with a target's table.

use std::future::Future;

use beadle::lab::{AsyncosLab, AsyncosOptions, Faults, SpectraLab, SpectraOptions, SpsLab, SpsOptions};
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

/// A Cisco Secure Email appliance.
pub fn asyncos(options: AsyncosOptions) -> Running<AsyncosLab> {
    start(AsyncosLab::start(options))
}

impl Running<AsyncosLab> {
    /// A project with the target `esa` or `sma`, signing in by `method`, and more keys of it.
    pub fn sandbox(&self, product: &str, method: &str, more: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.write(
            "beadle.toml",
            &format!(
                "[targets.{product}]\nvendor = \"asyncos\"\nproduct = \"{product}\"\nurl = \"{}\"\nexperimental = true\n\
                 timeout = \"5s\"\nauth = {{ method = \"{method}\", username = \"admin\", password = {{ env = \"SEG_PASSWORD\" }} }}\n{more}",
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

/// A Spectra Detect Manager with a Worker.
pub fn spectra(options: SpectraOptions) -> Running<SpectraLab> {
    start(SpectraLab::start(options))
}

impl Running<SpectraLab> {
    /// A project with the targets `spectra` (the Manager) and `worker`, and more keys of the Manager.
    pub fn sandbox(&self, more: &str) -> Sandbox {
        let mut sandbox = Sandbox::new();
        sandbox.env("WORKER_TOKEN", self.lab.worker_token());
        sandbox.write(
            "beadle.toml",
            &format!(
                "[targets.worker]\nvendor = \"spectra\"\nrole = \"worker\"\nurl = \"{}\"\n\
                 allow = [\"read\", \"change\", \"destroy\"]\nauth = {{ method = \"token\", token = {{ env = \"WORKER_TOKEN\" }} }}\n\
                 [targets.spectra]\nvendor = \"spectra\"\nurl = \"{}\"\nexperimental = true\ntimeout = \"5s\"\n\
                 auth = {{ method = \"token\", username = \"admin\", password = {{ env = \"SEG_PASSWORD\" }} }}\n{more}",
                self.lab.worker_url(),
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
