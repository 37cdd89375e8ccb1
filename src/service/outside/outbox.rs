//! What waits to be sent: for each place a queue of its own, so that one that hangs keeps nobody else
//! waiting, and what goes to one place arrives in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

/// How many wait for one place; more are thrown away, and told.
const WAITING: usize = 256;

/// Something to be sent; its error is told as a problem, and says where it was to go.
pub(super) type Job = BoxFuture<'static, Result<(), String>>;

/// Queues by the names of their places.
pub(super) struct Outbox {
    runtime: Handle,
    complain: Arc<dyn Fn(String) + Send + Sync>,
    queues: Mutex<HashMap<String, Queue>>,
}

/// What waits for one place, and the task that sends it.
struct Queue {
    jobs: Sender<Job>,
    task: JoinHandle<()>,
}

impl Outbox {
    pub(super) fn new(runtime: Handle, complain: Arc<dyn Fn(String) + Send + Sync>) -> Self {
        Self { runtime, complain, queues: Mutex::default() }
    }

    /// Has something sent to a place after all that was sent there before. It never blocks.
    pub(super) fn send(&self, place: &str, job: Job) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(place.to_owned()).or_insert_with(|| self.open());
        if queue.jobs.try_send(job).is_err() {
            (self.complain)(format!("{place}: more than {WAITING} wait to be sent, and one was thrown away"));
        }
    }

    fn open(&self) -> Queue {
        let (sender, mut jobs) = channel::<Job>(WAITING);
        let complain = Arc::clone(&self.complain);
        let task = self.runtime.spawn(async move {
            while let Some(job) = jobs.recv().await {
                if let Err(why) = job.await {
                    complain(why);
                }
            }
        });
        Queue { jobs: sender, task }
    }

    /// Waits until all has been sent, for a while.
    pub(super) async fn end(&self, patience: Duration) {
        let queues = std::mem::take(&mut *self.queues.lock().unwrap_or_else(PoisonError::into_inner));
        // A queue without a sender ends when it is empty.
        let tasks = queues.into_values().map(|queue| queue.task);
        let _in_time = tokio::time::timeout(patience, futures_util::future::join_all(tasks)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_place_that_hangs_keeps_no_other_waiting_and_is_bounded() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&told);
        let outbox = Outbox::new(Handle::current(), Arc::new(move |problem| to.lock().unwrap().push(problem)));
        for _ in 0..300 {
            outbox.send("hangs", Box::pin(std::future::pending()));
        }
        outbox.send("fails", Box::pin(async { Err("no".to_owned()) }));
        outbox.end(Duration::from_secs(5)).await;
        let told = told.lock().unwrap();
        assert!(told.iter().any(|problem| problem == "no"), "{told:?}");
        assert_eq!(told.iter().filter(|problem| problem.contains("thrown away")).count(), 300 - WAITING);
    }
}
