//! The index of everything callable: one for diagnostics, checks, completion and help.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use rhai::{Engine, FuncInfo, FuncMetadata, Module};

use crate::catalog::{Callable, Catalog, Form, signature};
use crate::engine::kind::Kind;
use crate::engine::run::standard;
use crate::engine::{host, natives};

/// A function or call.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// How it is written.
    pub signature: String,
    /// Its text; the first line says what it does.
    pub doc: String,
    /// The vendor, if it is a call.
    pub vendor: Option<&'static str>,
    /// The row that it comes from, and how, if it is a call.
    pub call: Option<Callable>,
    /// The kinds of its arguments, a method's receiver first.
    pub takes: Vec<Kind>,
    /// The members that the map among its arguments may have; none where any may stand there.
    pub options: Vec<String>,
    /// The kind of what it gives.
    pub gives: Kind,
    /// The members of the map that it gives, with their kinds; none where they are not known.
    pub fields: Vec<(String, Kind)>,
    /// Whether it is ours: Rhai brings many of its own.
    pub ours: bool,
}

/// Everything callable, in order of names. Cheap to make: it is filled when it is asked.
#[derive(Debug)]
pub struct Index {
    catalog: Arc<Catalog>,
    entries: OnceLock<Vec<Entry>>,
}

/// The functions of the host and of Rhai in order of names, operators and properties (`get$len`)
/// among them, with their texts; the same in every run.
static FUNCTIONS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let ours = HOST.values().flatten().filter_map(describe);
    both(described(standard()), ours.collect())
});

/// The functions that were asked for by name. To describe every function takes longer than all else before a
/// script's first line, and a script uses a few.
static ASKED: LazyLock<Mutex<HashMap<String, &'static [Entry]>>> = LazyLock::new(Mutex::default);

/// What Rhai keeps of the host's functions, by their names: to go through all of them for each name that a script
/// asks for would take longer.
static HOST: LazyLock<HashMap<String, Vec<FuncMetadata>>> = LazyLock::new(|| {
    let mut named: HashMap<String, Vec<FuncMetadata>> = HashMap::new();
    for function in of_module(host::module(), |metadata| Some(metadata.clone())) {
        named.entry(function.name.to_string()).or_default().push(function);
    }
    named
});

/// The functions of a module.
pub(super) fn described(module: Arc<Module>) -> Vec<Entry> {
    of_module(module, describe)
}

fn of_module<T>(module: Arc<Module>, take: impl Fn(&FuncMetadata) -> Option<T> + Copy) -> Vec<T> {
    let mut engine = Engine::new_raw();
    engine.register_global_module(module);
    engine.collect_fn_metadata(None, |function: FuncInfo<'_>| take(function.metadata), true)
}

/// Rhai's own functions and ours, in order.
fn both(mut functions: Vec<Entry>, ours: Vec<Entry>) -> Vec<Entry> {
    // Ours stand before Rhai's own where both take the same.
    functions.retain(|own| !ours.iter().any(|our| our.name == own.name && our.takes == own.takes));
    functions.extend(ours.into_iter().map(|our| Entry { ours: true, ..our }));
    // Rhai keeps them in no order; what people are shown has one.
    let length = |entry: &Entry| (!entry.ours, entry.signature.len());
    let takes = |entry: &Entry| format!("{:?}", entry.takes);
    functions.sort_by(|a, b| {
        a.name.cmp(&b.name).then_with(|| length(a).cmp(&length(b))).then_with(|| takes(a).cmp(&takes(b)))
    });
    functions
}

impl Index {
    /// Of all functions, and the calls of a catalog.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        Self { catalog: Arc::clone(catalog), entries: OnceLock::new() }
    }

    /// The functions of the host and of Rhai that have that name, operators and properties too; Rhai's own are
    /// without their texts.
    pub fn functions(name: &str) -> &'static [Entry] {
        let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(functions) = asked.get(name) {
            return functions;
        }
        let ours = HOST.get(name).into_iter().flatten().filter_map(describe);
        let functions = both(natives::named(name), ours.collect());
        if functions.is_empty() {
            return &[];
        }
        // They are kept for ever, once for each name that there is.
        let functions: &'static [Entry] = Vec::leak(functions);
        asked.insert(name.to_owned(), functions);
        functions
    }

    /// The calls that have that name, of every vendor.
    pub fn calls<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Callable> + 'a {
        self.catalog.vendors().iter().flat_map(|vendor| Form::ALL.map(|form| (vendor, form))).filter_map(
            move |(vendor, form)| {
                let row = vendor.callable(name, form)?;
                Some(Callable { row, form })
            },
        )
    }

    /// The catalog of the calls.
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Everything that a script can write as a name, in order of names.
    pub fn entries(&self) -> &[Entry] {
        self.entries.get_or_init(|| {
            let is_name = |entry: &&Entry| entry.name.starts_with(|c: char| c.is_ascii_alphabetic());
            let functions = FUNCTIONS.iter().filter(is_name).filter(|entry| !entry.name.contains('$'));
            let mut entries: Vec<Entry> = functions.cloned().collect();
            let rows = self.catalog.rows().flat_map(|row| Form::ALL.map(|form| Callable { row, form }));
            entries.extend(rows.filter_map(|callable| Some(of_call(callable, callable.name()?))));
            entries.sort_by(|a, b| (&a.name, a.signature.len()).cmp(&(&b.name, b.signature.len())));
            // Rhai has many forms of one text, which differ in the kinds of numbers.
            entries.dedup_by(|a, b| a.call.is_none() && b.call.is_none() && a.signature == b.signature);
            entries
        })
    }

    /// Every name, the language's own included.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().iter().map(|entry| entry.name.as_str())
    }

    /// Whether the language itself has a function of that name.
    pub fn is_native(&self, name: &str) -> bool {
        Self::functions(name).iter().any(|function| !function.ours)
    }

    /// What has that name: a function may take several forms.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries().iter().filter(move |entry| entry.name == name)
    }

    /// What has the nearest right name.
    pub fn nearest(&self, wrong: &str) -> Option<&Entry> {
        let name = crate::nearest::nearest(wrong, self.names())?;
        self.entries().iter().find(|entry| entry.name == name)
    }
}

fn of_call(callable: Callable, name: String) -> Entry {
    let row = callable.row;
    let paths = row.path_params().count();
    let keys: String = row.path_params().map(|param| format!("{}, ", param.name)).collect();
    let vendor = row.vendor;
    let (signature, doc, last) = match callable.form {
        Form::Call => (format!("{vendor}.{}", signature(row)), row.summary.to_owned(), Kind::Map),
        Form::Update => (
            format!("{vendor}.{name}({keys}|it| {{ …; it }})"),
            format!("{}: reads it, changes it, writes it back", row.summary),
            Kind::Function,
        ),
        Form::Pages => {
            (format!("{vendor}.{name}({keys}#{{ … }})"), format!("{}: walks through all pages", row.summary), Kind::Map)
        }
    };
    let mut takes = vec![Kind::Target];
    takes.resize(paths + 1, Kind::Any);
    if last == Kind::Function || row.map_params().next().is_some() {
        takes.push(last);
    }
    Entry {
        name,
        signature,
        doc,
        vendor: Some(vendor),
        options: row.map_params().map(|param| param.name.to_owned()).collect(),
        call: Some(callable),
        takes,
        gives: Kind::Any,
        fields: Vec::new(),
        ours: true,
    }
}

/// A function from what Rhai keeps of it; `None` where it takes what no script has.
fn describe(metadata: &FuncMetadata) -> Option<Entry> {
    let name = metadata.name.to_string();
    let takes = metadata.param_types.iter().map(|id| Kind::of_type(*id)).collect::<Option<Vec<_>>>()?;
    let infos = || metadata.params_info.iter().take(metadata.num_params);
    let arguments = infos().map(|info| match info.split_once(':') {
        Some((_, kind)) if kind.trim().starts_with("#{") => kind.trim(),
        Some((name, _)) => name,
        None => info.as_str(),
    });
    let doc = metadata.comments.iter().flat_map(|text| text.lines());
    Some(Entry {
        signature: format!("{name}({})", arguments.collect::<Vec<_>>().join(", ")),
        name,
        doc: doc.map(|line| line.trim_start_matches("///").trim()).collect::<Vec<_>>().join("\n"),
        vendor: None,
        call: None,
        takes,
        options: infos().flat_map(|info| members(info)).map(|(name, _)| name).collect(),
        gives: Kind::of_word(&metadata.return_type),
        fields: members(&metadata.return_type),
        ours: false,
    })
}

/// The members that a description names: `#{ networks: Networks, lines }`.
fn members(info: &str) -> Vec<(String, Kind)> {
    let inside = info.split_once("#{").and_then(|(_, rest)| rest.split_once('}')).map_or("", |(inside, _)| inside);
    let member = |member: &str| match member.split_once(':') {
        Some((name, kind)) => (name.trim().to_owned(), Kind::of_word(kind)),
        None => (member.trim().to_owned(), Kind::Any),
    };
    inside.split(',').filter(|text| !text.trim().is_empty()).map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_what_they_take_and_give() {
        let index = Index::new(&Arc::new(Catalog::builtin()));
        let sleep: Vec<Kind> = Index::functions("sleep").iter().map(|entry| entry.takes[0]).collect();
        assert!([Kind::Text, Kind::Duration, Kind::Int, Kind::Float].iter().all(|kind| sleep.contains(kind)));
        let retry = &Index::functions("retry")[0];
        assert_eq!(
            (retry.takes.as_slice(), retry.options.join(",")),
            (&[Kind::Map, Kind::Function][..], "attempts,backoff".into())
        );
        assert_eq!(Index::functions("now")[0].gives, Kind::Time);
        assert!(Index::functions("split").iter().any(|entry| entry.gives == Kind::Array && !entry.ours));
        assert!(Index::functions("nothing_of_that_name").is_empty());
        assert!(
            index
                .calls("ip_group_delta")
                .eq([Callable { row: index.catalog().row("seg", "ip_group_delta").unwrap(), form: Form::Call }])
        );
        let update = index.named("management_email_update").find(|entry| entry.call.is_some()).unwrap();
        assert_eq!(update.takes, [Kind::Target, Kind::Function]);
    }
}
