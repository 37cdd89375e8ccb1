//! Plan files: written whole or not at all, for their owner alone, and refused if one byte is another.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::catalog::Catalog;
use crate::door::{Pinned, Withheld};
use crate::run::outcome::Plan;
use crate::run::params::Params;
use crate::run::plan::record::{ChangeRecord, FileRecord, Record, RowRecord};
use crate::run::plan::typed;
use crate::run::playbook::{Playbook, PlaybookError};
use crate::run::scripts::PinnedScript;
use crate::secret::Secret;
use crate::value::{Map, Value};

/// The format that this Beadle writes, and the newest that it reads.
const FORMAT: u32 = 1;

/// What stands in the place of the digest while it is made.
const NO_DIGEST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The file cannot be read or written.
    #[error("the plan {} cannot be {verb}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// Why.
        cause: String,
    },
    /// It is no plan, or one of a newer Beadle.
    #[error("{} is no plan that this Beadle can read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// It is not as it was written.
    #[error("the plan {} was edited since it was made: make a new one with `beadle plan`", path.display())]
    Edited {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be applied, and why.
    #[error("the plan cannot be applied: {0}")]
    Refused(String),
}

/// What was ordered of the run that made the plan, beside its script.
#[derive(Clone, Debug, Default)]
pub struct PlanOrder {
    /// The name of the script.
    pub playbook: String,
    /// The parameters.
    pub params: Params,
    /// The event.
    pub event: Map,
    /// The files that the event names.
    pub event_files: Vec<PathBuf>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    beadle_plan: u32,
    sha256: String,
    plan: Record,
}

/// A plan that was read from a file, and is what was written.
#[derive(Clone, Debug)]
pub struct PlanFile {
    text: Arc<str>,
    record: Record,
    changes: Vec<Arc<Withheld>>,
    pinned: Pinned,
}

impl PlanFile {
    /// Writes the plan of a run to a file that its owner alone can read.
    ///
    /// # Errors
    /// The disk refuses, or the run kept nothing to make a plan of.
    pub fn write(path: &Path, order: &PlanOrder, plan: &Plan) -> Result<(), PlanError> {
        let fault = |cause: String| PlanError::File { path: path.to_owned(), verb: "written", cause };
        let record = record(order, plan).ok_or_else(|| fault("the run kept nothing for it".into()))?;
        let envelope = Envelope { beadle_plan: FORMAT, sha256: NO_DIGEST.to_owned(), plan: record };
        let text = serde_json::to_string_pretty(&envelope).map_err(|error| fault(error.to_string()))? + "\n";
        let text = text.replacen(NO_DIGEST, &hex(text.as_bytes()), 1);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary file is its owner's alone, and so is what it becomes.
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        });
        written.map(|_| ()).map_err(|error| fault(error.to_string()))
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// It cannot be read, was edited, is partial, or rows of the catalog have changed since.
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, PlanError> {
        let text = std::fs::read_to_string(path).map_err(|error| PlanError::File {
            path: path.to_owned(),
            verb: "read",
            cause: error.to_string(),
        })?;
        Self::of_text(path, text, catalog)
    }

    /// The plan that a text is; messages name it `path`.
    ///
    /// # Errors
    /// As [`PlanFile::read`].
    pub fn of_text(path: &Path, text: String, catalog: &Catalog) -> Result<Self, PlanError> {
        let unreadable = |cause: String| PlanError::Unreadable { path: path.to_owned(), cause };
        // The head is looked at as text: an edit may have left no JSON at all.
        let head = |name: &str| text.split_once(&format!("\"{name}\": ")).map(|(_, rest)| rest);
        let format: Option<u32> =
            head("beadle_plan").and_then(|rest| rest.split([',', '\n', '}']).next()?.trim().parse().ok());
        let digest = head("sha256").and_then(|rest| rest.strip_prefix('"')?.get(..NO_DIGEST.len()));
        match (format, digest) {
            (Some(format), _) if format > FORMAT => {
                return Err(unreadable(format!("it has format {format}, and this one knows up to {FORMAT}")));
            }
            (Some(_), Some(digest)) => {
                if hex(text.replacen(digest, NO_DIGEST, 1).as_bytes()) != digest {
                    return Err(PlanError::Edited { path: path.to_owned() });
                }
            }
            _ => return Err(unreadable("it does not begin with `beadle_plan` and `sha256`".into())),
        }
        let Envelope { plan: mut record, .. } =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if let Some(partial) = &record.partial {
            let place = partial.place().map(|place| format!(" ({place})")).unwrap_or_default();
            let reason = &partial.reason;
            return Err(PlanError::Refused(format!(
                "it is partial, since the script ended{place} with: {reason}. Mend that, and make a new plan"
            )));
        }
        let other = record.other_rows(catalog);
        if !other.is_empty() {
            return Err(PlanError::Refused(format!("{}. Make a new plan", other.join("; "))));
        }
        let changes = record.withheld(catalog).map_err(unreadable)?;
        let pinned = record.pinned().map_err(unreadable)?;
        // What was read once is not held twice: a plan may have a hundred thousand entries.
        record.changes = Vec::new();
        record.objects = Vec::new();
        record.files = Vec::new();
        Ok(Self { text: text.into(), record, changes, pinned })
    }

    /// The text of the file, which the journal of an apply keeps.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The script.
    ///
    /// # Errors
    /// A header that cannot be read any more.
    pub fn playbook(&self) -> Result<Playbook, PlaybookError> {
        let name = &self.record.playbook;
        let text = self.record.scripts.get(name).map(|script| script.text.clone()).unwrap_or_default();
        Playbook::of(name, text, None)
    }

    /// What was ordered; `secret` gives the secret of a reference.
    ///
    /// # Errors
    /// A secret that cannot be had.
    pub fn order(&self, secret: &dyn Fn(&str) -> Result<Secret, String>) -> Result<PlanOrder, String> {
        let map = |json: &Json| match typed::read(json, secret)? {
            Value::Map(map) => Ok(map),
            other => Err(format!("there is {} where an object should be", other.kind())),
        };
        let params =
            Params { values: map(&self.record.params)?, files: self.record.param_files.clone(), targets: Vec::new() };
        Ok(PlanOrder {
            playbook: self.record.playbook.clone(),
            params,
            event: map(&self.record.event)?,
            event_files: Vec::new(),
        })
    }

    /// The changes that an apply cannot compare, and that have to be allowed by `--unverified`.
    pub fn unseen(&self) -> impl Iterator<Item = &Withheld> {
        self.changes.iter().map(Arc::as_ref).filter(|change| change.before.unseen().is_some())
    }

    /// The id of the run that made the plan.
    pub fn run(&self) -> &str {
        &self.record.run
    }

    /// The version that made the plan.
    pub fn version(&self) -> &str {
        &self.record.beadle
    }

    /// What was withheld, in order.
    pub fn changes(&self) -> &[Arc<Withheld>] {
        &self.changes
    }

    /// What the run took from its surroundings.
    pub fn pinned(&self) -> &Pinned {
        &self.pinned
    }

    /// Every script, with what it imports.
    pub fn scripts(&self) -> &BTreeMap<String, PinnedScript> {
        &self.record.scripts
    }
}

fn record(order: &PlanOrder, plan: &Plan) -> Option<Record> {
    let kept = plan.kept.as_ref()?;
    let mut objects = Vec::new();
    let mut known = BTreeMap::new();
    let changes = plan.changes.iter().map(|change| ChangeRecord::of(change, &mut objects, &mut known)).collect();
    let rows = kept.rows.iter().map(|row| RowRecord {
        vendor: row.vendor.to_owned(),
        call: row.name.to_owned(),
        sha256: crate::catalog::digest(row),
    });
    Some(Record {
        beadle: env!("CARGO_PKG_VERSION").to_owned(),
        run: kept.run.clone(),
        mode: "plan".to_owned(),
        playbook: order.playbook.clone(),
        scripts: kept.scripts.clone(),
        params: typed::write_map(&order.params.values),
        param_files: order.params.files.iter().chain(&order.event_files).cloned().collect(),
        event: typed::write_map(&order.event),
        clock_start: kept.pinned.clock_start?,
        readings: kept.pinned.readings.clone().into_iter().collect(),
        random: kept.pinned.random.clone().into_iter().collect(),
        files: kept.pinned.files.iter().map(|(path, contents)| FileRecord::of(path.clone(), contents)).collect(),
        rows: rows.collect(),
        objects,
        changes,
        partial: plan.partial.clone(),
    })
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
