//! The command line program: parses, runs, and ends with the code.

fn main() {}
