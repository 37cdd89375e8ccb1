//! Configuration: `beadle.toml` as checked types, and the places secrets come from.
//!
//! Only this folder reads the environment.

mod caller;
mod file;
mod find;
mod load;
mod project;
pub mod secrets;
mod target;
mod targets;
mod triggers;

#[cfg(test)]
mod tests;

pub use caller::Caller;
pub use find::{Environment, find};
pub use load::line_of;
pub use project::{Config, ConfigError, FileLimits, Limits, NeverConfig, PolicyConfig};
pub use secrets::Secrets;
pub use target::{Auth, Rate, SecretSource, Target, Tls};
pub use triggers::{After, Collect, FileOrder, Missed, Overlap, Ready, ScheduleConfig, WatchConfig};
