//! Whoever speaks at the prompt: the screen, what cancels, and the doors that a session goes through.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::catalog::Effect;
use crate::cli::ask;
use crate::cli::failure::CommandFailure;
use crate::cli::runs::list::recent;
use crate::cli::screen::{Screen, Working};
use crate::cli::table;
use crate::cli::withheld;
use crate::door::{DoorEvent, Halt};
use crate::engine::{RunContext, Session};
use crate::id;
use crate::repl::{Above, Command, Voice};
use crate::run::params::Params;
use crate::run::{
    Cause, Intent, Listener, Now, Order, Playbook, Prepared, Project, RunEvent, Start, UndoOrder, prepare, undo,
};
use crate::value::{Map, Value};

/// How often it is looked whether other runs have ended.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The session's own run, and a dry one for as long as everything is withheld.
pub struct Doors {
    project: Arc<Project>,
    listener: Arc<dyn Listener>,
    counts: Arc<Counts>,
    order: Box<dyn Fn(bool) -> Result<Order, String> + Send + Sync>,
    live: Option<Prepared>,
    dry: Option<Prepared>,
}

/// What passed the door since the line began.
#[derive(Default)]
struct Counts {
    reads: AtomicU64,
    changes: AtomicU64,
    withheld: AtomicU64,
}

/// Shows what happens, and counts it.
struct Ear {
    screen: Arc<Screen>,
    counts: Arc<Counts>,
}

impl Listener for Ear {
    fn on(&self, event: RunEvent) {
        match &event {
            RunEvent::Door(DoorEvent::Called { effect: Effect::Read, .. }) => {
                self.counts.reads.fetch_add(1, Ordering::Relaxed);
            }
            RunEvent::Door(DoorEvent::Called { .. }) => {
                self.counts.changes.fetch_add(1, Ordering::Relaxed);
            }
            RunEvent::Door(DoorEvent::Withheld(change)) => {
                self.counts.withheld.fetch_add(1, Ordering::Relaxed);
                self.screen.note(&format!("withheld: {} {} [{}]", change.target, change.operation, change.effect));
                return;
            }
            _ => {}
        }
        self.screen.on(event);
    }
}

impl Doors {
    /// Opens the first door.
    ///
    /// # Errors
    /// When the state folder cannot be used.
    pub fn open(
        project: &Arc<Project>,
        screen: &Arc<Screen>,
        halt: &Halt,
        here: &Path,
        dry: bool,
    ) -> Result<Self, CommandFailure> {
        let counts = Arc::new(Counts::default());
        let listener: Arc<dyn Listener> = Arc::new(Ear { screen: Arc::clone(screen), counts: Arc::clone(&counts) });
        let (here, halt, ask) = (here.to_owned(), halt.clone(), ask::at(screen, halt));
        let order = Box::new(move |dry| {
            Ok(Order {
                playbook: Playbook::of("prompt", String::new(), Some(here.clone()))
                    .map_err(|error| error.to_string())?,
                params: Params::default(),
                event: Map::new(),
                event_files: Vec::new(),
                cause: Cause::Prompt,
                intent: Intent::dry(dry),
                allow_destroy: false,
                yes: false,
                ask: Arc::clone(&ask),
                timeout: None,
                halt: halt.clone(),
            })
        });
        let mut doors = Self { project: Arc::clone(project), listener, counts, order, live: None, dry: None };
        let opened = doors.prepare(dry).map_err(CommandFailure::failed)?;
        *(if dry { &mut doors.dry } else { &mut doors.live }) = Some(opened);
        Ok(doors)
    }

    fn prepare(&self, dry: bool) -> Result<Prepared, String> {
        prepare(&self.project, &(self.order)(dry)?, Start::New(id::new_run()), &self.listener)
            .map_err(|fault| fault.message)
    }

    fn present(&self) -> Option<&Prepared> {
        self.dry.as_ref().or(self.live.as_ref())
    }

    /// What the session's engine needs, of the door that is open.
    pub fn context(&self) -> Option<Arc<RunContext>> {
        self.present().map(|prepared| Arc::clone(&prepared.context))
    }
}

/// Speaks at the prompt.
pub struct Speaker {
    screen: Arc<Screen>,
    halt: Halt,
    doors: Mutex<Doors>,
    colours: bool,
    working: Mutex<Option<Working>>,
    undone: Mutex<Vec<u64>>,
}

const COMMANDS: &[Command] = &[
    Command { name: "dry", argument: "on|off", help: "withhold everything but reads; off: show what was withheld" },
    Command { name: "runs", argument: "", help: "the latest runs, this session among them" },
    Command { name: "undo", argument: "", help: "take the session's last change back; again: the one before" },
];

/// How many runs `:runs` shows.
const RUNS: usize = 10;

impl Speaker {
    /// A speaker.
    pub fn new(screen: Arc<Screen>, halt: Halt, doors: Doors, colours: bool) -> Self {
        Self { screen, halt, doors: Mutex::new(doors), colours, working: Mutex::default(), undone: Mutex::default() }
    }

    /// The person leaves: the session's runs end.
    pub fn leave(&self) {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        for prepared in [doors.dry.take(), doors.live.take()].into_iter().flatten() {
            prepared.end_session(&doors.project);
        }
    }

    fn runs(&self) -> Result<(), String> {
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let log = doors.project.journal();
        log.write(false)?;
        match recent(&log, doors.project.clock.now(), RUNS, self.width(), self.colours)? {
            Some(table) => self.say(table.trim_end()),
            None => self.note("nothing has run yet"),
        }
        Ok(())
    }

    /// Takes the last change of the session back that has not been taken back yet.
    fn undo(&self) -> Result<(), String> {
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(live) = &doors.live else { return Err("this session has sent no change".into()) };
        let log = doors.project.journal();
        log.write(false)?;
        let mut undone = self.undone.lock().unwrap_or_else(PoisonError::into_inner);
        let last = log.entries(live.id(), false)?.into_iter().rev().find(|entry| {
            let done = !entry.is_open() && !entry.has_failed();
            entry.is_change() && done && !undone.contains(&entry.number)
        });
        let Some(last) = last else { return Err("there is no change of this session left to take back".into()) };
        self.halt.renew();
        let now = Now {
            ask: ask::at(&self.screen, &self.halt),
            yes: false,
            allow_destroy: false,
            timeout: None,
            halt: self.halt.clone(),
        };
        let order = UndoOrder { now, dry: false, only: Some(last.number) };
        let ending = undo(&doors.project, live.id(), order, &doors.listener).map_err(|fault| fault.message)?;
        // What cannot be taken back, or was left alone, is not tried again either.
        undone.push(last.number);
        match ending.error {
            Some(error) => Err(error.message),
            None => Ok(()),
        }
    }

    /// Tells of other runs that end while the session lasts.
    pub fn watch(self: &Arc<Self>) {
        let (project, own) = {
            let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
            let own = doors.present().map(|prepared| prepared.id().to_owned()).unwrap_or_default();
            (Arc::clone(&doors.project), own)
        };
        let speaker = Arc::downgrade(self);
        let (log, clock) = (project.journal(), Arc::clone(&project.clock));
        project.runtime.spawn(async move {
            let mut since = clock.now();
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(speaker) = speaker.upgrade() else { return };
                // A journal that cannot be read now is looked at again.
                for run in log.ended_since(since).unwrap_or_default() {
                    since = since.max(run.ended.unwrap_or(since));
                    if run.id != own && run.mode != "undo" && run.mode != "session" {
                        let outcome = run.outcome.as_deref().unwrap_or_default();
                        speaker.screen.note(&format!("run {} of {} has ended: {outcome}", run.id, run.name));
                    }
                }
            }
        });
    }

    fn dry(&self, session: &mut Session, argument: &str) -> Result<(), String> {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        match (argument, doors.dry.take()) {
            ("on", None) => {
                doors.dry = Some(doors.prepare(true)?);
                self.note("everything but reads is withheld from now on");
            }
            ("off", Some(dry)) => {
                if doors.live.is_none() {
                    doors.live = Some(doors.prepare(false)?);
                }
                let ending = dry.ending(Ok(Value::Null), std::time::Instant::now());
                if let Some(plan) = ending.plan.as_ref().filter(|plan| !plan.changes.is_empty()) {
                    self.say(withheld::human(plan, self.colours).trim_end());
                }
                self.note("changes are sent again, after a question");
            }
            ("on" | "off" | "", dry) => {
                let state = if dry.is_some() { "on" } else { "off" };
                doors.dry = dry;
                self.note(&format!("dry is {state}"));
            }
            (other, dry) => {
                doors.dry = dry;
                return Err(format!("':dry {other}' makes no sense: it is :dry on or :dry off"));
            }
        }
        if let Some(context) = doors.context() {
            session.go_through(context);
        }
        Ok(())
    }
}

impl Voice for Speaker {
    fn say(&self, text: &str) {
        self.screen.out(&format!("{text}\n"));
        let _closed = std::io::stdout().flush();
    }

    fn note(&self, text: &str) {
        self.screen.note(text);
    }

    fn line_begins(&self) {
        self.halt.renew();
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        for count in [&doors.counts.reads, &doors.counts.changes, &doors.counts.withheld] {
            count.store(0, Ordering::Relaxed);
        }
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.screen.working());
    }

    fn line_ended(&self) -> String {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).take();
        let doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |count: &AtomicU64, word: &str| match count.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(format!("1 {word}")),
            many => Some(format!("{many} {word}s")),
        };
        let counts = [
            count(&doors.counts.reads, "read"),
            count(&doors.counts.changes, "change"),
            count(&doors.counts.withheld, "withheld change"),
        ];
        counts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    fn may_print_above(&self, printer: Above) {
        self.screen.print_above(printer);
    }

    fn is_typing(&self, typing: bool) {
        self.screen.is_typing(typing);
    }

    fn is_dry(&self) -> bool {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).dry.is_some()
    }

    fn width(&self) -> usize {
        table::terminal_width().unwrap_or(table::WIDTH).into()
    }

    fn colours(&self) -> bool {
        self.colours
    }

    fn mask(&self, text: &str) -> String {
        self.screen.masked(text)
    }

    fn commands(&self) -> &'static [Command] {
        COMMANDS
    }

    fn command(&self, session: &mut Session, name: &str, argument: &str) -> Result<(), String> {
        match name {
            "dry" => self.dry(session, argument),
            "runs" => self.runs(),
            "undo" => self.undo(),
            other => Err(format!("there is no command ':{other}'")),
        }
    }
}
