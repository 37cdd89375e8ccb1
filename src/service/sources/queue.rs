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
        for firing in desk.triggers.take_queued(now, desk.free()).map_err(|error| error.to_string())? {
            desk.start(firing)?;
        }
        // With every place taken there is nothing to start until a run ends, which wakes the loop.
        let next = desk.triggers.next_start(now).map_err(|error| error.to_string())?;
        Ok(next.filter(|_| desk.free() > 0))
    }
}
