//! The service's own heartbeat.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::config::SecretSource;
use crate::door::{Beat, Heartbeats};
use crate::run::Project;
use crate::service::outside::supervisor::Pulse;

/// Beats at times as long as the loop of the service goes round.
#[derive(Default)]
pub(super) struct Beats(Mutex<Option<JoinHandle<()>>>);

impl Beats {
    /// Begins, or begins anew with another configuration.
    pub(super) fn begin(
        &self,
        project: &Project,
        heartbeats: &Arc<Heartbeats>,
        pulse: &Arc<Pulse>,
        complain: &Arc<dyn Fn(String) + Send + Sync>,
    ) {
        let config = &project.config.service;
        let task = config.heartbeat.clone().map(|source| {
            let beating =
                beat(source, config.heartbeat_every, Arc::clone(heartbeats), Arc::clone(pulse), Arc::clone(complain));
            project.runtime.spawn(beating)
        });
        self.replace(task);
    }

    /// Ends it.
    pub(super) fn end(&self) {
        self.replace(None);
    }

    fn replace(&self, task: Option<JoinHandle<()>>) {
        let former = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), task);
        former.into_iter().for_each(|task| task.abort());
    }
}

async fn beat(
    source: SecretSource,
    every: Duration,
    heartbeats: Arc<Heartbeats>,
    pulse: Arc<Pulse>,
    complain: Arc<dyn Fn(String) + Send + Sync>,
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A loop that is stuck must not look alive.
        if !pulse.is_healthy() {
            continue;
        }
        if let Err(why) = heartbeats.beat(&source, Beat::Success, "beadle serves").await {
            complain(format!("heartbeat of the service: {why}"));
        }
    }
}
