//! The functions that scripts have beside the calls, a file for each group.

mod data;
mod files;
mod flow;
mod lists;
mod networks;
mod outside;
mod pages;
mod people;
mod targets;
mod time;
mod transactions;
mod update;
mod upload;
mod waits;

use std::sync::{Arc, LazyLock};

use rhai::RhaiNativeFunc;
use rhai::{FuncRegistration, Module, Variant};

pub use targets::{from_value as target_from_value, method};
pub use waits::Begun;

/// Registers one function: its name, its parameters with their types, and its text.
///
/// Everything is registered as volatile: nothing of it may be run while a script is compiled.
pub fn add<A: 'static, const N: usize, const X: bool, R, const F: bool, FUNC>(
    module: &mut Module,
    name: &str,
    params: &[&str],
    doc: &str,
    function: FUNC,
) where
    R: Variant + Clone,
    FUNC: RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
{
    FuncRegistration::new(name)
        .in_global_namespace()
        .with_volatility(true)
        .with_params_info(params)
        .with_comments([doc])
        .set_into_module(module, function);
}

/// The description of a map of options, which says their names: `options: #{ attempts, backoff }`.
pub fn options(names: &[&str]) -> String {
    format!("options: #{{ {} }}", names.join(", "))
}

/// All host functions with their texts: a process makes them once.
pub fn module() -> Arc<Module> {
    static MODULE: LazyLock<Arc<Module>> = LazyLock::new(|| registered().into());
    Arc::clone(&MODULE)
}

fn registered() -> Module {
    let mut module = Module::new();
    module.set_id("beadle");
    super::guards::register(&mut module);
    targets::register(&mut module);
    flow::register(&mut module);
    time::register(&mut module);
    data::register(&mut module);
    files::register(&mut module);
    networks::register(&mut module);
    lists::register(&mut module);
    people::register(&mut module);
    outside::register(&mut module);
    transactions::register(&mut module);
    pages::register(&mut module);
    waits::register(&mut module);
    module.build_index();
    module
}
