//! What is known before a script is read: the configured targets, and the script's own header.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use crate::catalog::{Catalog, Effect};
use crate::engine::index::Index;
use crate::engine::kind::Kind;

/// A configured appliance, as far as calls depend on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Appliance {
    /// The vendor's id.
    pub vendor: String,
    /// The generation, where a vendor has several.
    pub version: Option<String>,
    /// The product or role, where a vendor has several.
    pub product: Option<String>,
    /// The tags.
    pub tags: Vec<String>,
}

/// A parameter of the header.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// The kind of its value, or of each of them.
    pub kind: Kind,
    /// Whether it is a list.
    pub list: bool,
    /// Whether it may be `()`.
    pub optional: bool,
    /// Whether it names a target.
    pub target: bool,
    /// The vendor of the target that it names, if the header says so.
    pub vendor: Option<String>,
}

/// What is known before a script is read.
#[derive(Clone, Debug)]
pub struct Premises {
    /// The functions and calls.
    pub index: Arc<Index>,
    /// The configured targets.
    pub targets: BTreeMap<String, Appliance>,
    /// The names of the configured channels.
    pub channels: BTreeSet<String>,
    /// The header's parameters; `None` where the header cannot be read.
    pub params: Option<Vec<Param>>,
    /// The effects that the header declares, if it does.
    pub effects: Option<BTreeSet<Effect>>,
    /// The folder that imports come from.
    pub folder: Option<PathBuf>,
}

impl Premises {
    /// The calls.
    pub fn catalog(&self) -> &Catalog {
        self.index.catalog()
    }

    /// Nothing but the calls.
    pub fn bare(catalog: &Arc<Catalog>) -> Self {
        Self {
            index: Arc::new(Index::new(catalog)),
            targets: BTreeMap::new(),
            channels: BTreeSet::new(),
            params: Some(Vec::new()),
            effects: None,
            folder: None,
        }
    }
}
