//! Who interprets scripts: a thread of this process, or a process of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::confine::Confinement;
use crate::engine::{Ended, ScriptRun, run_script, run_script_then};
use crate::run::apart::Launcher;
use crate::run::functions::{Functions, Here};

/// What became of a script.
pub enum Came {
    /// It has ended.
    Ended(Ended),
    /// Nothing but waits is under way, and the first of them ends then: it goes on from its journal.
    PutOff(Timestamp),
}

/// Interprets the scripts of a project. What they ask for is answered by the same door either way.
#[derive(Default)]
pub struct Interpreter {
    apart: OnceLock<Launcher>,
    left: CancellationToken,
    /// Changes whenever runs that wait should look again.
    looks: watch::Sender<()>,
    is_told: AtomicBool,
}

impl Interpreter {
    /// Scripts are interpreted here, until [`Interpreter::set_apart`].
    pub(super) fn new(clock: &Arc<dyn Clock>, runtime: &Handle) -> Self {
        let interpreter = Self::default();
        if is_apart_for_a_test() {
            // A test that wants it is told by what the script comes to.
            let _told = interpreter.set_apart(Launcher::new(Arc::clone(clock), runtime.clone()));
        }
        interpreter
    }

    /// From now on scripts are interpreted apart.
    ///
    /// # Errors
    /// Why that cannot be.
    pub fn set_apart(&self, launcher: Launcher) -> Result<Confinement, String> {
        let confinement = launcher.try_out()?;
        // It is the same however often it is said.
        let _already = self.apart.set(launcher);
        Ok(confinement)
    }

    /// This process ends: runs that wait are left waiting, for the next one.
    pub fn leave(&self) {
        self.left.cancel();
    }

    /// Ends when that has been said.
    pub(super) fn when_left(&self) -> impl Future<Output = ()> + '_ {
        self.left.cancelled()
    }

    /// From now on somebody says [`Interpreter::look_again`] when a run is to be cancelled or the clock was set: runs
    /// that wait need not look by themselves.
    pub fn is_told_from_now_on(&self) {
        self.is_told.store(true, Ordering::Release);
    }

    /// Has runs that wait look at the clock, and whether somebody wants them cancelled.
    pub fn look_again(&self) {
        self.looks.send_replace(());
    }

    /// What says when to look again, and whether somebody does.
    pub(super) fn looks(&self) -> (watch::Receiver<()>, bool) {
        (self.looks.subscribe(), self.is_told.load(Ordering::Acquire))
    }

    /// Runs a script. `may_wait` says that whoever asks can take it up again after a long wait.
    pub(super) fn run(&self, script: ScriptRun, may_wait: bool) -> Came {
        match self.apart.get() {
            Some(launcher) => launcher.run(&script, may_wait),
            None => Came::Ended(run_script(script)),
        }
    }

    /// Runs a script again that has run before, and calls `then` where its functions are still there, whatever it
    /// came to. Apart, one that asks nothing for so long is told to end.
    ///
    /// # Errors
    /// How it ended, where its functions cannot be had.
    pub(super) fn run_then<T: Send>(
        &self,
        script: ScriptRun,
        silence: Duration,
        then: impl FnOnce(&dyn Functions) -> T + Send,
    ) -> Result<T, Ended> {
        if let Some(launcher) = self.apart.get() {
            return launcher.run_then(&script, silence, then);
        }
        let context = Arc::clone(&script.context);
        let (ended, worked) = run_script_then(script, |afterwards| then(&Here::of(afterwards, &context)));
        worked.ok_or(ended)
    }
}

/// Whether a test wants every script interpreted apart: `BEADLE_TEST_APART=1`. Builds for use decide by
/// themselves.
#[cfg(debug_assertions)]
fn is_apart_for_a_test() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch; builds for use do not read it")]
    std::env::var("BEADLE_TEST_APART").is_ok()
}

/// Builds for use decide by themselves.
#[cfg(not(debug_assertions))]
const fn is_apart_for_a_test() -> bool {
    false
}
