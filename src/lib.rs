//! Beadle: one binary that makes security appliances scriptable.
//!
//! From the human down to the facts, and imports point that way only:
//!
//! - [`cli`]: the command line, the only part that prints
//! - [`repl`], [`service`], [`tester`]: the prompt, the loop that turns firings into runs, tests of playbooks
//! - [`trigger`], [`run`]: schedules and watches, and one execution of one script
//! - [`journal`], [`engine`], [`lab`]: the record, Rhai, the simulated appliances
//! - [`door`]: the one way to the world, in layers
//! - [`vendors`]: what is particular to a vendor
//! - [`catalog`], [`config`]: the calls as data, and `beadle.toml`
//! - the rest: small common types
//!
//! `docs/architecture.md` tells how they work together, and which test holds which promise.

pub mod alarm;
pub mod allocator;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod confine;
pub mod door;
pub mod duration;
pub mod engine;
pub mod failpoint;
pub mod fault;
pub mod id;
pub mod identity;
pub mod journal;
pub mod json_object;
pub mod lab;
pub mod listing;
pub mod nearest;
pub mod network;
pub mod processors;
pub mod repl;
pub mod run;
pub mod secret;
pub mod service;
pub mod state;
pub mod store;
pub mod tester;
pub mod toml_words;
pub mod trigger;
pub mod value;
pub mod vendors;
pub mod wrap;
pub mod written;
