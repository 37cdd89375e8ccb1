//! The journal: the record of everything that went through the door in a run.
//!
//! For now entries live in memory for as long as their run; the door knows only the
//! [`crate::door::Recorder`] that this folder implements, so that a durable journal takes the
//! same place.

mod memory;

pub use memory::{Entry, MemoryRecorder};
