//! What the door tells those who watch a run.

use std::sync::Arc;
use std::time::Duration;

use crate::catalog::Effect;
use crate::door::mode::Withheld;
use crate::fault::Fault;

/// Something that happened at the door.
#[derive(Clone, Debug)]
pub enum DoorEvent {
    /// A call or request was answered, or failed.
    Called {
        /// The target, or the host of a fetch.
        target: String,
        /// The call's name, or method and path of a raw request.
        operation: String,
        /// What it does to the world.
        effect: Effect,
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// The error, if it failed.
        fault: Option<Box<Fault>>,
        /// How often it was sent.
        attempts: u32,
        /// From the first attempt to the answer.
        elapsed: Duration,
    },
    /// How far a long upload has come.
    Sending {
        /// The target.
        target: String,
        /// The call's name.
        operation: String,
        /// How many bytes have gone.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// A message went to a channel, or did not.
    Notified {
        /// The channel.
        channel: String,
        /// Whether it is held back, to be part of a sum.
        held: bool,
        /// Why it did not arrive.
        fault: Option<Box<Fault>>,
        /// How long that took.
        elapsed: Duration,
    },
    /// A dry run withheld a change.
    Withheld(Arc<Withheld>),
    /// Something that the person should know, such as an insecure connection.
    Notice(String),
}

/// Watches the door.
pub trait Watcher: Send + Sync {
    /// Takes one event; called from the script's threads, so it must not block for long.
    fn on(&self, event: DoorEvent);
}

/// What everybody is told whose target trusts any certificate.
pub fn insecure(target: &str) -> String {
    format!("the connection to '{target}' is not protected: tls = {{ insecure = true }} trusts anyone")
}
