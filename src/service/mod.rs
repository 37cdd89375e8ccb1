//! The service: the loop that turns firings into runs.

mod housekeeping;
mod orders;
mod serve;

pub use orders::{definitions, order};
pub use serve::{Service, ServiceEvent};
