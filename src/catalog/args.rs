//! The arguments of a call, under names.

use std::ops::Deref;
use std::sync::OnceLock;

use crate::catalog::NetworkMaps;
use crate::value::{Map, Value};

/// Arguments under their names.
///
/// It reads as the map of all of them. Long lists of networks are kept as networks, and become values when
/// somebody looks at them as such: who checks, records and sends a call asks for the lists by themselves.
#[derive(Clone, Debug, Default)]
pub struct Args {
    values: Map,
    lists: Vec<(String, NetworkMaps)>,
    /// Both together, made when they are first asked for.
    all: OnceLock<Map>,
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
    /// A value.
    Value(&'a Value),
    /// A list of networks.
    Networks(&'a NetworkMaps),
}

impl Args {
    /// One argument as a value.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self.kept(name)? {
            Arg::Value(value) => Some(value),
            Arg::Networks(_) => (**self).get(name),
        }
    }

    /// The arguments that are kept as values.
    pub fn values_alone(&self) -> &Map {
        &self.values
    }

    /// One argument, as it is kept.
    pub fn kept(&self, name: &str) -> Option<Arg<'_>> {
        let list = self.lists.iter().find(|(called, _)| called == name).map(|(_, list)| Arg::Networks(list));
        list.or_else(|| self.values.get(name).map(Arg::Value))
    }

    /// All arguments as they are kept, in the order of their names.
    pub fn all_kept(&self) -> Vec<(&str, Arg<'_>)> {
        let values = self.values.iter().map(|(name, value)| (name.as_str(), Arg::Value(value)));
        let lists = self.lists.iter().map(|(name, list)| (name.as_str(), Arg::Networks(list)));
        let mut all: Vec<_> = values.chain(lists).collect();
        all.sort_unstable_by_key(|(name, _)| *name);
        all
    }

    /// Whether some of them are kept as networks.
    pub fn has_lists(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Sets an argument that is kept as networks.
    pub fn set_list(&mut self, name: String, list: NetworkMaps) {
        self.all = OnceLock::new();
        self.values.remove(&name);
        self.lists.retain(|(called, _)| *called != name);
        self.lists.push((name, list));
    }

    /// All of them as values.
    pub fn into_map(self) -> Map {
        let Self { values, lists, all } = self;
        if let Some(all) = all.into_inner() {
            return all;
        }
        joined(values, &lists)
    }
}

fn joined(mut values: Map, lists: &[(String, NetworkMaps)]) -> Map {
    values.extend(lists.iter().map(|(name, list)| (name.clone(), list.to_value())));
    values
}

impl Deref for Args {
    type Target = Map;

    fn deref(&self) -> &Map {
        if self.lists.is_empty() {
            return &self.values;
        }
        self.all.get_or_init(|| joined(self.values.clone(), &self.lists))
    }
}

impl PartialEq for Args {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Map> for Args {
    fn from(values: Map) -> Self {
        Self { values, ..Self::default() }
    }
}
