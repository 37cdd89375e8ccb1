//! The scripts of one run: its own and the playbooks that it runs, each with the modules that it
//! imports, as they were found or as a plan has pinned them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::engine::{Import, Imports};
use crate::run::playbook::{Playbook, PlaybookError};

/// A script with everything that it imports, as texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedScript {
    /// Its text.
    pub text: String,
    /// The modules, by the paths that imports name: the shown name and the text.
    pub imports: BTreeMap<String, (String, String)>,
}

/// The scripts of a run.
#[derive(Debug, Default)]
pub struct Scripts {
    pinned: Option<BTreeMap<String, PinnedScript>>,
    used: Mutex<BTreeMap<String, (String, Imports)>>,
}

impl Scripts {
    /// Nothing but these.
    pub fn pinned(scripts: BTreeMap<String, PinnedScript>) -> Self {
        Self { pinned: Some(scripts), used: Mutex::default() }
    }

    /// A playbook by its name: the pinned one, or where nothing is pinned the one that `find` finds.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn playbook(
        &self,
        name: &str,
        find: impl FnOnce() -> Result<Playbook, PlaybookError>,
    ) -> Result<Playbook, PlaybookError> {
        match &self.pinned {
            None => find(),
            Some(pinned) => match pinned.get(name) {
                Some(script) => Playbook::of(name, script.text.clone(), None),
                None => Err(PlaybookError::Missing {
                    name: name.to_owned(),
                    hint: " The plan did not run it, so that its text is not pinned.".into(),
                }),
            },
        }
    }

    /// The modules of a playbook that is about to run.
    pub fn imports(&self, playbook: &Playbook) -> Imports {
        let imports = || match self.pinned.as_ref().and_then(|pinned| pinned.get(&playbook.name)) {
            Some(script) => {
                let named = |(path, (name, text)): (&String, &(String, String))| {
                    (path.clone(), Import { name: name.clone(), text: text.clone() })
                };
                Imports::pinned(script.imports.iter().map(named).collect())
            }
            None => Imports::default(),
        };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, imports) = used.entry(playbook.name.clone()).or_insert_with(|| (playbook.text.clone(), imports()));
        imports.clone()
    }

    /// Every script that was run so far, as it was.
    pub fn used(&self) -> BTreeMap<String, PinnedScript> {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let pinned = |(name, (text, imports)): (&String, &(String, Imports))| {
            let imports = imports.found().into_iter().map(|(path, found)| (path, (found.name, found.text)));
            (name.clone(), PinnedScript { text: text.clone(), imports: imports.collect() })
        };
        used.iter().map(pinned).collect()
    }
}
