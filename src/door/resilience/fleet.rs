//! Every target's line, made when it is first used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::line::Line;
use crate::clock::Clock;
use crate::config::{Secrets, Target};
use crate::door::transport::{HttpTransport, Origin, Transport};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;

/// What a fleet is made of.
pub struct FleetParts {
    /// The configured targets.
    pub targets: BTreeMap<String, Target>,
    /// Fetches secrets when they are needed.
    pub secrets: Arc<Secrets>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The lines to all targets, shared by every run of the process.
pub struct Fleet {
    parts: FleetParts,
    lines: Mutex<HashMap<String, Arc<Line>>>,
}

impl Fleet {
    /// A fleet that has not connected anywhere yet.
    pub fn new(parts: FleetParts) -> Self {
        Self { parts, lines: Mutex::default() }
    }

    /// The configured targets.
    pub fn targets(&self) -> &BTreeMap<String, Target> {
        &self.parts.targets
    }

    /// The target of that name.
    ///
    /// # Errors
    /// `not-found`, with the nearest name and the names there are.
    pub fn target(&self, name: &str) -> Result<&Target, Fault> {
        self.parts.targets.get(name).ok_or_else(|| {
            let names = self.parts.targets.keys().map(String::as_str);
            let hint = did_you_mean(name, names.clone());
            let list = names.collect::<Vec<_>>().join(", ");
            let list = if list.is_empty() { "none: add [targets.NAME] to beadle.toml".to_owned() } else { list };
            Fault::new(FaultKind::NotFound, format!("there is no target '{name}'.{hint} Configured: {list}"))
        })
    }

    /// The line to a target.
    ///
    /// # Errors
    /// `not-found` for an unknown target; `tls` or `file` when its certificates cannot be read.
    pub fn line(&self, name: &str) -> Result<Arc<Line>, Fault> {
        let target = self.target(name)?;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(name) {
            return Ok(Arc::clone(line));
        }
        let transport: Arc<dyn Transport> = Arc::new(HttpTransport::open(Origin::from(target))?);
        let secrets = Arc::clone(&self.parts.secrets);
        let line = Arc::new(Line::new(target, transport, secrets, Arc::clone(&self.parts.clock)));
        lines.insert(name.to_owned(), Arc::clone(&line));
        Ok(line)
    }
}
