//! The index of everything callable: one for diagnostics, completion and help.

use std::collections::BTreeSet;
use std::sync::Arc;

use rhai::FuncInfo;
use rhai::packages::{Package, StandardPackage};
use rhai::{Engine, FuncMetadata, Module};

use crate::catalog::{Catalog, Kind, Row, signature};

/// A function or call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// How it is written.
    pub signature: String,
    /// Its text; the first line says what it does.
    pub doc: String,
    /// The vendor, if it is a call.
    pub vendor: Option<&'static str>,
}

/// Everything callable, in order of names.
#[derive(Clone, Debug, Default)]
pub struct Index {
    entries: Vec<Entry>,
    /// The names of the language's own functions, which mistakes are compared with.
    natives: BTreeSet<String>,
}

/// The functions that a row gives beside its own: the update, and all of its pages.
fn more_of(row: &Row) -> Vec<Entry> {
    let keys: String = row.path_params().map(|param| format!("{}, ", param.name)).collect();
    let mut more = Vec::new();
    if !row.update.is_empty() {
        more.push(Entry {
            name: row.update.to_owned(),
            signature: format!("{}.{}({keys}|it| {{ …; it }})", row.vendor, row.update),
            doc: format!("{}: reads it, changes it, writes it back", row.summary),
            vendor: Some(row.vendor),
        });
    }
    if row.paging.is_some() {
        more.push(Entry {
            name: format!("{}_pages", row.name),
            signature: format!("{}.{}_pages({keys}#{{ … }})", row.vendor, row.name),
            doc: format!("{}: walks through all pages", row.summary),
            vendor: Some(row.vendor),
        });
    }
    more
}

impl Index {
    /// Of the host functions in a module, and the calls of a catalog.
    pub fn new(host: &Arc<Module>, catalog: &Catalog) -> Self {
        let mut entries = Vec::new();
        let mut engine = Engine::new_raw();
        engine.register_global_module(Arc::clone(host));
        let described = |function: FuncInfo<'_>| describe(function.metadata);
        entries.extend(engine.collect_fn_metadata(None, described, false));
        entries.push(Entry {
            name: "print".into(),
            signature: "print(value)".into(),
            doc: "Prints a value.".into(),
            vendor: None,
        });
        for row in catalog.rows().filter(|row| row.kind != Kind::Session) {
            entries.push(Entry {
                name: row.name.to_owned(),
                signature: format!("{}.{}", row.vendor, signature(row)),
                doc: row.summary.to_owned(),
                vendor: Some(row.vendor),
            });
            entries.extend(more_of(row));
        }
        let mut language = Engine::new_raw();
        language.register_global_module(StandardPackage::new().as_shared_module());
        let natives = language.collect_fn_metadata(None, |function| Some(function.metadata.name.to_string()), true);
        let is_word = |name: &String| name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.contains('$');
        entries.sort_by(|a, b| (&a.name, a.signature.len()).cmp(&(&b.name, b.signature.len())));
        Self { entries, natives: natives.into_iter().filter(is_word).collect() }
    }

    /// Everything, in order of names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every name, the language's own included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str()).chain(self.natives.iter().map(String::as_str))
    }

    /// Whether the language itself has a function of that name.
    pub fn is_native(&self, name: &str) -> bool {
        self.natives.contains(name)
    }

    /// What has that name: a function may take several forms.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.name == name)
    }

    /// What has the nearest right name.
    pub fn nearest(&self, wrong: &str) -> Option<&Entry> {
        let name = crate::nearest::nearest(wrong, self.names())?;
        self.entries.iter().find(|entry| entry.name == name)
    }
}

fn describe(metadata: &FuncMetadata) -> Option<Entry> {
    let name = metadata.name.to_string();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.contains('$') {
        return None;
    }
    let infos = metadata.params_info.iter().take(metadata.num_params);
    let arguments: Vec<&str> = infos.map(|info| info.split(':').next().unwrap_or(info)).collect();
    let doc = metadata.comments.iter().flat_map(|text| text.lines());
    Some(Entry {
        signature: format!("{name}({})", arguments.join(", ")),
        name,
        doc: doc.map(|line| line.trim_start_matches("///").trim()).collect::<Vec<_>>().join("\n"),
        vendor: None,
    })
}
