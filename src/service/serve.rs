//! The loop: wait for what is due or ready, start runs, take note of how they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use crate::door::Halt;
use crate::run::{Ending, Listener, Outcome, Project, RunEvent, execute};
use crate::service::housekeeping::{Housekeeping, tidy};
use crate::service::orders::{definitions, order};
use crate::trigger::watch::Hints;
use crate::trigger::{Firing, Outcome as FiringOutcome, Triggers};

/// Something that happened in the service.
#[derive(Clone, Debug)]
pub enum ServiceEvent {
    /// It is ready, with so many schedules and watches.
    Ready(usize, usize),
    /// A trigger has gone off, and its run begins.
    Started {
        /// The trigger.
        trigger: String,
        /// The run.
        run: String,
        /// What set it off, in a few words.
        why: String,
    },
    /// Something happened in a run.
    Run(String, RunEvent),
    /// A run has ended.
    Ended(String, Box<Ending>),
    /// Something is not as it should be.
    Problem(String),
    /// It is ending, and waits for so many runs.
    Ending(usize),
}

/// What wakes the loop.
pub(super) enum Wake {
    Hint,
    Ended(String, Box<Ending>),
}

/// The service of a project.
pub struct Service {
    pub(super) project: Arc<Project>,
    pub(super) tell: Arc<dyn Fn(ServiceEvent) + Send + Sync>,
}

/// Tells the events of one run under its trigger's name.
pub(super) struct Named {
    pub(super) trigger: String,
    pub(super) run: std::sync::Mutex<Option<Sender<String>>>,
    pub(super) tell: Arc<dyn Fn(ServiceEvent) + Send + Sync>,
}

impl Listener for Named {
    fn on(&self, event: RunEvent) {
        if let RunEvent::Started { id, .. } = &event
            && let Some(sender) = self.run.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
        {
            // The loop may be gone already; then nobody asks for the id.
            let _nobody_asks = sender.send(id.clone());
        }
        (self.tell)(ServiceEvent::Run(self.trigger.clone(), event));
    }
}

/// How long the loop sleeps at most, so that a clock that jumps is noticed.
const LONGEST: Duration = Duration::from_secs(60);

impl Service {
    /// A service that tells what happens to `tell`.
    pub fn new(project: Arc<Project>, tell: Arc<dyn Fn(ServiceEvent) + Send + Sync>) -> Self {
        Self { project, tell }
    }

    /// Serves until `halt` is cancelled, then lets running runs end.
    ///
    /// # Errors
    /// What keeps it from starting, or what the state database came to.
    pub fn serve(&self, halt: &Halt) -> Result<(), String> {
        let (schedules, watches) = definitions(&self.project).map_err(|mistakes| mistakes.join("\n"))?;
        let state = self.project.state().map_err(|fault| fault.message)?;
        let counts = (schedules.len(), watches.len());
        for watch in &watches {
            for folder in watch.folders() {
                std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
        }
        let mut triggers =
            Triggers::open(state, schedules, watches, self.project.clock.now()).map_err(|error| error.to_string())?;
        for problem in triggers.recover().map_err(|error| error.to_string())? {
            (self.tell)(ServiceEvent::Problem(problem));
        }
        let (wake, woken) = channel();
        let mut hints = self.hints(&wake);
        self.wake_on_cancel(halt, &wake);
        (self.tell)(ServiceEvent::Ready(counts.0, counts.1));
        let mut running: HashMap<String, Halt> = HashMap::new();
        let mut housekeeping = Housekeeping::default();
        self.take_up(&triggers, &wake, &mut running)?;
        loop {
            if housekeeping.is_due(self.project.clock.now()) {
                let tell = Arc::clone(&self.tell);
                tidy(&self.project, move |problem| tell(ServiceEvent::Problem(problem)));
            }
            if let Some(hints) = &mut hints {
                if let Err(problems) = hints.watch(&triggers.folders()) {
                    problems.into_iter().for_each(|problem| (self.tell)(ServiceEvent::Problem(problem)));
                }
                if hints.take() {
                    triggers.hint();
                }
            }
            let now = self.project.clock.now();
            let polled = triggers.poll(now).map_err(|error| error.to_string())?;
            polled.problems.into_iter().for_each(|problem| (self.tell)(ServiceEvent::Problem(problem)));
            for (firing, _) in triggers.to_cancel(now).map_err(|error| error.to_string())? {
                if let Some(halt) = running.get(&firing.id) {
                    halt.cancel();
                }
            }
            let free = self.project.config.limits.max_runs.saturating_sub(running.len());
            for firing in triggers.take_queued(now, free).map_err(|error| error.to_string())? {
                self.start(&triggers, firing, &wake, &mut running)?;
            }
            let next = triggers.next_wake(self.project.clock.now()).map_err(|error| error.to_string())?;
            let busy = running.len() >= self.project.config.limits.max_runs;
            let wait = next.map_or(LONGEST, |next| {
                Duration::try_from(next.duration_since(self.project.clock.now())).unwrap_or_default().min(LONGEST)
            });
            // With every place taken there is nothing to start until a run ends.
            let wait = if busy { LONGEST } else { wait };
            self.sleep(&woken, wait, &triggers, &mut running)?;
            if halt.cancelled().is_cancelled() {
                return self.end(halt, &woken, &triggers, &mut running);
            }
        }
    }

    fn hints(&self, wake: &Sender<Wake>) -> Option<Hints> {
        let wake = wake.clone();
        let made = Hints::new(move || {
            // A loop that has ended needs no hints.
            let _ended = wake.send(Wake::Hint);
        });
        made.map_err(|problem| (self.tell)(ServiceEvent::Problem(problem))).ok()
    }

    fn wake_on_cancel(&self, halt: &Halt, wake: &Sender<Wake>) {
        let (cancelled, wake) = (halt.cancelled(), wake.clone());
        self.project.runtime.spawn(async move {
            cancelled.cancelled().await;
            let _ended = wake.send(Wake::Hint);
        });
    }

    fn start(
        &self,
        triggers: &Triggers,
        firing: Firing,
        wake: &Sender<Wake>,
        running: &mut HashMap<String, Halt>,
    ) -> Result<(), String> {
        let halt = Halt::default();
        let order = match order(&self.project, &firing, halt.clone()) {
            Ok(order) => order,
            Err(why) => {
                (self.tell)(ServiceEvent::Problem(format!("{}: {why}", firing.trigger)));
                return triggers.skip(&firing.id, &why).map_err(|error| error.to_string());
            }
        };
        let why = firing.event.get("original").and_then(serde_json::Value::as_str).map_or_else(
            || firing.due.map_or_else(|| firing.kind.name().to_owned(), |due| format!("due {due}")),
            str::to_owned,
        );
        let (id_sender, id) = channel();
        let listener: Arc<dyn Listener> = Arc::new(Named {
            trigger: firing.trigger.clone(),
            run: std::sync::Mutex::new(Some(id_sender)),
            tell: Arc::clone(&self.tell),
        });
        let (project, done, firing_id) = (Arc::clone(&self.project), wake.clone(), firing.id.clone());
        let spawned = std::thread::Builder::new().name("run".into()).spawn(move || {
            let ending = execute(&project, order, &listener);
            let _ended = done.send(Wake::Ended(firing_id, Box::new(ending)));
        });
        spawned.map_err(|error| format!("no thread can be had for a run: {error}"))?;
        // The run tells its id before it does anything.
        let run = id.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| "unknown".to_owned());
        triggers.started(&firing.id, &run, self.project.clock.now()).map_err(|error| error.to_string())?;
        (self.tell)(ServiceEvent::Started { trigger: firing.trigger.clone(), run, why });
        running.insert(firing.id, halt);
        Ok(())
    }

    /// Sleeps until something wakes the loop; takes every waiting message at once.
    fn sleep(
        &self,
        woken: &Receiver<Wake>,
        wait: Duration,
        triggers: &Triggers,
        running: &mut HashMap<String, Halt>,
    ) -> Result<(), String> {
        let mut message = woken.recv_timeout(wait).ok();
        while let Some(Wake::Hint | Wake::Ended(..)) = &message {
            if let Some(Wake::Ended(firing, ending)) = message.take() {
                self.ended(triggers, &firing, ending, running)?;
            }
            message = woken.try_recv().ok();
        }
        Ok(())
    }

    fn ended(
        &self,
        triggers: &Triggers,
        firing: &str,
        ending: Box<Ending>,
        running: &mut HashMap<String, Halt>,
    ) -> Result<(), String> {
        running.remove(firing);
        if ending.outcome == Outcome::Waiting {
            // The next service takes it up again.
            return Ok(());
        }
        let outcome =
            if ending.outcome == Outcome::Succeeded { FiringOutcome::Succeeded } else { FiringOutcome::Failed };
        let problems = triggers.ended(firing, outcome, self.project.clock.now()).map_err(|error| error.to_string())?;
        (self.tell)(ServiceEvent::Ended(firing.to_owned(), ending));
        problems.into_iter().for_each(|problem| (self.tell)(ServiceEvent::Problem(problem)));
        Ok(())
    }

    /// Cancels what runs, and waits for it: a change that has left gets its answer.
    fn end(
        &self,
        halt: &Halt,
        woken: &Receiver<Wake>,
        triggers: &Triggers,
        running: &mut HashMap<String, Halt>,
    ) -> Result<(), String> {
        if !running.is_empty() {
            (self.tell)(ServiceEvent::Ending(running.len()));
        }
        self.project.interpreter.leave();
        running.values().for_each(Halt::cancel);
        while !running.is_empty() {
            self.sleep(woken, Duration::from_millis(200), triggers, running)?;
            if halt.forced().is_cancelled() {
                running.values().for_each(Halt::cancel);
            }
        }
        Ok(())
    }
}
