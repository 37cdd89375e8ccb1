//! The one door: everything a script does to the world passes here.
//!
//! ```text
//! script -> journal -> policy -> mode -> journal -> resilience -> transport
//! ```
//!
//! Each layer is a module that knows nothing of the others; [`Passage`] is the door as scripts
//! see it. Nothing outside this folder can send a request.

mod action;
mod appliance;
mod branch;
mod channels;
mod commit;
#[expect(clippy::module_inception, reason = "the one door stands in the file of its name")]
mod door;
mod drift;
mod event;
mod files;
mod halt;
mod heartbeat;
mod host;
mod mode;
mod notify;
mod pinned;
pub mod policy;
mod position;
mod recorder;
mod resilience;
mod settle;
mod sleepers;
mod stored;
mod targets;
mod transaction;
mod transport;

pub use action::{Action, Composite, HttpAnswer, Passage, RawRequest, Reply, Waits, keys};
pub use branch::{Branch, Standing};
pub use channels::{About, Channels, ChannelsParts, Message, MessageKind, OpenState, Sent, one_line};
pub use door::{Children, Door, DoorParts};
pub use event::{DoorEvent, Watcher, insecure};
pub use files::FileRules;
pub use halt::Halt;
pub use heartbeat::{Beat, Heartbeats};
pub use host::{Authorship, Host, NamedStore};
pub use mode::{Approved, Before, DryRun, Mode, Object, Remainder, Seen, Withheld, is_assumed};
pub use notify::Notices;
pub use pinned::{Pinned, Pins};
pub use position::{Place, Position, Step};
pub use recorder::{
    Intent, Key, KnownEntry, OpenCommit, OpenEntry, Passed, Recall, Recorded, Recorder, Staged, path_text,
};
pub use resilience::{Fleet, FleetParts, Hosts};
pub use settle::Shown;
pub use sleepers::Sleepers;
pub use transport::{Certificate, probe};
