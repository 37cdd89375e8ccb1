//! Delays of an appliance, to a fraction of a millisecond: the runtime's own timers are one to two late, by which what
//! is measured against "targets of 50 ms" would be wrong.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Somebody who waits: until when, and how to wake them.
struct Waiting {
    until: Instant,
    wake: oneshot::Sender<()>,
}

/// Waits so long, and not less.
pub(super) async fn pass(delay: Duration) {
    static CLOCK: OnceLock<Option<Sender<Waiting>>> = OnceLock::new();
    let clock = CLOCK.get_or_init(|| {
        let (sender, receiver) = channel();
        let thread = std::thread::Builder::new().name("lab delays".into()).spawn(move || keep_time(&receiver));
        thread.is_ok().then_some(sender)
    });
    let (wake, woken) = oneshot::channel();
    let waiting = Waiting { until: Instant::now() + delay, wake };
    match clock.as_ref().map(|clock| clock.send(waiting)) {
        Some(Ok(())) => drop(woken.await),
        // Without the thread it is the runtime's timer.
        _ => tokio::time::sleep(delay).await,
    }
}

/// Wakes those who wait, each at its instant.
fn keep_time(arrivals: &Receiver<Waiting>) {
    // The number tells those apart who wait for one instant.
    let mut waiting: BTreeMap<(Instant, u64), oneshot::Sender<()>> = BTreeMap::new();
    for number in 0.. {
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= Instant::now()) {
            // Nobody hears it where the connection has gone meanwhile.
            let _heard = first.remove().send(());
        }
        let arrived = match waiting.first_key_value() {
            Some(((until, _), _)) => arrivals.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match arrived {
            Ok(Waiting { until, wake }) => drop(waiting.insert((until, number), wake)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_of_their_instants_and_never_early() {
        let begun = Instant::now();
        let wait = |millis| async move {
            pass(Duration::from_millis(millis)).await;
            (millis, begun.elapsed())
        };
        let mut waits: futures_util::stream::FuturesUnordered<_> = [60, 20, 40, 20].into_iter().map(wait).collect();
        let mut order = Vec::new();
        while let Some((millis, passed)) = futures_util::StreamExt::next(&mut waits).await {
            assert!(passed >= Duration::from_millis(millis), "{millis} ms were {passed:?}");
            order.push(millis);
        }
        assert_eq!(order, [20, 20, 40, 60]);
    }
}
