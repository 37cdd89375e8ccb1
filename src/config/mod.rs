//! Configuration: `beadle.toml` as checked types, and the places secrets come from.
//!
//! Only this folder reads the environment.

mod target;

pub use target::{Auth, Rate, SecretSource, Target, Tls};
