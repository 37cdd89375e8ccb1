//! All that hears the service and tells the world outside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::{SecretSource, Tells};
use crate::door::{Beat, Heartbeats, Message, Sent};
use crate::run::{Ending, Outcome, Project, RunEvent};
use crate::service::event::{ServiceEvent, Tell};
use crate::service::outside::beats::Beats;
use crate::service::outside::endpoint::{Answers, Endpoint};
use crate::service::outside::messages::{Going, of_ending, of_missed};
use crate::service::outside::metrics::Metrics;
use crate::service::outside::outbox::{Job, Outbox};
use crate::service::outside::supervisor::{Pulse, Supervisor};
use crate::trigger::{Missed, queue_length};

/// How long the last messages may take when the service ends.
const LAST: Duration = Duration::from_secs(10);

/// Hears what the service tells, and tells it on.
pub struct Outside {
    inner: Tell,
    project: Mutex<Arc<Project>>,
    going: Mutex<HashMap<String, Going>>,
    metrics: Arc<Metrics>,
    heartbeats: Arc<Heartbeats>,
    pulse: Arc<Pulse>,
    beats: Beats,
    supervisor: Supervisor,
    outbox: Outbox,
    endpoint: Mutex<Option<Endpoint>>,
    complain: Arc<dyn Fn(String) + Send + Sync>,
}

impl Outside {
    /// Begins; `inner` shows what happens to whoever looks at the service.
    ///
    /// # Errors
    /// The endpoint cannot be opened.
    pub fn begin(project: &Arc<Project>, inner: Tell) -> Result<Arc<Self>, String> {
        let metrics = Arc::new(Metrics::new());
        let complain: Arc<dyn Fn(String) + Send + Sync> = {
            let (inner, metrics) = (Arc::clone(&inner), Arc::clone(&metrics));
            Arc::new(move |problem| {
                metrics.problem();
                inner(ServiceEvent::Problem(problem));
            })
        };
        let outside = Arc::new(Self {
            inner,
            project: Mutex::new(Arc::clone(project)),
            going: Mutex::default(),
            metrics,
            heartbeats: Arc::new(Heartbeats::new(Arc::clone(&project.secrets))),
            pulse: Arc::new(Pulse::new()),
            beats: Beats::default(),
            supervisor: Supervisor::new(),
            outbox: Outbox::new(project.runtime.clone(), Arc::clone(&complain)),
            endpoint: Mutex::default(),
            complain,
        });
        outside.open_endpoint(project)?;
        Ok(outside)
    }

    /// What the service has to tell to.
    pub fn ear(self: &Arc<Self>) -> Tell {
        let outside = Arc::clone(self);
        Arc::new(move |event| {
            outside.hear(&event);
            (outside.inner)(event);
        })
    }

    /// How often the loop has to go round at least, for whoever watches over it.
    pub fn turns(&self) -> Option<Duration> {
        self.supervisor.turns()
    }

    /// Where the endpoint listens, if it does.
    pub fn address(&self) -> Option<std::net::SocketAddr> {
        locked(&self.endpoint).as_ref().map(|endpoint| endpoint.address)
    }

    /// Has the last messages sent: the service has ended.
    pub fn end(&self) {
        self.supervisor.stopping(&self.pulse);
        self.beats.end();
        let project = self.project();
        project.runtime.block_on(async {
            self.outbox.end(LAST).await;
            let _in_time = tokio::time::timeout(LAST, project.channels.flush()).await;
        });
    }

    fn project(&self) -> Arc<Project> {
        Arc::clone(&locked(&self.project))
    }

    fn hear(&self, event: &ServiceEvent) {
        match event {
            ServiceEvent::Ready(schedules, watches) => {
                self.supervisor.ready(&self.pulse, &format!("serving {schedules} schedules and {watches} watches"));
                let project = self.project();
                self.beats.begin(&project, &self.heartbeats, &self.pulse, &self.complain);
                project.channels.take_up(&project.runtime);
            }
            ServiceEvent::Started { trigger, run, why, late } => self.started(trigger, run, why, *late),
            ServiceEvent::Run { event: RunEvent::Door(event), .. } => self.metrics.passed(event),
            ServiceEvent::Run { .. } | ServiceEvent::Notice(_) => {}
            ServiceEvent::Ended(_, ending) => self.ended(ending),
            ServiceEvent::Missed(missed) => self.missed(missed),
            ServiceEvent::Problem(_) => self.metrics.problem(),
            ServiceEvent::Reloading => self.supervisor.reloading(&self.pulse),
            ServiceEvent::Reloaded(_, project) => self.renew(project),
            ServiceEvent::Turned(rest) => self.supervisor.turned(&self.pulse, *rest),
            ServiceEvent::Woken => self.pulse.wake(),
            ServiceEvent::Ending(..) => self.supervisor.stopping(&self.pulse),
        }
    }

    fn started(&self, trigger: &str, run: &str, why: &str, late: Option<Duration>) {
        let project = self.project();
        self.metrics.began(trigger, late);
        let going =
            Going { trigger: trigger.to_owned(), playbook: playbook_of(&project, trigger), why: why.to_owned(), late };
        locked(&self.going).insert(run.to_owned(), going);
        if let Some(heartbeat) = project.config.tells.get(trigger).and_then(|tells| tells.heartbeat.as_ref()) {
            self.beat(trigger, heartbeat, Beat::Start, format!("run {run} begins ({why})"));
        }
    }

    fn ended(&self, ending: &Ending) {
        let going = locked(&self.going).remove(&ending.id).unwrap_or_default();
        self.metrics.ended(&going.playbook, ending);
        // It goes on, and ends another time.
        if ending.outcome == Outcome::Interrupted {
            return;
        }
        let project = self.project();
        let Some(tells) = project.config.tells.get(&going.trigger) else { return };
        let message = of_ending(&going, ending);
        let succeeded = ending.outcome == Outcome::Succeeded;
        if let Some(heartbeat) = &tells.heartbeat {
            let beat = if succeeded { Beat::Success } else { Beat::Failure };
            self.beat(&going.trigger, heartbeat, beat, message.text.clone());
        }
        self.send(&project, if succeeded { &tells.on_success } else { &tells.on_failure }, message);
    }

    fn missed(&self, missed: &Missed) {
        self.metrics.missed(&missed.trigger, missed.count);
        let project = self.project();
        let Some(Tells { on_missed, .. }) = project.config.tells.get(&missed.trigger) else { return };
        if !on_missed.is_empty() {
            self.send(&project, on_missed, of_missed(missed, &playbook_of(&project, &missed.trigger)));
        }
    }

    fn send(&self, project: &Project, names: &[String], message: Message) {
        let message = Arc::new(message);
        for name in names {
            let (channels, metrics) = (Arc::clone(&project.channels), Arc::clone(&self.metrics));
            let (name, message) = (name.clone(), Arc::clone(&message));
            let place = format!("channel {name}");
            let job: Job = Box::pin(async move {
                let sent = channels.send(&name, &message).await;
                metrics.message(
                    &name,
                    match &sent {
                        Ok(Sent::Delivered) => "delivered",
                        Ok(Sent::Held) => "held",
                        Err(_) => "failed",
                    },
                );
                sent.map(|_| ()).map_err(|fault| fault.message)
            });
            self.outbox.send(&place, job);
        }
    }

    fn beat(&self, trigger: &str, source: &SecretSource, beat: Beat, words: String) {
        let (heartbeats, source) = (Arc::clone(&self.heartbeats), source.clone());
        let place = format!("heartbeat of {trigger}");
        let name = place.clone();
        let job: Job =
            Box::pin(
                async move { heartbeats.beat(&source, beat, &words).await.map_err(|why| format!("{name}: {why}")) },
            );
        self.outbox.send(&place, job);
    }

    /// Works with a changed configuration.
    fn renew(&self, project: &Arc<Project>) {
        let former = std::mem::replace(&mut *locked(&self.project), Arc::clone(project));
        if former.config.service == project.config.service {
            return;
        }
        self.beats.begin(project, &self.heartbeats, &self.pulse, &self.complain);
        if let Err(problem) = self.open_endpoint(project) {
            (self.complain)(problem);
        }
    }

    fn open_endpoint(&self, project: &Arc<Project>) -> Result<(), String> {
        // The old one has to let go of its address first.
        let former = locked(&self.endpoint).take();
        if let Some(former) = former {
            project.runtime.block_on(former.close());
        }
        let Some(config) = &project.config.service.endpoint else { return Ok(()) };
        let token = project.secrets.fetch(&config.token).map_err(|why| format!("[service] token: {why}"))?;
        let (pulse, metrics) = (Arc::clone(&self.pulse), Arc::clone(&self.metrics));
        let state = project.state().map_err(|fault| fault.message)?;
        let answers = Answers {
            healthy: Box::new(move || pulse.is_healthy()),
            metrics: Box::new(move || metrics.text(queue_length(&state).ok())),
            token,
        };
        let opened = project.runtime.block_on(Endpoint::open(config.address, answers))?;
        *locked(&self.endpoint) = Some(opened);
        Ok(())
    }
}

fn playbook_of(project: &Project, trigger: &str) -> String {
    let config = &project.config;
    let schedule = config.schedules.get(trigger).map(|schedule| &schedule.playbook);
    schedule.or_else(|| config.watches.get(trigger).map(|watch| &watch.playbook)).cloned().unwrap_or_default()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
