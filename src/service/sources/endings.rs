//! Runs that have ended.

use jiff::Timestamp;

use crate::service::desk::Desk;
use crate::service::sources::Source;

/// The runs of the service that have ended since the last look.
pub(super) struct Endings;

impl Source for Endings {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        desk.settle(now).map(|()| None)
    }
}
