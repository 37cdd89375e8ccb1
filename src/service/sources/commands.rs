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
        let bell = Bell::listen(&desk.project.config.state_dir, desk.waker());
        Self { bell: bell.map_err(|problem| desk.complain([problem])).ok() }
    }
}

impl Source for Commands {
    fn look(&mut self, desk: &mut Desk, _now: Timestamp) -> Result<Option<Timestamp>, String> {
        // Where nobody hears it, it may have been rung.
        if self.bell.as_ref().is_none_or(Bell::take) {
            // The pause of a watch may have ended: what waits in its folders is ready now.
            desk.triggers.watches.hint();
        }
        Ok(None)
    }
}
