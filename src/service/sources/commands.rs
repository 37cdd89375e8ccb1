//! What other processes do to the triggers: fire, pause, resume.

use jiff::{SignedDuration, Timestamp};

use crate::service::bell::Bell;
use crate::service::desk::Desk;
use crate::service::sources::Source;

/// How often they are looked for without a bell.
const DEAF: SignedDuration = SignedDuration::from_mins(1);

/// The bell that commands ring. What they have done stands in the database, where the sources after this
/// one find it.
pub(super) struct Commands {
    bell: Option<Bell>,
}

impl Commands {
    /// Without a bell they are looked for every minute.
    pub(super) fn new(desk: &Desk) -> Self {
        let bell = Bell::listen(&desk.project.config.state_dir, desk.waker());
        Self { bell: bell.map_err(|problem| desk.complain([problem])).ok() }
    }
}

impl Source for Commands {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        // Where nobody hears it, it may have been rung.
        if self.bell.as_ref().is_none_or(Bell::take) {
            // The pause of a watch may have ended: what waits in its folders is ready now.
            desk.triggers.watches.hint();
        }
        Ok(if self.bell.is_some() { None } else { now.saturating_add(DEAF).ok() })
    }
}
