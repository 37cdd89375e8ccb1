//! What other processes do to the triggers: fire, pause, resume.

use jiff::Timestamp;

use crate::service::bell::Bell;
use crate::service::desk::Desk;
use crate::service::sources::Source;

/// The bell that commands ring. What they have done stands in the database, where the sources after this
/// one find it.
pub(super) struct Commands {
    bell: Option<Bell>,
}

impl Commands {
    /// Without a bell they are noticed whenever something else wakes the loop.
    pub(super) fn new(desk: &Desk) -> Self {
        let mut bell = Bell::hang(&desk.project.config.state_dir);
        let listens = bell.as_mut().map_err(|problem| problem.clone()).and_then(|bell| bell.listen(desk.waker()));
        desk.complain(listens.err());
        Self { bell: bell.ok() }
    }
}

impl Source for Commands {
    fn look(&mut self, desk: &mut Desk, _now: Timestamp) -> Result<Option<Timestamp>, String> {
        if self.bell.as_ref().is_some_and(Bell::take) {
            // The pause of a watch may have ended: what waits in its folders is ready now.
            desk.triggers.watches.hint();
        }
        Ok(None)
    }
}
