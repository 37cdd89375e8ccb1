//! Whoever watches over an interpreter: cancels it, kills it when it does not end, and lets it go while
//! nothing but a long wait is under way.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::confine::Allowance;
use crate::engine::{Diagnostic, Ended, ScriptError, ScriptRun, Sources};
use crate::fault::Stop;
use crate::run::apart::brief::Brief;
use crate::run::apart::desk::{Desk, Event};
use crate::run::apart::launcher::Launcher;
use crate::run::apart::message::Kind;
use crate::run::apart::process::Process;
use crate::run::apart::vault::Vault;
use crate::run::interpreter::Came;
use crate::value::Value;

/// How long a script may take to end when it has to, and asks nothing any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it is looked whether a script has ended that has to.
const ENDING: Duration = Duration::from_millis(50);

/// How often it is looked whether nothing but waits is under way.
const LOOK: Duration = Duration::from_secs(1);

/// How long the pipe may be full: an interpreter takes frames at once, unless it is stopped.
const WRITING: Duration = Duration::from_secs(10);

/// What a process needs beside the memory that its script may hold: the program, stacks, frames under way.
const MARGIN: u64 = 1 << 30;

/// How long a run without a time limit may compute.
const DAY: Duration = Duration::from_secs(86_400);

/// What became of an interpreter.
enum Verdict {
    Ended(Result<Value, ScriptError>),
    /// It did not end when it had to, for this reason.
    Killed(Stop),
    /// It has ended, and not told why.
    Gone,
    /// It sent what cannot be.
    Broken(String),
    PutOff(Timestamp),
}

fn allowance(script: &ScriptRun) -> Allowance {
    let left = script.context.halt.deadline.map(|at| at.saturating_duration_since(tokio::time::Instant::now()));
    let processors = std::thread::available_parallelism().map_or(1, |number| u32::try_from(number.get()).unwrap_or(1));
    let processor = left.unwrap_or(DAY).saturating_add(Duration::from_secs(60)).saturating_mul(processors);
    Allowance { memory: script.context.max_memory.saturating_add(MARGIN), processor }
}

/// Has a script interpreted by a process of its own, to its end or to a long wait.
pub fn supervise(launcher: &Launcher, script: &ScriptRun, may_wait: bool) -> Came {
    let sources = Sources::default();
    sources.add(&script.name, &script.text);
    let ended = |result| Came::Ended(Ended { result, sources: sources.clone() });
    let lost = |why: String| ended(Err(stopped(Stop::Lost(why))));
    let (mut process, pipe) = match Process::start(allowance(script)) {
        Ok(started) => started,
        Err(error) => return lost(format!("no process can be had to interpret the script: {error}")),
    };
    let (events, told) = channel();
    let vault = Vault::default();
    let cancelled = script.context.halt.cancelled();
    let on_cancel = events.clone();
    let watching = launcher.runtime.spawn(async move {
        cancelled.cancelled().await;
        // Whoever supervises has gone when the run is over.
        let _over = on_cancel.send(Event::Cancelled);
    });
    let desk = pipe.set_write_timeout(Some(WRITING)).and_then(|()| Desk::new(script, &sources, &vault, pipe, events));
    let desk = match desk {
        Ok(desk) => desk,
        Err(error) => return lost(format!("the pipe to the script's process cannot be used: {error}")),
    };
    let watch = Watch { launcher, script, desk: &desk, told: &told, may_wait };
    let verdict = std::thread::scope(|scope| {
        if let Err(message) = desk.open(scope) {
            process.kill();
            return Verdict::Broken(message);
        }
        desk.send(&Kind::Brief.frame(0, &Brief::of(script, &vault), Bytes::new()));
        let verdict = watch.wait();
        desk.close();
        match &verdict {
            // It has nothing more to do.
            Verdict::Ended(_) => process.kill(),
            Verdict::PutOff(_) => {
                script.context.passage.put_off();
                process.kill();
            }
            Verdict::Killed(_) | Verdict::Gone | Verdict::Broken(_) => {
                // What it has asked for ends: reads at once, and changes when they have been answered.
                if !script.context.halt.cancelled().is_cancelled() {
                    script.context.halt.cancel();
                }
                if matches!(verdict, Verdict::Gone) {
                    process.finish();
                } else {
                    process.kill();
                }
            }
        }
        verdict
    });
    watching.abort();
    let how = process.end();
    if let Verdict::Killed(_) | Verdict::Gone | Verdict::Broken(_) = &verdict {
        desk.abandon_all();
        if let Some(stop) = desk.uncertain() {
            return ended(Err(stopped(stop)));
        }
    }
    match verdict {
        Verdict::Ended(result) => ended(result),
        Verdict::PutOff(until) => Came::PutOff(until),
        Verdict::Killed(stop) => ended(Err(killed(stop))),
        Verdict::Gone => lost(format!("the process that interpreted the script {how}")),
        Verdict::Broken(what) => {
            lost(format!("the process that interpreted the script did what it never does: {what}"))
        }
    }
}

/// The end of a script that could not say where it stood.
fn stopped(stop: Stop) -> ScriptError {
    let message = stop.to_string();
    let diagnostic = Diagnostic { message, place: None, stack: Vec::new(), hints: Vec::new(), fault: None };
    ScriptError::Stopped(stop, Box::new(diagnostic))
}

struct Watch<'a> {
    launcher: &'a Launcher,
    script: &'a ScriptRun,
    desk: &'a Desk<'a>,
    told: &'a Receiver<Event>,
    may_wait: bool,
}

impl Watch<'_> {
    fn wait(&self) -> Verdict {
        // Since when it has to end, and asks nothing.
        let mut ending: Option<Instant> = None;
        loop {
            let wait = if ending.is_some() { ENDING } else { LOOK.min(self.left().unwrap_or(LOOK)) };
            match self.told.recv_timeout(wait) {
                Ok(Event::Ended(result)) => return Verdict::Ended(result),
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => return Verdict::Gone,
                Ok(Event::Broken(what)) => return Verdict::Broken(what),
                Ok(Event::Cancelled) => self.cancel(),
                // An answer that was on its way meanwhile has set a thread to work.
                Ok(Event::Working(0, answered)) if answered == self.desk.answered() => {
                    if let Some(until) = self.long_wait() {
                        return Verdict::PutOff(until);
                    }
                }
                Ok(Event::Working(..)) => {}
                Ok(Event::Confined(confinement)) => tracing::trace!("{}", confinement.describe()),
                Err(RecvTimeoutError::Timeout) if self.long_wait().is_some() => {
                    self.desk.send(&Kind::HowMany.frame(self.desk.answered(), &(), Bytes::new()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let stop = self.script.context.halt.check().err();
            ending = match (stop, ending) {
                (None, _) => None,
                (Some(stop), Some(since)) if self.desk.asked() == 0 && since.elapsed() > PATIENCE => {
                    return Verdict::Killed(stop);
                }
                // Questions end by themselves: the door knows that the run has to end.
                (Some(_), Some(since)) if self.desk.asked() == 0 => Some(since),
                (Some(_), _) => Some(Instant::now()),
            };
        }
    }

    /// How much of the run's time is left.
    fn left(&self) -> Option<Duration> {
        let deadline = self.script.context.halt.deadline?;
        Some(deadline.saturating_duration_since(tokio::time::Instant::now()).max(ENDING))
    }

    /// Tells the script.
    fn cancel(&self) {
        self.desk.send(&Kind::Cancel.frame(0, &(), Bytes::new()));
    }

    /// When the first wait ends, if all that the script has asked for are waits, and long ones.
    fn long_wait(&self) -> Option<Timestamp> {
        let waits = self.script.context.passage.waits();
        let all = waits.under_way > 0 && waits.under_way == self.desk.asked();
        let until = waits.until.filter(|_| self.may_wait && all && !waits.in_transaction)?;
        let length = SignedDuration::try_from(self.launcher.long).unwrap_or(SignedDuration::MAX);
        (until.duration_since(self.launcher.clock.now()) > length).then_some(until)
    }
}

/// The end of a script that was killed.
fn killed(stop: Stop) -> ScriptError {
    match stopped(stop) {
        ScriptError::Stopped(stop, diagnostic) => {
            let message = format!("{}; the script did not end by itself, and was killed", diagnostic.message);
            ScriptError::Stopped(stop, Box::new(Diagnostic { message, ..*diagnostic }))
        }
        other => other,
    }
}
