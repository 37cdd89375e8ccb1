//! What the service looks at, one after the other, in one loop: each source is a file.

mod commands;
mod endings;
mod housekeeping;
mod in_hand;
mod orphans;
mod queue;
mod reload;
mod schedules;
mod source;
mod watches;

pub(super) use source::{Source, all};
