//! The journal: the record of everything that went through the door in a run.
//!
//! [`Log`] is the way to the disk and back, [`JournalRecorder`] what the door sees of it. What a
//! record means for a resume, a replay or an undo is the business of `run`.

mod chain;
mod codec;
mod commit;
mod cut;
mod entries;
mod hash;
mod keys;
mod log;
mod owner;
mod pack;
mod packed;
mod places;
mod prune;
mod ready;
mod record;
mod recorder;
mod resume;
mod runs;
mod seal;
mod tally;
mod verify;
mod write;

pub use codec::{
    CallRead, CodedArgs, SecretOf, action_bytes, code, code_map, decode, decode_args, decode_map, fault_json,
    read_call, read_entries, read_fault, spelled_out,
};
pub use entries::{EntryRow, Part};
pub use hash::{hex, sha256};
pub use log::{Log, Opener};
pub use owner::{Owner, ask_to_cancel, holder, is_owned};
pub use prune::Pruned;
pub use ready::Ready;
pub use record::{BeginRecord, EndRecord, Record};
pub use recorder::{JournalRecorder, Past, SecretSupply};
pub use runs::RunRow;
pub use tally::Tally;
pub use verify::Broken;
