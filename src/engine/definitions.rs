//! Everything that scripts can call, as Rhai's definition files, for editors that read them.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

use rhai::packages::{Package, StandardPackage};
use rhai::{Dynamic, Engine, FuncRegistration, Map, Module, NativeCallContext, RhaiFunc, Scope};

use crate::catalog::{Body, Catalog, Kind, Row, explain, reference};
use crate::engine::types::Target;
use crate::engine::{host, testing};

/// A method as editors see it: several vendors may have a call of one name.
#[derive(Default)]
struct Described {
    params: Vec<String>,
    comments: Vec<String>,
}

/// The files: name and text of each.
pub fn files(catalog: &Catalog) -> Vec<(String, String)> {
    let mut engine = Engine::new_raw();
    engine.register_global_module(StandardPackage::new().as_shared_module());
    engine.register_global_module(host::module());
    engine.register_global_module(Arc::new(calls(catalog)));
    let mut scope = Scope::new();
    for name in ["params", "event", "run"] {
        scope.push_constant(name, Map::new());
    }
    let mut files: Vec<(String, String)> = engine.definitions_with_scope(&scope).iter_files().collect();
    // What only tests of playbooks can say stands in a file of its own.
    let mut tests = Engine::new_raw();
    tests.register_global_module(Arc::new(testing::described()));
    let text = tests.definitions().include_standard_packages(false).single_file();
    files.push(("beadle_test.d.rhai".to_owned(), text));
    files
}

fn calls(catalog: &Catalog) -> Module {
    let mut methods: BTreeMap<(String, usize), Described> = BTreeMap::new();
    for row in catalog.rows().filter(|row| row.kind != Kind::Session) {
        let paths = row.path_params().count();
        let has_map = row.map_params().next().is_some() || row.body == Body::Free;
        let needs_map = row.map_params().any(|param| param.required);
        if !needs_map {
            describe(methods.entry((row.name.to_owned(), paths)).or_default(), row, false);
        }
        if has_map {
            describe(methods.entry((row.name.to_owned(), paths + 1)).or_default(), row, true);
        }
        if !row.update.is_empty() {
            let method = methods.entry((row.update.to_owned(), paths + 1)).or_default();
            describe(method, row, false);
            if method.params.len() == paths + 2 {
                method.params.insert(paths + 1, "change: Fn".into());
            }
        }
        if row.paging.is_some() {
            let pages = format!("{}_pages", row.name);
            describe(methods.entry((pages, paths + 1)).or_default(), row, true);
        }
    }
    let mut module = Module::new();
    module.set_custom_type::<Target>("Target");
    for ((name, arguments), described) in methods {
        let mut types = vec![TypeId::of::<Target>()];
        types.resize(arguments + 1, TypeId::of::<Dynamic>());
        let never_called = |_: Option<NativeCallContext<'_>>, _: &mut [&mut Dynamic]| Ok(Dynamic::UNIT);
        FuncRegistration::new(name.as_str())
            .in_global_namespace()
            .with_params_info(&described.params)
            .with_comments(&described.comments)
            .set_into_module_raw(
                &mut module,
                types,
                RhaiFunc::Method { func: Arc::new(never_called), has_context: true, is_pure: true, is_volatile: true },
            );
    }
    module.build_index();
    module
}

fn describe(method: &mut Described, row: &Row, with_map: bool) {
    if method.params.is_empty() {
        method.params.push("target: Target".into());
        let paths = row.path_params().map(|param| format!("{}: {}", param.name, reference::type_name(param.ty)));
        method.params.extend(paths);
        if with_map {
            method.params.push("options: map".into());
        }
        method.params.push("any".into());
    }
    method.comments.push(format!("/// {}: {}", row.vendor, explain::brief(row)));
    for param in row.map_params().filter(|_| with_map) {
        let line = explain::param_line(param).split_whitespace().collect::<Vec<_>>().join(" ");
        method.comments.push(format!("/// - `{}` {line}", param.name));
    }
}
