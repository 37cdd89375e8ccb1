//! The service's end of the pipe: what an interpreter asks is answered from the door of its run.
//!
//! Each question is answered by a thread that waits at the door for it, as a thread of the script would. So
//! a `parallel` has as many actions under way as it has branches, and a run that asks one thing after the
//! other has two threads: one that answers and one that reads.

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use serde::Deserialize;

use crate::confine::Confinement;
use crate::door::{Branch, Composite, Key};
use crate::engine::{ScriptError, ScriptRun, Sources};
use crate::fault::Stop;
use crate::run::apart::answer::read_end;
use crate::run::apart::frame::{self, Frame, FrameError};
use crate::run::apart::message::{Kind, TakenBack, read_shown};
use crate::run::apart::vault::Vault;
use crate::run::functions::KeptStep;
use crate::secret::Secret;
use crate::value::Value;

/// The most threads of one run: a `parallel` has a thousand at most.
const MOST: usize = 1_024;

/// How often it is looked whether all questions have come to their end.
const RESTING: Duration = Duration::from_millis(2);

/// Something that whoever supervises the run has to know.
pub enum Event {
    /// The process is as it should be.
    Confined(Confinement),
    /// The script has ended.
    Ended(Result<Value, ScriptError>),
    /// So many threads of the script are at work, after so many answers.
    Working(i64, u64),
    /// A script that stays has ended, with functions for these of its steps.
    Kept(Vec<KeptStep>),
    /// One of these functions has ended; with the number of the next entry in its branch.
    TakenBack(Result<(), ScriptError>, u64),
    /// The pipe is closed: the process has ended.
    Closed,
    /// What came over the pipe cannot be.
    Broken(String),
    /// The run is cancelled.
    Cancelled,
}

/// Answers the questions of one interpreter.
pub struct Desk<'s> {
    pub(super) script: &'s ScriptRun,
    pub(super) sources: &'s Sources,
    /// What secrets the interpreter has handles of.
    pub vault: &'s Vault,
    reader: Mutex<UnixStream>,
    writer: Mutex<UnixStream>,
    events: Mutex<Sender<Event>>,
    pub(super) composites: Mutex<HashMap<Key, Composite>>,
    /// The open transactions, with the branches that have opened them.
    pub(super) transactions: Mutex<BTreeMap<String, Branch>>,
    /// The modules that were handed out, by the names under which they are shown.
    pub(super) modules: Mutex<HashMap<String, String>>,
    threads: AtomicUsize,
    reading: AtomicUsize,
    asked: AtomicUsize,
    answered: AtomicU64,
    closed: AtomicBool,
    pub(super) uncertain: Mutex<Option<Stop>>,
}

/// What cannot be, in words.
pub(super) type Broken = String;

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn head_of<'f, T: Deserialize<'f>>(frame: &'f Frame) -> Result<T, Broken> {
    serde_json::from_slice(&frame.head).map_err(|error| format!("a frame's head cannot be read: {error}"))
}

impl<'s> Desk<'s> {
    /// A desk for a script; `events` is told what is not a question.
    ///
    /// # Errors
    /// When the pipe cannot be used from two sides.
    pub fn new(
        script: &'s ScriptRun,
        sources: &'s Sources,
        vault: &'s Vault,
        pipe: UnixStream,
        events: Sender<Event>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            script,
            sources,
            vault,
            writer: Mutex::new(pipe.try_clone()?),
            reader: Mutex::new(pipe),
            events: Mutex::new(events),
            composites: Mutex::default(),
            transactions: Mutex::default(),
            modules: Mutex::default(),
            threads: AtomicUsize::new(0),
            reading: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            answered: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            uncertain: Mutex::default(),
        })
    }

    fn tell(&self, event: Event) {
        // Whoever supervises has gone when the run is over.
        let _over = lock(&self.events).send(event);
    }

    /// Sends a frame. That the process has ended is told by its pipe.
    pub fn send(&self, frame: &Frame) {
        match frame::write(&mut *lock(&self.writer), frame) {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.tell(Event::Broken(format!("it takes no frame ({error})")));
            }
            _ => {}
        }
    }

    /// From now on nothing is answered any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// How many questions are being answered.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How many questions have been answered.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    /// That a change is uncertain, if one is.
    pub fn uncertain(&self) -> Option<Stop> {
        lock(&self.uncertain).clone()
    }

    /// Rolls back what a process that has ended has left open.
    pub fn abandon_all(&self) {
        for (target, branch) in std::mem::take(&mut *lock(&self.transactions)) {
            self.script.context.passage.abandon(&branch, &target.into(), false);
        }
    }

    /// Begins with one thread that reads; more come as they are needed.
    pub fn open<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) -> Result<(), String> {
        self.threads.fetch_add(1, Ordering::SeqCst);
        let thread = std::thread::Builder::new().name("interpreter".into());
        let begun = thread.spawn_scoped(scope, || self.work(scope));
        begun.map(|_| ()).map_err(|error| format!("no thread can be had for the interpreter: {error}"))
    }

    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>) {
        while let Some((kind, frame)) = self.next() {
            let enough = self.reading.load(Ordering::SeqCst) > 0 || self.threads.load(Ordering::SeqCst) >= MOST;
            if !enough && self.open(scope).is_err() {
                // This thread reads again when it has answered.
                self.threads.fetch_sub(1, Ordering::SeqCst);
            }
            let answered = catch_unwind(AssertUnwindSafe(|| self.answer(kind, &frame)));
            let answered = answered.unwrap_or_else(|_| Err("a function of the service has failed".into()));
            match answered {
                Ok(_) if self.closed.load(Ordering::SeqCst) => {}
                Ok((head, body)) => {
                    self.answered.fetch_add(1, Ordering::SeqCst);
                    self.send(&Kind::Answer.frame(frame.number, &head, body));
                }
                Err(what) => self.tell(Event::Broken(what)),
            }
            // Only now: until its answer is on the way nobody may think that nothing is under way.
            self.asked.fetch_sub(1, Ordering::SeqCst);
        }
        self.threads.fetch_sub(1, Ordering::SeqCst);
    }

    /// Waits until every question of a process that is gone has come to its end.
    pub fn rest(&self) {
        self.close();
        while self.threads.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(RESTING);
        }
    }

    /// The next question. What is none is dealt with here, in the order in which it comes; nothing when the pipe
    /// is closed.
    fn next(&self) -> Option<(Kind, Frame)> {
        self.reading.fetch_add(1, Ordering::SeqCst);
        let mut reader = lock(&self.reader);
        let question = loop {
            if self.closed.load(Ordering::SeqCst) {
                break None;
            }
            let read = frame::read(&mut *reader).map_err(|error| match error {
                FrameError::Closed => Event::Closed,
                other => Event::Broken(other.to_string()),
            });
            let taken = read.and_then(|frame| match Kind::of(&frame) {
                Some(kind) => self.take(kind, frame).map_err(Event::Broken),
                None => Err(Event::Broken(format!("there is no frame of kind {}", frame.kind))),
            });
            match taken {
                Ok(None) => {}
                Ok(question) => break question,
                Err(event) => {
                    self.close();
                    self.tell(event);
                    break None;
                }
            }
        };
        if question.is_some() {
            self.asked.fetch_add(1, Ordering::SeqCst);
        }
        self.reading.fetch_sub(1, Ordering::SeqCst);
        question
    }

    /// The secret of a handle.
    pub(super) fn secret(&self, handle: &str) -> Secret {
        self.vault.reveal(handle)
    }

    /// Takes a frame; gives it back if it is a question.
    fn take(&self, kind: Kind, frame: Frame) -> Result<Option<(Kind, Frame)>, Broken> {
        let context = &self.script.context;
        let secret = |handle: &str| self.secret(handle);
        match kind {
            Kind::Show => {
                let event = read_shown(head_of(&frame)?, &secret).ok_or("what the script shows cannot be read")?;
                context.show(event);
            }
            Kind::Loaded => {
                let name: String = head_of(&frame)?;
                let modules = lock(&self.modules);
                let text = modules.get(&name).ok_or("a module was loaded that was never handed out")?;
                context.texts.loaded(&name, text);
            }
            Kind::Working => self.tell(Event::Working(head_of(&frame)?, frame.number)),
            Kind::Kept => self.tell(Event::Kept(head_of(&frame)?)),
            Kind::TakenBack => {
                let TakenBack { end, entry } = head_of(&frame)?;
                let result = read_end(end, &secret).ok_or("how a function ended cannot be read")?;
                self.tell(Event::TakenBack(result.map(|_| ()), entry));
            }
            Kind::Confined => self.tell(Event::Confined(head_of(&frame)?)),
            Kind::Ended => {
                let result = read_end(head_of(&frame)?, &secret).ok_or("how the script ended cannot be read")?;
                self.close();
                self.tell(Event::Ended(result));
            }
            Kind::Pass
            | Kind::Open
            | Kind::Close
            | Kind::ItemFailed
            | Kind::Abandon
            | Kind::AssumedTarget
            | Kind::Instead
            | Kind::Import => return Ok(Some((kind, frame))),
            Kind::Brief | Kind::Answer | Kind::Cancel | Kind::HowMany | Kind::TakeBack => {
                return Err(format!("an interpreter does not send {kind:?}"));
            }
        }
        Ok(None)
    }
}
