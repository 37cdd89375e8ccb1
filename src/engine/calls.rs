//! Every call of the catalog as a method of targets.
//!
//! Vendors may be a user's own and come at run time, so there is one type of target and one
//! method for each name and number of arguments; the row is looked up by the target's vendor.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rhai::{Dynamic, FuncRegistration, Module, NativeCallContext, RhaiFunc};

use crate::catalog::{Catalog, Kind, Listed};
use crate::engine::host;
use crate::engine::types::Target;

/// The module of all calls, or of those with these names.
pub fn module(catalog: &Catalog, names: Option<&HashSet<String>>) -> Module {
    let mut module = Module::new();
    module.set_id("calls");
    // Several vendors may have a call of one name.
    let mut seen = HashSet::new();
    let mut add = |name: &'static str, arguments: usize| {
        if seen.insert((name, arguments)) {
            register(&mut module, name, arguments);
        }
    };
    for vendor in catalog.vendors() {
        match names {
            None => vendor.rows.listed().for_each(|call| {
                as_call(&call, &mut add);
                as_update(&call, &mut add);
                as_pages(&call, &mut add);
            }),
            Some(names) => {
                for name in names {
                    vendor.rows.named(name).inspect(|call| as_call(call, &mut add));
                    let paged = name.strip_suffix(PAGES).and_then(|name| vendor.rows.named(name));
                    paged.inspect(|call| as_pages(call, &mut add));
                }
                let updates =
                    vendor.rows.listed().filter(|call| !call.update().is_empty() && names.contains(call.update()));
                updates.for_each(|call| as_update(&call, &mut add));
            }
        }
    }
    module.build_index();
    module
}

fn as_call(call: &Listed, add: &mut impl FnMut(&'static str, usize)) {
    if call.kind() != Kind::Session {
        add(call.name(), call.paths());
        // The map may be left out where nothing in it is required; binding says so better than
        // a missing function would.
        add(call.name(), call.paths() + 1);
    }
}

fn as_update(call: &Listed, add: &mut impl FnMut(&'static str, usize)) {
    if call.kind() != Kind::Session && !call.update().is_empty() {
        add(call.update(), call.paths() + 1);
    }
}

fn as_pages(call: &Listed, add: &mut impl FnMut(&'static str, usize)) {
    if call.kind() != Kind::Session && call.is_paged() {
        let name = pages_of(call.name());
        add(name, call.paths());
        add(name, call.paths() + 1);
    }
}

/// What the name of the function ends with that reads all pages of a call.
const PAGES: &str = "_pages";

/// The name under which all pages of a call are read, made once.
fn pages_of(call: &'static str) -> &'static str {
    static NAMES: LazyLock<Mutex<BTreeMap<&'static str, &'static str>>> = LazyLock::new(Mutex::default);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.entry(call).or_insert_with(|| Box::leak(format!("{call}{PAGES}").into_boxed_str()))
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
