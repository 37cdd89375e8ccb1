//! `beadle runs`: what ran, what became of it, and going on with it.

mod carry_on;
mod command;

pub use command::RunsCommand;
