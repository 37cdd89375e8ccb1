//! `notify(channel, message)`: a script tells people something.
//!
//! It is sent at least once: a run that was killed before its entry was written sends it again. That
//! it did not arrive is recorded and told, and never an error of the script.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use crate::door::Reply;
use crate::door::channels::{About, Channels, Message, Sent};
use crate::door::door::{Door, Passing};
use crate::door::event::DoorEvent;
use crate::fault::{Failure, Fault};
use crate::value::Value;

/// How a run's messages leave.
#[derive(Clone)]
pub struct Notices {
    /// The channels.
    pub channels: Arc<Channels>,
    /// The run.
    pub about: About,
}

impl Door {
    /// Sends a message, unless the run is dry. The answer says what became of it, for the journal.
    pub(super) fn notify(&self, passing: Passing<'_>, channel: &str, message: &str) -> Result<Reply, Failure> {
        let Notices { channels, about } = &self.parts.notices;
        channels.check(channel).map_err(|fault| fault.during("notify"))?;
        if let Some(reply) = self.instead(passing.branch, passing.action)? {
            return Ok(reply);
        }
        // A resume must not say something else than what was sent already.
        self.parts.recorder.settle()?;
        let host = &self.parts.host;
        let begun = Instant::now();
        let message = Message::of_script(message, about);
        let sent = host.runtime.block_on(host.halt.or(channels.send(channel, &message)))?;
        crate::failpoint::reach("notified");
        let fault = sent.as_ref().err().map(|fault| Box::new(fault.clone()));
        self.parts.watcher.on(DoorEvent::Notified {
            channel: channel.to_owned(),
            held: sent.as_ref().is_ok_and(|sent| *sent == Sent::Held),
            fault,
            elapsed: begun.elapsed(),
        });
        Ok(Reply::Value(Value::from(match sent {
            Ok(Sent::Delivered) => json!({ "sent": true }),
            Ok(Sent::Held) => json!({ "sent": false, "held": true }),
            Err(Fault { message, .. }) => json!({ "sent": false, "error": message }),
        })))
    }
}
