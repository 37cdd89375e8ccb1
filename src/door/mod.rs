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
mod commit;
#[expect(clippy::module_inception, reason = "the one door stands in the file of its name")]
mod door;
mod event;
mod files;
mod halt;
mod host;
mod mode;
pub mod policy;
mod recorder;
mod resilience;
mod settle;
mod transaction;
mod transport;

pub use action::{Action, Branch, Composite, HttpAnswer, Passage, RawRequest, Reply};
pub use door::{Children, Door, DoorParts};
pub use event::{DoorEvent, Watcher, Withheld};
pub use files::FileRules;
pub use halt::Halt;
pub use host::{Host, NamedStore};
pub use mode::is_assumed;
pub use mode::{DryRun, Mode, Verdict};
pub use recorder::{Intent, Key, KnownEntry, OpenCommit, OpenEntry, Recall, Recorded, Recorder, Staged, path_text};
pub use resilience::{Fleet, FleetParts, Hosts};
pub use transport::{Certificate, probe};
