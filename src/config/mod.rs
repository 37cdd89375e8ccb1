//! Configuration: `beadle.toml` as checked types, and the places secrets come from.
//!
//! Only this folder reads the environment.

mod caller;
pub mod channels;
mod difference;
mod failures;
mod file;
mod find;
mod load;
mod message;
mod project;
pub mod secrets;
mod service;
mod target;
mod targets;
mod triggers;

#[cfg(test)]
mod tests;

pub use caller::Caller;
pub use channels::{Channel, ChannelKind, Email, Security, Webhook};
pub use difference::difference;
pub use failures::Failures;
pub use find::{Environment, find};
pub use load::line_of;
pub use message::{MEMBERS, MessageTemplate};
pub use project::{Config, ConfigError, FileLimits, Limits, NeverConfig, PolicyConfig};
pub use secrets::Secrets;
pub use service::{EndpointConfig, ServiceConfig, Tells};
pub use target::{Auth, Rate, SecretSource, Target, Tls};
pub use triggers::{After, Collect, FileOrder, Missed, Overlap, Ready, ScheduleConfig, WatchConfig};
