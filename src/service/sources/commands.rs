//! What other processes do to the triggers: fire, pause, resume; and to runs that wait: cancel.

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
    /// When they are looked for next without a bell.
    looks: Timestamp,
}

impl Commands {
    /// Without a bell they are looked for every minute.
    pub(super) fn new(desk: &Desk) -> Self {
        let bell = Bell::listen(&desk.project.config.state_dir, desk.waker());
        let bell = bell.map_err(|problem| desk.complain([problem])).ok();
        if bell.is_some() {
            desk.project.interpreter.is_told_from_now_on();
        }
        Self { bell, looks: Timestamp::MIN }
    }
}

impl Source for Commands {
    fn look(&mut self, desk: &mut Desk, now: Timestamp) -> Result<Option<Timestamp>, String> {
        let rung = self.bell.as_ref().map(Bell::take);
        // Where nobody hears it, it may have been rung; a clock that was set back must not let it wait for longer.
        let left = self.looks.duration_since(now);
        let looks = rung.is_none() && (left <= SignedDuration::ZERO || left > DEAF);
        if looks {
            self.looks = now.saturating_add(DEAF).unwrap_or(Timestamp::MAX);
        }
        if looks || rung == Some(true) {
            // The pause of a watch may have ended: what waits in its folders is ready now.
            desk.triggers.watches.hint();
            // Somebody may want a run cancelled that waits.
            desk.project.interpreter.look_again();
        }
        Ok(rung.is_none().then_some(self.looks))
    }
}
