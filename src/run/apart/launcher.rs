//! What starts interpreters: of a service, or of whoever else has scripts interpreted apart.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::confine::{Allowance, Confinement};
use crate::engine::{Ended, ScriptRun};
use crate::run::apart::afterwards::supervise_then;
use crate::run::apart::frame;
use crate::run::apart::message::Kind;
use crate::run::apart::process::Process;
use crate::run::apart::supervisor::supervise;
use crate::run::functions::Functions;
use crate::run::interpreter::Came;

/// From this length on a wait ends the process that waits.
const LONG: Duration = Duration::from_secs(300);

/// How long a process may take to say what it is.
const TRIAL: Duration = Duration::from_secs(10);

/// Starts interpreters.
pub struct Launcher {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runtime: Handle,
    /// From this length on a wait ends the process that waits.
    pub(super) long: Duration,
}

impl Launcher {
    /// A launcher; nothing is started yet.
    pub fn new(clock: Arc<dyn Clock>, runtime: Handle) -> Self {
        Self { clock, runtime, long: crate::clock::set_long().unwrap_or(LONG) }
    }

    /// Starts a process that gets no script, to see whether it can be had and what is taken from it.
    ///
    /// # Errors
    /// Why scripts cannot be interpreted apart on this machine.
    pub fn try_out(&self) -> Result<Confinement, String> {
        let unusable = |error: String| format!("scripts cannot be interpreted in processes of their own: {error}");
        let allowance = Allowance { memory: 2 << 30, processor: TRIAL };
        let (mut process, mut pipe) = Process::start(allowance).map_err(|error| unusable(error.to_string()))?;
        let read = pipe.set_read_timeout(Some(TRIAL)).map_err(Into::into).and_then(|()| frame::read(&mut pipe));
        drop(pipe);
        match read {
            Ok(frame) if Kind::of(&frame) == Some(Kind::Confined) => {
                serde_json::from_slice(&frame.head).map_err(|error| unusable(error.to_string()))
            }
            Ok(_) => Err(unusable("the process is another program".into())),
            Err(_) => Err(unusable(format!("the process {}", process.end()))),
        }
    }

    /// Has a script interpreted, to its end or, where it may, to a long wait.
    pub fn run(&self, script: &ScriptRun, may_wait: bool) -> Came {
        supervise(self, script, may_wait)
    }

    /// Has a script interpreted that has run before, and works with its functions.
    ///
    /// # Errors
    /// How it ended, where its functions cannot be had.
    pub fn run_then<T>(
        &self,
        script: &ScriptRun,
        silence: Duration,
        then: impl FnOnce(&dyn Functions) -> T,
    ) -> Result<T, Ended> {
        supervise_then(self, script, silence, then)
    }
}
