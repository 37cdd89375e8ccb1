//! The service: the loop that turns firings into runs.

mod check;
mod desk;
mod event;
mod orders;
mod serve;
mod sources;

pub use check::check;
pub use event::{ServiceEvent, Tell};
pub use orders::{definitions, order};
pub use serve::Service;
