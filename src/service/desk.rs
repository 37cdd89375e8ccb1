//! What the sources of the service share: the project, its triggers, and the runs that are going.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::door::Halt;
use crate::run::{Ending, Listener, Outcome, Project, RunEvent, execute};
use crate::service::event::{ServiceEvent, Tell};
use crate::service::orders::order;
use crate::trigger::watch::Failure;
use crate::trigger::{Firing, Outcome as FiringOutcome, Triggers};

/// What wakes the loop.
pub(super) enum Wake {
    /// A source may have something to do.
    Hint,
    /// The run of a firing has ended.
    Ended(String, Box<Ending>),
}

/// What the sources share.
pub(super) struct Desk {
    /// The project.
    pub(super) project: Arc<Project>,
    /// Its triggers.
    pub(super) triggers: Triggers,
    /// What ends each run that is going, by its firing.
    pub(super) running: HashMap<String, Halt>,
    /// Runs that have ended, and are still going for the ledger.
    ended: VecDeque<(String, Box<Ending>)>,
    tell: Tell,
    wake: Sender<Wake>,
    woken: Receiver<Wake>,
}

/// Tells the events of one run under its trigger's name.
struct Named {
    trigger: String,
    run: Mutex<Option<(Sender<String>, Receiver<()>)>>,
    tell: Tell,
}

impl Listener for Named {
    fn on(&self, event: RunEvent) {
        if let RunEvent::Started { id, .. } = &event
            && let Some((sender, go)) = self.run.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            // The loop may be gone already; then nobody asks for the id.
            let _nobody_asks = sender.send(id.clone());
            // Nothing is done before the ledger has the run: a service that dies here starts it once more.
            let _gone = go.recv();
        }
        (self.tell)(ServiceEvent::Run(self.trigger.clone(), event));
    }
}

impl Desk {
    pub(super) fn new(project: Arc<Project>, triggers: Triggers, tell: Tell) -> Self {
        let (wake, woken) = channel();
        Self { project, triggers, running: HashMap::new(), ended: VecDeque::new(), tell, wake, woken }
    }

    /// What wakes the loop, from any thread.
    pub(super) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let wake = self.wake.clone();
        move || {
            // A loop that has ended needs no hints.
            let _ended = wake.send(Wake::Hint);
        }
    }

    pub(super) fn tell(&self, event: ServiceEvent) {
        (self.tell)(event);
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
        self.project.config.limits.max_runs.saturating_sub(self.running.len())
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
        let ((id_sender, id), (go, gone)) = (channel(), channel());
        let listener: Arc<dyn Listener> = Arc::new(Named {
            trigger: firing.trigger.clone(),
            run: Mutex::new(Some((id_sender, gone))),
            tell: Arc::clone(&self.tell),
        });
        let (project, done, firing_id) = (Arc::clone(&self.project), self.wake.clone(), firing.id.clone());
        let spawned = std::thread::Builder::new().name("run".into()).spawn(move || {
            let ending = execute(&project, order, &listener);
            let _ended = done.send(Wake::Ended(firing_id, Box::new(ending)));
        });
        spawned.map_err(|error| format!("no thread can be had for a run: {error}"))?;
        // The run tells its id before it does anything.
        let run = id.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| "unknown".to_owned());
        // What the ledger does not know of must not do anything.
        let started = self.triggers.started(&firing.id, &run, self.now()).inspect_err(|_| halt.cancel());
        drop(go);
        started.map_err(|error| error.to_string())?;
        self.tell(ServiceEvent::Started { trigger: firing.trigger.clone(), run, why });
        self.running.insert(firing.id, halt);
        Ok(())
    }

    /// Sleeps until something wakes the loop; takes every waiting message at once.
    pub(super) fn sleep(&mut self, wait: Duration) {
        let mut message = self.woken.recv_timeout(wait).ok();
        while let Some(woken) = message {
            if let Wake::Ended(firing, ending) = woken {
                self.running.remove(&firing);
                self.ended.push_back((firing, ending));
            }
            message = self.woken.try_recv().ok();
        }
    }

    /// Writes how runs ended. What cannot be written is kept for the next time.
    ///
    /// # Errors
    /// What the database refuses.
    pub(super) fn settle(&mut self, now: Timestamp) -> Result<(), String> {
        while let Some((firing, ending)) = self.ended.front() {
            let succeeded = ending.outcome == Outcome::Succeeded;
            let outcome = if succeeded { FiringOutcome::Succeeded } else { FiringOutcome::Failed };
            self.triggers.ended(firing, outcome, now).map_err(|error| error.to_string())?;
            if let Some(failure) = failure(&self.project, ending, now) {
                self.triggers.gave_up(firing, &failure).map_err(|error| error.to_string())?;
            }
            if let Some((firing, ending)) = self.ended.pop_front() {
                self.tell(ServiceEvent::Ended(firing, ending));
            }
        }
        Ok(())
    }
}

/// Why a run's files go to `failed/`; none where somebody may still go on with it without being asked, or has
/// to settle first what it did.
fn failure(project: &Project, ending: &Ending, at: Timestamp) -> Option<Failure> {
    match ending.outcome {
        Outcome::Failed | Outcome::Refused | Outcome::TimedOut | Outcome::Cancelled => {}
        Outcome::Succeeded | Outcome::Uncertain | Outcome::Interrupted => return None,
    }
    let message = ending.error.as_ref().map_or("it did not come to its end", |error| &error.message);
    let place = ending.error.as_ref().and_then(|error| error.place.as_ref());
    Some(Failure {
        run: Some(ending.id.clone()).filter(|id| !id.is_empty()),
        outcome: ending.outcome.name().to_owned(),
        message: project.masker().mask(message).into_owned(),
        place: place.map(|(file, line)| format!("{file}:{line}")),
        at,
    })
}
