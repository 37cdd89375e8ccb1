//! The real binary on real files and sockets, one test program for all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod apart;
mod asyncos;
mod bad_input;
mod bulk;
mod by_hand;
mod calls;
mod check;
mod crash;
mod dry_run;
mod durability;
mod faults;
mod house;
mod inverse;
mod line;
mod mutants;
mod notify;
mod outside;
mod plan;
mod playbook_tests;
mod policy;
mod prompt;
mod readme;
mod resume;
mod runs;
mod runs_record;
mod scripts;
mod secrets;
mod serve;
mod shell;
mod sign_in;
mod soak;
mod spectra;
mod sps;
mod stdlib;
mod support;
mod terminal;
mod triggers;
mod undo;
mod undo_apart;
mod vendors;
mod waits;
mod watches;
