//! Builds the static tables of the catalog.

fn main() {}
