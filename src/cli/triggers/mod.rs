//! `beadle triggers`: schedules and watches, and what became of their firings.

mod change;
mod command;
mod document;
mod explain;
mod fire;
mod list;
mod times;

pub use command::TriggersCommand;
pub use fire::FILE;
