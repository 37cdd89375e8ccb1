//! The command line: the only part that prints.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that prints")]

mod apply;
mod args;
mod ask;
pub mod calls;
mod check;
mod complete;
mod demo;
mod demo_all;
mod difference;
mod documents;
mod exit;
mod failure;
mod init;
mod interpret;
mod lab;
mod lines;
mod logging;
mod offer;
mod plan;
mod playbooks;
mod program;
mod repl;
mod run;
mod runs;
mod screen;
mod serve;
mod service_log;
mod signals;
mod speaker;
mod table;
mod targets;
mod test;
mod triggers;
mod vendors;
mod withheld;

pub use exit::Exit;
pub use program::run;
