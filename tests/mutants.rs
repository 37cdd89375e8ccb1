//! How much of what can be known before a run is found: scripts are broken on purpose, one change at a
//! time, and checked.
//!
//! Whether a mutant can be found out before it runs is decided here without asking the check:
//!
//! - a call that is renamed: always, since nothing has the new name;
//! - an argument that is dropped: where no function of that name takes so few (as Rhai has registered
//!   them, or as the script defines them), or where binding refuses what is left of a vendor's call;
//! - a key that is misspelt: where it is a parameter or an option, as row or function declare it; in a
//!   map of the script's own, where the name is read as a member somewhere, and comes from nowhere else;
//! - a literal of another type: where binding refuses it for the parameter, where no function of that
//!   name takes it in that place, or where an operator takes it beside no kind of value at all.

#![expect(clippy::print_stdout, reason = "the figures are what these tests are for")]

mod judge;
mod scan;

use std::sync::Arc;

use beadle::catalog::Catalog;
use beadle::config::{Config, Environment};
use beadle::engine::Index;
use beadle::engine::check::Severity;
use beadle::run::{Playbook, check};

use crate::support::Sandbox;
use judge::Judge;
use scan::{Mutant, Sort, mutants};

/// Every script that is shipped, with its name.
fn shipped() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<(String, String)> =
        beadle::engine::STDLIB.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for entry in std::fs::read_dir(root.join("scripts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rhai") {
            all.push((
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(path).unwrap(),
            ));
        }
    }
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for (number, block) in readme.split("```rhai\n").skip(1).enumerate() {
        all.push((format!("README {number}"), block.split("\n```").next().unwrap().to_owned()));
    }
    all.sort();
    assert!(all.len() >= 8, "{} scripts", all.len());
    all
}

/// The examples of all rows as scripts.
fn examples(catalog: &Catalog) -> Vec<(String, String)> {
    let with_example = catalog.rows().filter_map(|row| Some((row, row.example.as_ref()?)));
    let script = |(row, example): (&'static beadle::catalog::Row, &beadle::catalog::Example)| {
        let variable = example.script.split('.').next().unwrap().rsplit([' ', '(']).next().unwrap();
        (row.name.to_owned(), format!("let {variable} = target(\"{variable}\");\n{}", example.script))
    };
    with_example.map(script).collect()
}

/// A project whose targets are called as README and examples call them.
fn project() -> (Sandbox, Config, Arc<Index>) {
    let sandbox = Sandbox::new();
    let target = |name: &str, vendor: &str, more: &str| {
        format!("[targets.{name}]\nvendor = \"{vendor}\"\nurl = \"https://{name}.example.com\"\n{more}\n")
    };
    let auth =
        |method: &str| format!("auth = {{ method = \"{method}\", username = \"a\", password = {{ env = \"P\" }} }}");
    let mut text = String::new();
    for name in ["seg-prod", "seg"] {
        text.push_str(&target(name, "seg", &format!("version = \"10\"\n{}", auth("token"))));
    }
    for name in ["esa", "sma"] {
        text.push_str(&target(name, "asyncos", &format!("product = \"{name}\"\n{}", auth("jwt"))));
    }
    for (name, role) in [("spectra", "manager"), ("worker", "worker")] {
        let token = format!("role = \"{role}\"\nauth = {{ method = \"token\", token = {{ env = \"P\" }} }}");
        text.push_str(&target(name, "spectra", &token));
    }
    text.push_str(&target("sps", "sps", &auth("session")));
    let file = sandbox.write("beadle.toml", &text);
    let (config, catalog) = Config::load(&file, &Environment::default()).unwrap();
    (sandbox, config, Arc::new(Index::new(&Arc::new(catalog))))
}

/// What became of the mutants of some scripts.
#[derive(Default)]
struct Count {
    total: usize,
    decidable: usize,
    caught: usize,
    warned: usize,
    beyond: usize,
    missed: Vec<String>,
}

impl Count {
    /// `every`: of so many mutants one is looked at.
    fn of(scripts: &[(String, String)], every: usize, config: &Config, index: &Arc<Index>) -> Self {
        let judge = Judge::new(index.catalog(), scripts);
        let of_one = |script| Self::of_one(script, every, &judge, config, index);
        let halves = scripts.split_at(scripts.len() / 2);
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| halves.1.iter().map(of_one).fold(Self::default(), Self::with));
            (halves.0.iter().map(of_one).fold(Self::default(), Self::with), other.join().unwrap())
        });
        one.with(other)
    }

    fn with(mut self, other: Self) -> Self {
        self.total += other.total;
        self.decidable += other.decidable;
        self.caught += other.caught;
        self.warned += other.warned;
        self.beyond += other.beyond;
        self.missed.extend(other.missed);
        self
    }

    fn of_one(
        (name, text): &(String, String),
        every: usize,
        judge: &Judge,
        config: &Config,
        index: &Arc<Index>,
    ) -> Self {
        let mut count = Self::default();
        assert_eq!(found(name, text, config, index), [], "{name} is not clean");
        for mutant in mutants(text).into_iter().skip(name.len() % every).step_by(every) {
            let Some(broken) = mutant.applied(text) else { continue };
            count.total += 1;
            let found = found(name, &broken, config, index);
            match (judge.is_decidable(text, &mutant), found.is_empty()) {
                (true, false) => {
                    count.decidable += 1;
                    count.caught += 1;
                    count.warned += usize::from(!found.contains(&Severity::Error));
                }
                (true, true) => {
                    count.decidable += 1;
                    count.missed.push(format!("{name}:{}: {}", mutant.line(text), mutant.what));
                }
                (false, unseen) => count.beyond += usize::from(!unseen),
            }
        }
        count
    }

    fn report(&self, what: &str) -> String {
        let percent = 100.0 * self.caught as f64 / self.decidable as f64;
        format!(
            "{what}: {} mutants, {} decidable, {} caught ({percent:.1} %; {} of them by a warning alone); {} of the others are \
             caught as well\nnot caught:\n  {}",
            self.total,
            self.decidable,
            self.caught,
            self.warned,
            self.beyond,
            self.missed.join("\n  ")
        )
    }
}

fn found(name: &str, text: &str, config: &Config, index: &Arc<Index>) -> Vec<Severity> {
    let playbook = Playbook::of(name, text.to_owned(), None).unwrap();
    let checked = check(config, index, &playbook, name, None);
    checked.findings.iter().map(|finding| finding.severity).collect()
}

#[test]
fn mutants_of_what_is_shipped_are_caught() {
    let (_sandbox, config, index) = project();
    let count = Count::of(&shipped(), 1, &config, &index);
    println!("{}", count.report("playbooks and scripts"));
    assert!(count.decidable > 300, "{}", count.decidable);
    assert!(count.caught * 100 >= count.decidable * 95, "{}", count.report("playbooks and scripts"));
    let of_each_sort = |sort: Sort| {
        shipped().iter().flat_map(|(_, text)| mutants(text)).filter(|mutant: &Mutant| mutant.sort == sort).count()
    };
    for sort in [Sort::Renamed, Sort::Dropped, Sort::Misspelt, Sort::Retyped] {
        assert!(of_each_sort(sort) > 30, "{sort:?}");
    }
}

#[test]
fn mutants_of_the_rows_examples_are_caught() {
    let (_sandbox, config, index) = project();
    // One of seven, spread evenly: there are nearly ten thousand.
    let count = Count::of(&examples(index.catalog()), 7, &config, &index);
    println!("{}", count.report("examples"));
    assert!(count.caught * 100 >= count.decidable * 95, "{}", count.report("examples"));
}
