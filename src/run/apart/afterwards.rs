//! The functions of a script that has ended in a process of its own: the process stays, and calls them as it is told.
//!
//! A run is taken back that way. Its script is replayed, and whatever it does there harms its own process alone.

use std::time::Duration;

use bytes::Bytes;

use crate::door::Branch;
use crate::engine::{Ended, ScriptError, ScriptRun, Sources};
use crate::run::apart::launcher::Launcher;
use crate::run::apart::message::{Kind, TakeBack};
use crate::run::apart::supervisor::{Verdict, Watch, with_process};
use crate::run::functions::{Functions, KeptStep};

/// Has a script interpreted that has run before, and works with its functions. One that asks nothing for longer than
/// `silence` has come to where it went on and on: it is told to end, and killed if it does not.
///
/// # Errors
/// How it ended, where its functions cannot be had.
pub fn supervise_then<T>(
    launcher: &Launcher,
    script: &ScriptRun,
    silence: Duration,
    then: impl FnOnce(&dyn Functions) -> T,
) -> Result<T, Ended> {
    let sources = Sources::default();
    let worked = with_process(launcher, script, &sources, true, |watch| match watch.wait(false, Some(silence)) {
        Verdict::Kept(steps) => Ok(then(&There { watch, steps })),
        Verdict::Ended(Err(error)) => Err(error),
        // Its run may be taken back without it.
        other => Err(watch.lost(other, false)),
    });
    let ended = |error| Ended { result: Err(error), sources };
    match worked {
        Ok(Ok(worked)) => Ok(worked),
        Ok(Err(error)) | Err(error) => Err(ended(error)),
    }
}

/// The functions of a script whose process stays.
struct There<'a> {
    watch: &'a Watch<'a>,
    steps: Vec<KeptStep>,
}

impl Functions for There<'_> {
    fn kept(&self) -> &[KeptStep] {
        &self.steps
    }

    fn call(&self, step: usize, branch: &Branch) -> Result<(), ScriptError> {
        self.watch.script.context.halt.check().map_err(ScriptError::stopped)?;
        let order = TakeBack { step, entry: branch.entries() };
        self.watch.desk.send(&Kind::TakeBack.frame(0, &order, Bytes::new()));
        match self.watch.wait(false, None) {
            Verdict::TakenBack(result, entry) => {
                branch.advance_to(entry);
                result
            }
            other => Err(self.watch.lost(other, true)),
        }
    }
}
