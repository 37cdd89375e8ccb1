//! The long work of Spectra Detect: what it found when it began, and waiting for its end by the
//! states that the documents name.

mod backup;
mod begin;
mod begun;
mod configuration;
mod upgrade;
mod wait;

pub(super) use begin::{begins, ended, is_long};
pub use begun::Begun;
pub(super) use wait::register;
