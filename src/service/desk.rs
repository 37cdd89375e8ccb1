//! What the sources of the service share: the project, its triggers, and the runs that are going.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use jiff::Timestamp;

use crate::alarm::{Alarm, Ringer};
use crate::door::Halt;
use crate::door::policy::NoTerminal;
use crate::fault::Fault;
use crate::run::{Ending, Listener, Now, Outcome, Project, Resumption, RunEvent, Start, execute_from, resume, wake};
use crate::service::event::{ServiceEvent, Tell};
use crate::service::failure::{failure, unknown_failure};
use crate::service::orders::order;
use crate::trigger::watch::Failure;
use crate::trigger::{Firing, Missed, RunEnd, Triggers};

/// What wakes the loop.
pub(super) enum Wake {
    /// A source may have something to do.
    Hint,
    /// The run of a firing has ended.
    Ended(String, Box<Ending>),
    /// The run of a firing waits and takes no place meanwhile, or goes on.
    Waits(String, bool),
}

/// What the sources share.
pub(super) struct Desk {
    /// The project.
    pub(super) project: Arc<Project>,
    /// Its triggers.
    pub(super) triggers: Triggers,
    /// What ends each run that is going, by its firing.
    pub(super) running: HashMap<String, Halt>,
    /// Those of them, by their firings, that wait without a process and take no place.
    waiting: HashSet<String>,
    /// Runs that have ended, and are still going for the ledger.
    ended: VecDeque<(String, Box<Ending>)>,
    /// Whether a firing may have a run that nobody executes.
    pub(super) orphaned: bool,
    tell: Tell,
    waker: Waker,
    woken: Receiver<Wake>,
    alarm: Alarm,
}

/// Wakes the loop, from any thread.
#[derive(Clone)]
struct Waker {
    messages: Sender<Wake>,
    ringer: Ringer,
}

impl Waker {
    fn wake(&self, message: Wake) {
        // A loop that has ended needs no hints.
        let _ended = self.messages.send(message);
        self.ringer.ring();
    }
}

/// Tells the events of one run under its trigger's name.
struct Named {
    trigger: String,
    run: String,
    firing: String,
    tell: Tell,
    waker: Waker,
}

impl Listener for Named {
    fn on(&self, event: RunEvent) {
        if let RunEvent::Waits(_) | RunEvent::GoesOn = &event {
            let waits = matches!(&event, RunEvent::Waits(_));
            self.waker.wake(Wake::Waits(self.firing.clone(), waits));
        }
        (self.tell)(ServiceEvent::Run { trigger: self.trigger.clone(), run: self.run.clone(), event });
    }
}

impl Desk {
    /// A desk with no runs.
    ///
    /// # Errors
    /// The system gives nothing to sleep with.
    pub(super) fn new(project: Arc<Project>, triggers: Triggers, tell: Tell) -> Result<Self, String> {
        let (messages, woken) = channel();
        let alarm = Alarm::new()
            .map_err(|error| format!("the system gives no descriptor: raise the limit (`ulimit -n`): {error}"))?;
        let waker = Waker { messages, ringer: alarm.ringer() };
        Ok(Self {
            project,
            triggers,
            running: HashMap::new(),
            waiting: HashSet::new(),
            ended: VecDeque::new(),
            orphaned: true,
            tell,
            waker,
            woken,
            alarm,
        })
    }

    /// What wakes the loop, from any thread.
    pub(super) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let waker = self.waker.clone();
        move || waker.wake(Wake::Hint)
    }

    pub(super) fn tell(&self, event: ServiceEvent) {
        (self.tell)(event);
    }

    /// Tells what was passed over.
    pub(super) fn missed(&self, missed: impl IntoIterator<Item = Missed>) {
        missed.into_iter().for_each(|missed| self.tell(ServiceEvent::Missed(missed)));
    }

    /// Tells what is not as it should be.
    pub(super) fn complain(&self, problems: impl IntoIterator<Item = String>) {
        problems.into_iter().for_each(|problem| self.tell(ServiceEvent::Problem(problem)));
    }

    /// What tells a problem, from any thread.
    pub(super) fn complainer(&self) -> impl Fn(String) + Send + 'static {
        let tell = Arc::clone(&self.tell);
        move |problem| tell(ServiceEvent::Problem(problem))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.project.clock.now()
    }

    /// How many more runs may be going at once.
    pub(super) fn free(&self) -> usize {
        let going = self.running.len().saturating_sub(self.waiting.len());
        self.project.config.limits.max_runs.saturating_sub(going)
    }

    /// Starts the run of a firing that was taken from the queue.
    ///
    /// # Errors
    /// No thread can be had, or what the database refuses.
    pub(super) fn start(&mut self, firing: Firing) -> Result<(), String> {
        let halt = Halt::default();
        let order = match order(&self.project, &firing, halt.clone()) {
            Ok(order) => order,
            Err(why) => {
                let why = self.project.masker().mask(&why).into_owned();
                self.complain([format!("{}: {why}", firing.trigger)]);
                let at = firing.due.unwrap_or_else(|| self.now());
                self.tell(ServiceEvent::Missed(Missed::one(&firing.trigger, at, &why)));
                self.triggers.skip(&firing.id, &why).map_err(|error| error.to_string())?;
                let at = self.now();
                let reason = Failure { run: None, outcome: "skipped".into(), message: why, place: None, at };
                return self.triggers.gave_up(&firing.id, &reason).map_err(|error| error.to_string());
            }
        };
        let why = match (firing.event.get("original"), firing.event.get("files"), firing.due) {
            (Some(serde_json::Value::String(path)), ..) => path.clone(),
            (_, Some(serde_json::Value::Array(files)), _) => format!("{} files", files.len()),
            (_, _, Some(due)) => format!("due {due}"),
            _ => firing.kind.name().to_owned(),
        };
        let id = firing.run.clone().unwrap_or_default();
        let late = firing.due.map(|due| Duration::try_from(self.now().duration_since(due)).unwrap_or_default());
        self.execute(firing, why, late, halt, move |project, listener| {
            execute_from(project, order, Start::New(id), listener)
        })
    }

    /// Goes on with the run of a firing, which was interrupted.
    ///
    /// # Errors
    /// No thread can be had.
    pub(super) fn resume(&mut self, firing: Firing) -> Result<(), String> {
        let halt = Halt::default();
        let id = firing.run.clone().unwrap_or_default();
        let now =
            Now { ask: Arc::new(NoTerminal), yes: false, allow_destroy: false, timeout: None, halt: halt.clone() };
        let why = "it was interrupted, and goes on".to_owned();
        self.execute(firing, why, None, halt, move |project, listener| {
            resume(project, &id, Resumption { assume: None, script: None, now }, listener).unwrap_or_else(untouched)
        })
    }

    /// Takes up the run of a firing that waits for its time and that nobody executes.
    ///
    /// # Errors
    /// No thread can be had.
    pub(super) fn take_up(&mut self, firing: Firing) -> Result<(), String> {
        let halt = Halt::default();
        let id = firing.run.clone().unwrap_or_default();
        let now =
            Now { ask: Arc::new(NoTerminal), yes: false, allow_destroy: false, timeout: None, halt: halt.clone() };
        let why = "it waits for its time".to_owned();
        self.execute(firing, why, None, halt, move |project, listener| {
            wake(project, &id, now, listener).unwrap_or_else(untouched)
        })
    }

    /// Executes the run of a firing on a thread of its own, which tells the loop how it ended.
    fn execute(
        &mut self,
        firing: Firing,
        why: String,
        late: Option<Duration>,
        halt: Halt,
        work: impl FnOnce(&Arc<Project>, &Arc<dyn Listener>) -> Ending + Send + 'static,
    ) -> Result<(), String> {
        let (trigger, run) = (firing.trigger.clone(), firing.run.clone().unwrap_or_default());
        let listener: Arc<dyn Listener> = Arc::new(Named {
            trigger: trigger.clone(),
            run: run.clone(),
            firing: firing.id.clone(),
            tell: Arc::clone(&self.tell),
            waker: self.waker.clone(),
        });
        self.tell(ServiceEvent::Started { trigger, run: run.clone(), why, late });
        let (project, waker, id) = (Arc::clone(&self.project), self.waker.clone(), firing.id.clone());
        let spawned = std::thread::Builder::new().name("run".into()).spawn(move || {
            let ending = work(&project, &listener);
            // One that never began has no id of its own.
            let ending = Ending { id: run, ..ending };
            waker.wake(Wake::Ended(id, Box::new(ending)));
        });
        spawned.map_err(|error| format!("no thread can be had for a run: {error}"))?;
        self.running.insert(firing.id, halt);
        Ok(())
    }

    /// Sleeps until then, or until something wakes the loop; takes every waiting message at once.
    pub(super) fn sleep(&mut self, until: Option<Timestamp>) {
        if self.alarm.sleep(until) {
            // Runs that wait, wait for an instant of that clock.
            self.project.interpreter.look_again();
        }
        while let Ok(woken) = self.woken.try_recv() {
            match woken {
                Wake::Hint => {}
                Wake::Waits(firing, true) => {
                    self.waiting.insert(firing);
                }
                Wake::Waits(firing, false) => {
                    self.waiting.remove(&firing);
                }
                Wake::Ended(firing, ending) => {
                    self.running.remove(&firing);
                    self.waiting.remove(&firing);
                    self.ended.push_back((firing, ending));
                }
            }
        }
    }

    /// Writes how runs ended. What cannot be written is kept for the next time.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn settle(&mut self, now: Timestamp) -> Result<(), String> {
        while let Some((firing, ending)) = self.ended.front() {
            if ending.outcome == Outcome::Waiting {
                // The next service takes it up.
                self.ended.pop_front();
                continue;
            }
            if ending.outcome == Outcome::Interrupted {
                // It goes on, now or when the service starts again.
                self.orphaned = true;
                self.tell_end();
                continue;
            }
            let failure = failure(&self.project, ending, now);
            let (run, outcome) = (Some(ending.id.as_str()).filter(|run| !run.is_empty()), ending.outcome);
            self.close(&RunEnd { firing, run, outcome, failure: failure.as_ref() }, now)?;
            self.tell_end();
        }
        Ok(())
    }

    /// Writes how the run of a firing ended, and why its files are to go to `failed/`.
    fn close(&self, end: &RunEnd<'_>, now: Timestamp) -> Result<(), String> {
        let problems = self.triggers.concluded(end, now).map_err(|error| error.to_string())?;
        self.complain(problems);
        Ok(())
    }

    /// Writes how the run of a firing ended that this service does not execute; its journal says why.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn close_unattended(&self, firing: &Firing, outcome: Outcome, now: Timestamp) -> Result<(), String> {
        let failure = unknown_failure(firing.run.as_deref(), outcome, now);
        let end = RunEnd { firing: &firing.id, run: firing.run.as_deref(), outcome, failure: failure.as_ref() };
        self.close(&end, now)
    }

    /// Firings that were started and have not ended, whose runs this service does not execute.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn unattended(&self) -> Result<Vec<Firing>, String> {
        let mut unended = self.triggers.unended().map_err(|error| error.to_string())?;
        let is_ended = |id: &str| self.ended.iter().any(|(firing, _)| firing == id);
        unended.retain(|firing| !self.running.contains_key(&firing.id) && !is_ended(&firing.id));
        Ok(unended)
    }

    fn tell_end(&mut self) {
        if let Some((firing, ending)) = self.ended.pop_front() {
            self.tell(ServiceEvent::Ended(firing, ending));
        }
    }
}

/// The end of an attempt to go on with a run that did nothing to it: a person was first, or its record cannot be
/// read. It is no end of the run, and what becomes of it is judged anew.
fn untouched(fault: Fault) -> Ending {
    Ending { outcome: Outcome::Interrupted, ..Ending::never_begun(fault, Duration::ZERO) }
}
