//! The command line: the only part that prints.

/// In this part of the program these are as the standard ones, which panic where the other side has gone away.
macro_rules! print {
    ($($text:tt)*) => { $crate::cli::output::out(format_args!($($text)*)) };
}
macro_rules! println {
    () => { $crate::cli::output::out(format_args!("\n")) };
    ($($text:tt)*) => { $crate::cli::output::out(format_args!("{}\n", format_args!($($text)*))) };
}
macro_rules! eprint {
    ($($text:tt)*) => { $crate::cli::output::beside(format_args!($($text)*)) };
}
macro_rules! eprintln {
    ($($text:tt)*) => { $crate::cli::output::beside(format_args!("{}\n", format_args!($($text)*))) };
}

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
mod output;
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
