//! Instants that fall due.

use jiff::Timestamp;

use crate::service::desk::Desk;
use crate::service::sources::Source;

/// The schedules of the project.
pub(super) struct Schedules;

impl Source for Schedules {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let looked = desk.triggers.schedules.look(now).map_err(|error| error.to_string())?;
        desk.missed(looked.missed);
        desk.complain(looked.problems);
        Ok(desk.triggers.schedules.next())
    }
}
