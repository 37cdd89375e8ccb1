//! The records of a plan file, and how they become what the door works with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::catalog::{Catalog, Effect};
use crate::door::{Before, Object, Pinned, Place, Position, Seen, Shown, Withheld};
use crate::run::outcome::Partial;
use crate::run::plan::typed;
use crate::run::scripts::PinnedScript;
use crate::secret::Secret;

/// Everything in a plan but its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// The version that made it.
    pub beadle: String,
    /// The id of the run that made it.
    pub run: String,
    /// What the run was: `plan`.
    pub mode: String,
    /// The name of the script.
    pub playbook: String,
    /// Every script that was run, with what it imports.
    pub scripts: BTreeMap<String, PinnedScript>,
    /// The parameters; secrets by reference.
    pub params: Json,
    /// The files that parameters and the event name.
    pub param_files: Vec<PathBuf>,
    /// The event.
    pub event: Json,
    /// When the run began: the clock of an apply starts there.
    pub clock_start: Timestamp,
    /// The readings of the clock, by branch.
    pub readings: Vec<(Place, Vec<Timestamp>)>,
    /// The random numbers, by branch.
    pub random: Vec<(Place, Vec<i64>)>,
    /// The files that were read.
    pub files: Vec<FileRecord>,
    /// The rows that were used.
    pub rows: Vec<RowRecord>,
    /// The objects that would be changed, as they were.
    pub objects: Vec<ObjectRecord>,
    /// What was withheld, in order.
    pub changes: Vec<ChangeRecord>,
    /// Why the plan ends early.
    pub partial: Option<Partial>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRecord {
    pub path: PathBuf,
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub base64: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowRecord {
    pub vendor: String,
    pub call: String,
    pub sha256: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectRecord {
    pub target: String,
    pub vendor: String,
    pub call: String,
    pub args: Json,
    /// What was there; nothing if the object was not.
    pub state: Option<Json>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeRecord {
    pub position: Option<Position>,
    pub target: String,
    pub operation: String,
    pub row: Option<(String, String)>,
    pub effect: String,
    pub args: Json,
    pub items: u64,
    pub before: BeforeRecord,
    /// The files that it sends: path, and SHA-256 unless the run itself writes it.
    pub files: Vec<(PathBuf, String)>,
    /// The assumed ids of its answer, each with its JSON pointer there: arguments of later changes that
    /// hold one came from this answer.
    pub gives: Vec<(String, String)>,
    pub needs: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum BeforeRecord {
    Nothing,
    Job,
    Made,
    /// Drift cannot be seen, and why.
    Unseen(String),
    /// The number of the object.
    Object(usize),
}

impl FileRecord {
    pub fn of(path: PathBuf, contents: &Bytes) -> Self {
        let sha256 = Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect();
        match std::str::from_utf8(contents) {
            Ok(text) => Self { path, sha256, text: Some(text.to_owned()), base64: None },
            Err(_) => Self { path, sha256, text: None, base64: Some(STANDARD.encode(contents)) },
        }
    }

    fn contents(&self) -> Result<Bytes, String> {
        match (&self.text, &self.base64) {
            (Some(text), None) => Ok(Bytes::from(text.clone())),
            (None, Some(text)) => STANDARD.decode(text).map(Bytes::from).map_err(|error| error.to_string()),
            _ => Err(format!("the contents of {} are neither text nor base64", self.path.display())),
        }
    }
}

impl ChangeRecord {
    /// The record of a change; its object is added to `objects` if it is not there yet.
    pub fn of(change: &Withheld, objects: &mut Vec<ObjectRecord>, known: &mut BTreeMap<String, usize>) -> Self {
        let before = match &change.before {
            Before::Nothing => BeforeRecord::Nothing,
            Before::Job => BeforeRecord::Job,
            Before::Made => BeforeRecord::Made,
            Before::Unseen(why) => BeforeRecord::Unseen(why.clone()),
            Before::Seen(seen) => BeforeRecord::Object(*known.entry(seen.object.id()).or_insert_with(|| {
                objects.push(ObjectRecord {
                    target: seen.object.target.clone(),
                    vendor: change.row.map(|row| row.vendor.to_owned()).unwrap_or_default(),
                    call: seen.object.call.to_owned(),
                    args: typed::write_map(&seen.object.args),
                    state: match &seen.shown {
                        Shown::State(state) => Some(state.clone()),
                        Shown::Gone | Shown::Unknown => None,
                    },
                });
                objects.len() - 1
            })),
        };
        Self {
            position: change.position.clone(),
            target: change.target.clone(),
            operation: change.operation.clone(),
            row: change.row.map(|row| (row.vendor.to_owned(), row.name.to_owned())),
            effect: change.effect.name().to_owned(),
            args: typed::write_map(&change.args),
            items: change.items,
            before,
            files: change.files.clone(),
            gives: change.gives.clone(),
            needs: change.needs.clone(),
        }
    }

    fn change(&self, catalog: &Catalog, objects: &[Arc<Seen>]) -> Result<Withheld, String> {
        let row = match &self.row {
            None => None,
            Some((vendor, name)) => Some(catalog.row(vendor, name).ok_or_else(|| gone(vendor, name))?),
        };
        let before = match &self.before {
            BeforeRecord::Nothing => Before::Nothing,
            BeforeRecord::Job => Before::Job,
            BeforeRecord::Made => Before::Made,
            BeforeRecord::Unseen(why) => Before::Unseen(why.clone()),
            BeforeRecord::Object(number) => {
                Before::Seen(objects.get(*number).cloned().ok_or_else(|| format!("there is no object {number}"))?)
            }
        };
        Ok(Withheld {
            position: self.position.clone(),
            target: self.target.clone(),
            operation: self.operation.clone(),
            row,
            effect: Effect::from_name(&self.effect).ok_or_else(|| format!("'{}' is no effect", self.effect))?,
            args: args(&self.args)?,
            items: self.items,
            before,
            files: self.files.clone(),
            gives: self.gives.clone(),
            needs: self.needs.clone(),
        })
    }
}

impl Record {
    /// The rows that are not what they were, in words.
    pub fn other_rows(&self, catalog: &Catalog) -> Vec<String> {
        let other = self.rows.iter().filter_map(|row| match catalog.row(&row.vendor, &row.call) {
            None => Some(gone(&row.vendor, &row.call)),
            Some(found) if crate::catalog::digest(found) != row.sha256 => Some(format!(
                "the catalog's row {} of {} is another one than when the plan was made",
                row.call, row.vendor
            )),
            Some(_) => None,
        });
        other.collect()
    }

    /// The changes, as the door compares them.
    pub fn withheld(&self, catalog: &Catalog) -> Result<Vec<Arc<Withheld>>, String> {
        let objects = self.objects.iter().map(|object| {
            let row = catalog.row(&object.vendor, &object.call).ok_or_else(|| gone(&object.vendor, &object.call))?;
            let shown = object.state.clone().map_or(Shown::Gone, Shown::State);
            let args = args(&object.args)?;
            Ok(Arc::new(Seen { object: Object { target: object.target.clone(), call: row.name, args }, shown }))
        });
        let objects = objects.collect::<Result<Vec<_>, String>>()?;
        self.changes.iter().map(|change| change.change(catalog, &objects).map(Arc::new)).collect()
    }

    /// What the run took from its surroundings.
    pub fn pinned(&self) -> Result<Pinned, String> {
        let files = self.files.iter().map(|file| Ok((file.path.clone(), file.contents()?)));
        Ok(Pinned {
            random: self.random.iter().cloned().collect(),
            readings: self.readings.iter().cloned().collect(),
            files: files.collect::<Result<_, String>>()?,
            clock_start: Some(self.clock_start),
        })
    }
}

fn gone(vendor: &str, name: &str) -> String {
    format!("the catalog has no call {name} of {vendor} any more")
}

/// Arguments are only compared, so that a secret's reference is all of it.
fn args(json: &Json) -> Result<crate::value::Map, String> {
    let map = json.as_object().ok_or("arguments are an object")?;
    typed::read_map(map, &|reference| Ok(Secret::new(reference, "")))
}
