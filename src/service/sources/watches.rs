//! Files that are dropped into watched folders.

use jiff::Timestamp;

use crate::service::desk::Desk;
use crate::service::sources::Source;
use crate::trigger::watch::Hints;

/// The watches of the project, and what hints at changes in their folders.
pub(super) struct Watches {
    hints: Option<Hints>,
}

impl Watches {
    /// Without a watcher of the system, folders are scanned at times.
    pub(super) fn new(desk: &Desk) -> Self {
        let hints = Hints::new(desk.waker()).map_err(|problem| desk.complain([problem])).ok();
        Self { hints }
    }
}

impl Source for Watches {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        if let Some(hints) = &mut self.hints {
            if let Err(problems) = hints.watch(&desk.triggers.watches.folders()) {
                desk.complain(problems);
            }
            if hints.take() {
                desk.triggers.watches.hint();
            }
        }
        let looked = desk.triggers.watches.look(now).map_err(|error| error.to_string())?;
        desk.missed(looked.missed);
        desk.complain(looked.problems);
        Ok(desk.triggers.watches.next())
    }
}
