//! What a run did, as one document: read from the journal, masked, shown, and carried to another machine.

mod after;
mod document;
mod hide;
mod learn;
mod read;

pub use document::{Answer, Detail, Document, EntryHistory, ErrorHistory, FORMAT, RunHistory, Text};
pub use learn::learn_secrets;
pub use read::Reader;
