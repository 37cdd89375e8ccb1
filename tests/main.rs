//! The real binary on real files and sockets, one test program for all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod asyncos;
mod bad_input;
mod bulk;
mod calls;
mod crash;
mod durability;
mod faults;
mod house;
mod line;
mod policy;
mod prompt;
mod readme;
mod resume;
mod scripts;
mod secrets;
mod serve;
mod sign_in;
mod spectra;
mod sps;
mod support;
mod vendors;
