//! Every call of the catalog as a method of targets.
//!
//! Vendors may be a user's own and come at run time, so there is one type of target and one
//! method for each name and number of arguments; the row is looked up by the target's vendor.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rhai::{Dynamic, FuncRegistration, Module, NativeCallContext, RhaiFunc};

use crate::catalog::{Catalog, Kind, Row};
use crate::engine::host;
use crate::engine::types::Target;

/// The module of all calls, or of those with these names.
pub fn module(catalog: &Catalog, names: Option<&HashSet<String>>) -> Module {
    let mut module = Module::new();
    module.set_id("calls");
    let wanted = |name: &str| names.is_none_or(|names| names.contains(name));
    // Several vendors may have a call of one name.
    let mut seen = HashSet::new();
    for row in catalog.rows().filter(|row| row.kind != Kind::Session) {
        let paths = row.path_params().count();
        // The map may be left out where nothing in it is required; binding says so better than
        // a missing function would.
        if wanted(row.name) {
            for arguments in [paths, paths + 1] {
                if seen.insert((row.name, arguments)) {
                    register(&mut module, row.name, arguments);
                }
            }
        }
        if !row.update.is_empty() && wanted(row.update) && seen.insert((row.update, paths + 1)) {
            register(&mut module, row.update, paths + 1);
        }
        if row.paging.is_some() {
            let pages = pages_of(row);
            if wanted(pages) {
                for arguments in [paths, paths + 1] {
                    register(&mut module, pages, arguments);
                }
            }
        }
    }
    module.build_index();
    module
}

/// The name under which all pages of a call are read, made once.
fn pages_of(row: &'static Row) -> &'static str {
    static NAMES: LazyLock<Mutex<BTreeMap<&'static str, &'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.entry(row.name).or_insert_with(|| Box::leak(format!("{}_pages", row.name).into_boxed_str()))
}

fn register(module: &mut Module, name: &'static str, arguments: usize) {
    let mut types = vec![TypeId::of::<Target>()];
    types.resize(arguments + 1, TypeId::of::<Dynamic>());
    let call = move |context: Option<NativeCallContext<'_>>, given: &mut [&mut Dynamic]| {
        let context = context.ok_or("a call needs its context")?;
        let Some((first, rest)) = given.split_first_mut() else { return Err("a call needs its target".into()) };
        let target = first.read_lock::<Target>().map(|target| target.clone()).ok_or("a call needs its target")?;
        host::method(&context, &target, name, rest)
    };
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(
        module,
        types,
        RhaiFunc::Method { func: Arc::new(call), has_context: true, is_pure: true, is_volatile: true },
    );
}
