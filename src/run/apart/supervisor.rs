//! Whoever watches over an interpreter: cancels it, kills it when it does not end, and lets it go while
//! nothing but a long wait is under way.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use crate::confine::Allowance;
use crate::engine::{Diagnostic, Ended, ScriptError, ScriptRun, Sources};
use crate::fault::Stop;
use crate::processors::processors;
use crate::run::apart::brief::Brief;
use crate::run::apart::desk::{Desk, Event};
use crate::run::apart::launcher::Launcher;
use crate::run::apart::message::Kind;
use crate::run::apart::process::Process;
use crate::run::apart::vault::Vault;
use crate::run::functions::KeptStep;
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
pub(super) enum Verdict {
    Ended(Result<Value, ScriptError>),
    /// The script has ended, and its process keeps the functions of these steps.
    Kept(Vec<KeptStep>),
    /// One of these functions has ended.
    TakenBack(Result<(), ScriptError>, u64),
    /// It did not end when it had to, for this reason.
    Killed(Stop),
    /// It asked nothing for too long, and did not end when it was told to.
    Silent,
    /// It has ended, and not told why.
    Gone,
    /// It sent what cannot be.
    Broken(String),
    PutOff(Timestamp),
}

fn allowance(script: &ScriptRun) -> Allowance {
    let left = script.context.halt.deadline.map(|at| at.saturating_duration_since(tokio::time::Instant::now()));
    let processors = u32::try_from(processors()).unwrap_or(1);
    let processor = left.unwrap_or(DAY).saturating_add(Duration::from_secs(60)).saturating_mul(processors);
    Allowance { memory: script.context.max_memory.saturating_add(MARGIN), processor }
}

/// Has a script interpreted by a process of its own, to its end or to a long wait.
pub fn supervise(launcher: &Launcher, script: &ScriptRun, may_wait: bool) -> Came {
    let sources = Sources::default();
    let came = with_process(launcher, script, &sources, false, |watch| match watch.wait(may_wait, None) {
        Verdict::Ended(result) => Ok(Ok(result)),
        Verdict::PutOff(until) => {
            script.context.passage.put_off();
            Err(until)
        }
        other => Ok(Err(watch.lost(other, true))),
    });
    match came {
        Ok(Err(until)) => Came::PutOff(until),
        Ok(Ok(Ok(result))) => Came::Ended(Ended { result, sources }),
        Ok(Ok(Err(error))) | Err(error) => Came::Ended(Ended { result: Err(error), sources }),
    }
}

/// Starts a process for a script, and answers its questions while `work` watches over it. Afterwards it is gone, and
/// nothing that it has asked for is under way.
///
/// # Errors
/// No process can be had.
pub(super) fn with_process<T>(
    launcher: &Launcher,
    script: &ScriptRun,
    sources: &Sources,
    stays: bool,
    work: impl FnOnce(&Watch<'_>) -> T,
) -> Result<T, ScriptError> {
    sources.add(&script.name, &script.text);
    let (process, pipe) = Process::start(allowance(script))
        .map_err(|error| gone(format!("no process can be had to interpret the script: {error}")))?;
    let (events, told) = channel();
    let vault = Vault::default();
    let on_cancel = events.clone();
    let desk = pipe.set_write_timeout(Some(WRITING)).and_then(|()| Desk::new(script, sources, &vault, pipe, events));
    let desk = desk.map_err(|error| gone(format!("the pipe to the script's process cannot be used: {error}")))?;
    let cancelled = script.context.halt.cancelled();
    let watching = launcher.runtime.spawn(async move {
        cancelled.cancelled().await;
        // Whoever supervises has gone when the run is over.
        let _over = on_cancel.send(Event::Cancelled);
    });
    let watch = Watch { launcher, script, desk: &desk, told: &told, process: RefCell::new(process) };
    let worked = std::thread::scope(|scope| {
        let opened = desk.open(scope).map_err(gone);
        let worked = opened.map(|()| {
            desk.send(&Kind::Brief.frame(0, &Brief::of(script, &vault, stays), Bytes::new()));
            work(&watch)
        });
        desk.close();
        // It has nothing more to do.
        watch.process.borrow_mut().kill();
        worked
    });
    watching.abort();
    worked
}

/// The end of a script whose process is gone.
fn gone(why: String) -> ScriptError {
    ScriptError::stopped(Stop::Lost(why))
}

/// Whoever watches over one interpreter.
pub(super) struct Watch<'a> {
    launcher: &'a Launcher,
    pub(super) script: &'a ScriptRun,
    pub(super) desk: &'a Desk<'a>,
    told: &'a Receiver<Event>,
    process: RefCell<Process>,
}

impl Watch<'_> {
    /// Waits until something has become of it: its end, or that of one function; where it may, a long wait; and where
    /// it must not ask nothing for longer than `silence`, that it does not end although it was told to.
    pub(super) fn wait(&self, may_wait: bool, silence: Option<Duration>) -> Verdict {
        // Since when it has to end, and asks nothing.
        let mut ending: Option<Instant> = None;
        let mut asked = Silence::begin(self.desk);
        loop {
            let wait = if ending.is_some() { ENDING } else { LOOK.min(self.left().unwrap_or(LOOK)) };
            match self.told.recv_timeout(wait) {
                Ok(Event::Ended(result)) => return Verdict::Ended(result),
                Ok(Event::Kept(steps)) => return Verdict::Kept(steps),
                Ok(Event::TakenBack(result, entry)) => return Verdict::TakenBack(result, entry),
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => return Verdict::Gone,
                Ok(Event::Broken(what)) => return Verdict::Broken(what),
                Ok(Event::Cancelled) => self.cancel(),
                // An answer that was on its way meanwhile has set a thread to work.
                Ok(Event::Working(0, answered)) if answered == self.desk.answered() => {
                    if let Some(until) = self.long_wait(may_wait) {
                        return Verdict::PutOff(until);
                    }
                }
                Ok(Event::Working(..)) => {}
                Ok(Event::Confined(confinement)) => tracing::trace!("{}", confinement.describe()),
                Err(RecvTimeoutError::Timeout) if self.long_wait(may_wait).is_some() => {
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
            match silence.map(|most| asked.lasts(self.desk, most)) {
                Some(Lasts::TooLong) => return Verdict::Silent,
                Some(Lasts::LongEnough) => self.cancel(),
                Some(Lasts::NotYet) | None => {}
            }
        }
    }

    /// The end of a script whose process has not told it. What it has asked for ends as well: reads at once where
    /// that `ends` the run, and changes when they have been answered.
    pub(super) fn lost(&self, verdict: Verdict, ends: bool) -> ScriptError {
        self.desk.close();
        let mut process = self.process.borrow_mut();
        match &verdict {
            Verdict::Gone => process.finish(),
            _ => process.kill(),
        }
        let halt = &self.script.context.halt;
        // One that was killed for it has nothing under way.
        if ends && !matches!(verdict, Verdict::Killed(_)) && !halt.cancelled().is_cancelled() {
            // Nobody has decided against the run.
            halt.interrupt();
        }
        self.desk.rest();
        self.desk.abandon_all();
        if let Some(stop) = self.desk.uncertain() {
            return ScriptError::stopped(stop);
        }
        match verdict {
            Verdict::Killed(stop) => killed(stop),
            Verdict::Gone => gone(format!("the process that interpreted the script {}", process.end())),
            Verdict::Broken(what) => {
                gone(format!("the process that interpreted the script did what it never does: {what}"))
            }
            Verdict::Silent => gone("the interpreter did not answer any more, and was killed".to_owned()),
            Verdict::Ended(_) | Verdict::Kept(_) | Verdict::TakenBack(..) | Verdict::PutOff(_) => {
                gone("the process that interpreted the script told something that nobody wanted to know".to_owned())
            }
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
    fn long_wait(&self, may_wait: bool) -> Option<Timestamp> {
        let waits = self.script.context.passage.waits();
        let all = waits.under_way > 0 && waits.under_way == self.desk.asked();
        let until = waits.until.filter(|_| may_wait && all && !waits.in_transaction)?;
        let length = SignedDuration::try_from(self.launcher.long).unwrap_or(SignedDuration::MAX);
        (until.duration_since(self.launcher.clock.now()) > length).then_some(until)
    }
}

/// For how long a script has asked nothing.
struct Silence {
    answered: u64,
    since: Instant,
    is_told: bool,
}

/// What there is to do about it.
enum Lasts {
    NotYet,
    /// It is told to end.
    LongEnough,
    TooLong,
}

impl Silence {
    fn begin(desk: &Desk<'_>) -> Self {
        Self { answered: desk.answered(), since: Instant::now(), is_told: false }
    }

    fn lasts(&mut self, desk: &Desk<'_>, most: Duration) -> Lasts {
        if desk.asked() > 0 || desk.answered() != self.answered {
            *self = Self { is_told: self.is_told, ..Self::begin(desk) };
        }
        match self.since.elapsed() {
            lasts if self.is_told && lasts > most.saturating_add(PATIENCE) => Lasts::TooLong,
            lasts if !self.is_told && lasts > most => {
                self.is_told = true;
                Lasts::LongEnough
            }
            _ => Lasts::NotYet,
        }
    }
}

/// The end of a script whose process was killed, because the run had to end and it did not.
fn killed(stop: Stop) -> ScriptError {
    let text = format!("{stop}; its interpreter did not answer any more, and was killed");
    match stop {
        // So that a run that runs it as a playbook tells it as well.
        Stop::TimedOut(_) => ScriptError::stopped(Stop::TimedOut(text)),
        stop => ScriptError::Stopped(stop, Box::new(Diagnostic::of_text(text))),
    }
}
