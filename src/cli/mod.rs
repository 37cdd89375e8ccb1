//! The command line: the only part that prints.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that prints")]

mod args;
mod ask;
pub mod calls;
mod check;
mod demo;
mod demo_all;
mod difference;
mod exit;
mod failure;
mod init;
mod lab;
mod labs;
mod logging;
mod plan;
mod playbooks;
mod program;
mod repl;
mod run;
mod screen;
mod serve;
mod signals;
mod table;
mod targets;
mod triggers;
mod vendors;

pub use exit::Exit;
pub use program::run;
