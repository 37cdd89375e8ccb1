//! Every native function that a script can reach is known.

use std::collections::BTreeSet;

use rhai::Engine;
use rhai::packages::{Package, StandardPackage};

use crate::catalog::Catalog;
use crate::engine::{calls, host};

/// The names of all natives in the engine of a run.
fn natives() -> BTreeSet<String> {
    let mut engine = Engine::new_raw();
    engine.register_global_module(StandardPackage::new().as_shared_module());
    engine.register_global_module(host::module());
    engine.collect_fn_metadata(None, |function| Some(function.metadata.name.to_string()), true).into_iter().collect()
}

#[test]
fn every_native_function_is_known() {
    let known: BTreeSet<String> = include_str!("natives.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_whitespace().next().unwrap_or_default().to_owned())
        .collect();
    let natives = natives();
    let unknown: Vec<&String> = natives.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&natives).collect();
    assert!(unknown.is_empty(), "look whether these allocate, block or reach around the door: {unknown:?}");
    assert!(gone.is_empty(), "these are not there any more: {gone:?}");
}

#[test]
fn calls_are_registered_for_every_row() {
    let catalog = Catalog::builtin();
    let module = calls::module(&catalog, None);
    let functions = module.count().1;
    assert!(functions >= 21, "{functions} methods for the calls");
}
