//! The command line: the only part that prints.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that prints")]

mod args;
mod ask;
pub mod calls;
mod exit;
mod failure;
mod init;
mod lab;
mod logging;
mod plan;
mod playbooks;
mod program;
mod run;
mod screen;
mod signals;
mod table;
mod targets;

pub use exit::Exit;
pub use program::run;
