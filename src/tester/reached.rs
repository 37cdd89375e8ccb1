//! What tests have reached: functions of scripts, calls that scripts name, steps that failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use crate::catalog::{Catalog, Row};
use crate::engine::Reach;

/// Gathers it from every run of every test.
#[derive(Debug, Default)]
pub(super) struct Gathered(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Each function with whether it was called, by its number.
    functions: Vec<(String, String, bool)>,
    numbers: BTreeMap<(String, String), i64>,
    /// The methods that each script names.
    methods: BTreeMap<String, BTreeSet<String>>,
    /// The calls that were made or withheld, with their vendors.
    called: BTreeSet<(String, String)>,
    /// The steps that failed, by playbook.
    failed: BTreeMap<String, BTreeSet<String>>,
}

impl Gathered {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call of a vendor was made, or withheld.
    pub(super) fn called(&self, vendor: &str, call: &str) {
        self.inner().called.insert((vendor.to_owned(), call.to_owned()));
    }

    /// A playbook was run, and these of its steps failed.
    pub(super) fn ran(&self, playbook: &str, failed: Vec<String>) {
        self.inner().failed.entry(playbook.to_owned()).or_default().extend(failed);
    }

    /// All of it, in the words of the catalog.
    pub(super) fn summary(&self, catalog: &Catalog) -> Reached {
        let inner = self.inner();
        let function = |(script, name, _): &(String, String, bool)| format!("{script}::{name}");
        let (called, missed): (Vec<_>, Vec<_>) = inner.functions.iter().partition(|(.., called)| *called);
        let mut wanted = BTreeSet::new();
        for (script, methods) in &inner.methods {
            let rows = methods.iter().flat_map(|method| rows_of(catalog, script, method));
            wanted.extend(rows.map(|row| (row.vendor.to_owned(), row.name.to_owned())));
        }
        let (made, left): (Vec<_>, Vec<_>) = wanted.iter().partition(|call| inner.called.contains(*call));
        Reached {
            scripts: inner.methods.len(),
            functions: Share::new(called.len(), missed.into_iter().map(function).collect()),
            calls: Share::new(made.len(), left.iter().map(|(vendor, call)| format!("{vendor}.{call}")).collect()),
            failed: inner.failed.iter().map(|(name, steps)| (name.clone(), steps.iter().cloned().collect())).collect(),
        }
    }
}

impl Reach for Gathered {
    fn loaded(&self, script: &str, functions: &[String], methods: Vec<String>) -> Vec<i64> {
        let mut inner = self.inner();
        inner.methods.entry(script.to_owned()).or_default().extend(methods);
        let number = |name: &String| {
            let key = (script.to_owned(), name.clone());
            if let Some(number) = inner.numbers.get(&key) {
                return *number;
            }
            let number = i64::try_from(inner.functions.len()).unwrap_or(i64::MAX);
            inner.functions.push((key.0.clone(), key.1.clone(), false));
            inner.numbers.insert(key, number);
            number
        };
        functions.iter().map(number).collect()
    }

    fn reached(&self, number: i64) {
        let mut inner = self.inner();
        let function = usize::try_from(number).ok().and_then(|number| inner.functions.get_mut(number));
        if let Some((.., called)) = function {
            *called = true;
        }
    }
}

/// The rows that a method may mean in a script: those of the vendor whose folder of the standard library it stands in, or
/// of every vendor.
fn rows_of<'a>(catalog: &'a Catalog, script: &'a str, method: &'a str) -> impl Iterator<Item = &'static Row> + 'a {
    let folder = script.split('/').nth(1).filter(|_| script.starts_with("std/"));
    let own = folder.filter(|folder| catalog.vendor(folder).is_some());
    let plain = method.strip_suffix("_pages").unwrap_or(method);
    let vendors = catalog.vendors().iter().filter(move |vendor| own.is_none_or(|own| own == vendor.id));
    vendors.flat_map(|vendor| vendor.rows).filter(move |row| {
        // An update reads, and replaces.
        row.name == method || row.name == plain || row.update == method
    })
}

/// What tests have reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// How many scripts were loaded.
    pub scripts: usize,
    /// Their functions.
    pub functions: Share,
    /// The calls that they name.
    pub calls: Share,
    /// The steps that failed in runs, by playbook.
    pub failed: BTreeMap<String, Vec<String>>,
}

/// How much of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many were reached.
    pub reached: usize,
    /// Of how many.
    pub of: usize,
    /// The others.
    pub missing: Vec<String>,
}

impl Share {
    fn new(reached: usize, mut missing: Vec<String>) -> Self {
        missing.sort();
        Self { reached, of: reached + missing.len(), missing }
    }

    fn json(&self) -> Json {
        json!({ "reached": self.reached, "of": self.of, "missing": self.missing })
    }
}

impl Reached {
    /// In one line.
    pub fn line(&self) -> String {
        let Self { scripts, functions, calls, .. } = self;
        format!(
            "the runs reached {} of {} functions and {} of {} calls of {scripts} script{}",
            functions.reached,
            functions.of,
            calls.reached,
            calls.of,
            if *scripts == 1 { "" } else { "s" }
        )
    }

    /// For programs: functions and calls.
    pub fn json(&self) -> Json {
        json!({ "scripts": self.scripts, "functions": self.functions.json(), "calls": self.calls.json() })
    }

    /// For programs: the playbooks with their steps that failed.
    pub fn playbooks(&self) -> Json {
        let one = |(name, steps): (&String, &Vec<String>)| (name.clone(), json!({ "failed_steps": steps }));
        Json::Object(self.failed.iter().map(one).collect())
    }
}
