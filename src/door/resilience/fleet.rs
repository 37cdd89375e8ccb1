//! Every target's line, made when it is first used.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::line::{Exchange, Line};
use crate::catalog::{Bound, Catalog, Effect, Row, bind, wire};
use crate::clock::Clock;
use crate::config::{Secrets, Target};
use crate::door::halt::Halt;
use crate::door::transport::{HttpTransport, Origin, Transport};
use crate::fault::{Failure, Fault, FaultKind};
use crate::nearest::did_you_mean;
use crate::value::Map;

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
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    by_target: HashMap<String, Arc<Line>>,
    /// One transport of each kind of trust; there are few.
    transports: Vec<Arc<HttpTransport>>,
}

impl Fleet {
    /// A fleet that has not connected anywhere yet.
    pub fn new(parts: FleetParts) -> Self {
        Self { parts, lines: Mutex::default() }
    }

    /// A fleet for other targets that keeps the lines to those that stay as they are: sessions, rates and
    /// what is under way count on.
    pub fn renewed(&self, targets: BTreeMap<String, Target>) -> Self {
        let old = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let stays = |name: &str| targets.get(name).is_some_and(|new| self.parts.targets.get(name) == Some(new));
        let kept = old.by_target.iter().filter(|(name, _)| stays(name));
        let by_target = kept.map(|(name, line)| (name.clone(), Arc::clone(line))).collect();
        let lines = Lines { by_target, transports: old.transports.clone() };
        drop(old);
        let parts =
            FleetParts { targets, secrets: Arc::clone(&self.parts.secrets), clock: Arc::clone(&self.parts.clock) };
        Self { parts, lines: Mutex::new(lines) }
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

    /// Signs in at a target and makes a harmless read; gives what it says of itself.
    ///
    /// # Errors
    /// What the sign-in or the read came to.
    pub async fn greet(&self, name: &str, catalog: &Catalog) -> Result<String, Fault> {
        let target = self.target(name)?;
        let names = ["version", "groups", "login_privileges", "info", "config_appliances", "worker_yara_id"];
        let harmless = names.iter().filter_map(|call| catalog.row(&target.vendor, call));
        let generation = target.version.as_deref().and_then(|version| version.parse::<u32>().ok());
        let on =
            |row: &Row| row.on.is_empty() || target.product.as_deref().is_none_or(|product| row.on.contains(&product));
        let fits = |row: &&'static Row| {
            on(row)
                && match (row.since.and_then(|since| since.parse::<u32>().ok()), generation) {
                    (Some(since), Some(generation)) => generation >= since,
                    _ => true,
                }
        };
        // Of a vendor that a user has added, any read without parameters will do.
        let any = catalog.vendor(&target.vendor).into_iter().flat_map(|vendor| vendor.rows).filter(|row| {
            row.effect == Effect::Read && row.method == "GET" && !row.params.iter().any(|param| param.required)
        });
        let row = harmless.chain(any).find(fits);
        let Some(row) = row else { return Ok("nothing harmless to read is known".into()) };
        let bound = bind(row, Vec::new(), Map::new())?;
        let body = self.read(name, &bound, catalog).await?;
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let places = ["/productVersion", "/body/firmware_version", "/data/version"];
        let version = places.iter().find_map(|place| json.pointer(place)?.as_str());
        Ok(version.map_or_else(|| format!("{} answered", row.name), |version| format!("version {version}")))
    }

    /// One read at a target outside of any run, for what a person asks of it at the command line.
    ///
    /// # Errors
    /// What the sign-in or the read came to.
    pub async fn read(&self, name: &str, call: &Bound, catalog: &Catalog) -> Result<Bytes, Fault> {
        let target = self.target(name)?;
        let Some(vendor) = catalog.vendor(&target.vendor) else {
            let message = format!("there is no catalog for vendor '{}'", target.vendor);
            return Err(Fault::new(FaultKind::Invalid, message).on(name));
        };
        let line = self.line(name)?;
        let verify = || -> BoxFuture<'_, Option<bool>> { Box::pin(async { None }) };
        let halt = Halt::default();
        let exchange = Exchange {
            request: wire(call, vendor),
            row: Some(call.row),
            effect: Effect::Read,
            accept: vendor.accept,
            save_to: None,
            progress: None,
            other_spelling: None,
            void: false,
            left: None,
            halt: &halt,
            notice: &|_| {},
            verify: &verify,
        };
        match line.exchange(exchange).await.result {
            Ok(answer) => Ok(answer.body),
            Err(Failure::Fault(fault)) => Err(*fault),
            Err(Failure::Stop(stop)) => Err(Fault::new(FaultKind::Timeout, stop.to_string())),
        }
    }

    /// Ends every session that was opened, where the vendor has a way to. It is done at the end of
    /// the process, and gives up soon.
    pub async fn sign_out(&self) {
        Self::end(self.lines()).await;
    }

    /// The same for the sessions that `other` does not use.
    pub async fn sign_out_but(&self, other: &Self) {
        let used = other.lines();
        let is_used = |line: &Arc<Line>| used.iter().any(|used| Arc::ptr_eq(used, line));
        Self::end(self.lines().into_iter().filter(|line| !is_used(line)).collect()).await;
    }

    fn lines(&self) -> Vec<Arc<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).by_target.values().cloned().collect()
    }

    async fn end(lines: Vec<Arc<Line>>) {
        let all = futures_util::future::join_all(lines.iter().map(|line| line.sign_out()));
        let _in_time = tokio::time::timeout(std::time::Duration::from_secs(3), all).await;
    }

    /// The line to a target.
    ///
    /// # Errors
    /// `not-found` for an unknown target; `tls` or `file` when its certificates cannot be read.
    pub fn line(&self, name: &str) -> Result<Arc<Line>, Fault> {
        let target = self.target(name)?;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.by_target.get(name) {
            return Ok(Arc::clone(line));
        }
        let origin = Origin::from(target);
        let transport = match lines.transports.iter().find(|transport| transport.suits(&origin)) {
            Some(transport) => Arc::new(transport.sibling(origin)),
            None => {
                let transport = Arc::new(HttpTransport::open(origin)?);
                lines.transports.push(Arc::clone(&transport));
                transport
            }
        };
        let transport: Arc<dyn Transport> = transport;
        let secrets = Arc::clone(&self.parts.secrets);
        let line = Arc::new(Line::new(target, transport, secrets, Arc::clone(&self.parts.clock)));
        lines.by_target.insert(name.to_owned(), Arc::clone(&line));
        Ok(line)
    }
}
