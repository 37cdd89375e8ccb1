//! What every source has, and the order in which they are asked.

use jiff::Timestamp;

use crate::service::desk::Desk;
use crate::service::reload::Reloader;
use crate::service::sources::commands::Commands;
use crate::service::sources::endings::Endings;
use crate::service::sources::housekeeping::Housekeeping;
use crate::service::sources::in_hand::InHand;
use crate::service::sources::orphans::Orphans;
use crate::service::sources::queue::Queue;
use crate::service::sources::reload::Reload;
use crate::service::sources::schedules::Schedules;
use crate::service::sources::watches::Watches;

/// Something that may have work for the service.
pub(in crate::service) trait Source {
    /// Does what there is to do at `now`; gives when to ask again at the latest. It is asked sooner
    /// whenever anything wakes the loop, so it must be cheap when there is nothing to do.
    ///
    /// # Errors
    /// What keeps it from its work; it is told of, and asked again soon.
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String>;
}

/// All of them. Those that queue firings, or make place for them, come before the one that starts them.
pub(in crate::service) fn all(desk: &mut Desk, reloader: Option<Reloader>) -> Vec<Box<dyn Source>> {
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    sources.extend(reloader.map(|reloader| Box::new(Reload::new(desk, reloader)) as Box<dyn Source>));
    sources.extend([
        Box::new(Housekeeping::default()) as Box<dyn Source>,
        Box::new(Endings),
        Box::new(Orphans::default()),
        Box::new(InHand),
        Box::new(Commands::new(desk)),
        Box::new(Schedules),
        Box::new(Watches::new(desk)),
        Box::new(Queue),
    ]);
    sources
}
