//! Scripts that are interpreted apart: in a process of their own, without network, files or secrets.
//!
//! [`Launcher`] starts such a process for the service and serves it over a pipe; [`interpret()`] is what
//! happens in there. The process asks by frames; door, journal, sign-in, secrets, rates and locks
//! stay where they are.

mod action;
mod afterwards;
mod answer;
mod brief;
mod desk;
mod frame;
mod inside;
mod interpret;
mod launcher;
mod message;
mod process;
mod questions;
mod supervisor;
mod vault;

#[cfg(test)]
mod tests;

pub use interpret::interpret;
pub use launcher::Launcher;
