//! The service: the loop that turns firings into runs.

mod check;
mod desk;
mod event;
mod lock;
mod orders;
mod reload;
mod serve;
mod sources;

pub use check::check;
pub use event::{ServiceEvent, Tell};
pub use lock::is_serving;
pub use orders::{definitions, order};
pub use reload::Reloader;
pub use serve::Service;
