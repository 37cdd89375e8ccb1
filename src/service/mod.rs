//! The service: the loop that turns firings into runs.

mod check;
mod housekeeping;
mod orders;
mod serve;
mod waiting;

pub use check::check;
pub use orders::{definitions, order};
pub use serve::{Service, ServiceEvent};
