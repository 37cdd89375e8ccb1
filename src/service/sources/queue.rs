//! Firings that wait for their runs.

use jiff::Timestamp;

use crate::service::desk::Desk;
use crate::service::sources::Source;

/// The queue of firings, and the runs that newer ones want out of their way.
pub(super) struct Queue;

impl Source for Queue {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        for firing in desk.triggers.to_cancel(now).map_err(|error| error.to_string())? {
            if let Some(halt) = desk.running.get(&firing.id) {
                halt.cancel();
            }
        }
        let late = desk.triggers.expire(now).map_err(|error| error.to_string())?;
        desk.missed(late);
        // What waits for another run to end, or for a place, is told as soon as it is too late.
        let expiry = desk.triggers.next_expiry(now).map_err(|error| error.to_string())?;
        // With every place taken there is nothing to start until a run ends, which wakes the loop.
        if desk.free() == 0 {
            return Ok(expiry);
        }
        let mut failed = Ok(());
        for firing in desk.triggers.take_queued(now, desk.free()).map_err(|error| error.to_string())? {
            let id = firing.id.clone();
            if let Err(problem) = desk.start(firing) {
                failed = Err(problem);
                // One that has no run is started by a later look, and the others are not kept waiting for it.
                if !desk.running.contains_key(&id) {
                    desk.triggers.put_back(&id).map_err(|error| error.to_string())?;
                }
            }
        }
        failed?;
        let start = desk.triggers.next_start(now).map_err(|error| error.to_string())?;
        Ok([start.filter(|_| desk.free() > 0), expiry].into_iter().flatten().min())
    }
}
