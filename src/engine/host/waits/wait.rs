//! Looking again and again until long work has ended.
//!
//! An old end is not taken for the new one: what was there before the work began is compared, or the
//! work has to be seen under way.

use std::time::Duration;

use rhai::{EvalAltResult, Map, Module, NativeCallContext};
use serde_json::Value as Json;

use super::{backup, configuration, upgrade};
use crate::catalog::bind;
use crate::door::{Action, Reply};
use crate::engine::context::RunContext;
use crate::engine::host::add;
use crate::engine::host::flow::option_length;
use crate::engine::types::Target;
use crate::engine::{error, values};
use crate::fault::{Fault, FaultKind};
use crate::nearest::did_you_mean;
use crate::value::{Map as Args, Value};

pub(super) type Answer<T> = Result<T, Box<EvalAltResult>>;

/// How many entries a page has, and how many pages are asked for at most.
const PAGE: i64 = 100;
const PAGES: i64 = 100;

/// How long an end is believed to be an old one although nothing else was seen.
pub(super) const DOUBT: Duration = Duration::from_secs(120);

pub fn register(module: &mut Module) {
    add(
        module,
        "wait_for_backup",
        &["target: Target", "options: map", "map"],
        "/// Waits until the backup that was created is ready, and gives its state. Options: `every`, `timeout`, `before` \
         (what `backup_status` said before; known if this run created the backup).",
        |context: NativeCallContext, target: &mut Target, options: Map| backup::wait(&context, target, &options),
    );
    add(
        module,
        "wait_for_upgrade",
        &["target: Target", "appliance: string", "options: map", "string"],
        "/// Waits until the upgrade of an appliance is done, and gives its release. Options: `every`, `timeout`, `from` \
         (the release before; known if this run started the upgrade).",
        |context: NativeCallContext, target: &mut Target, name: &str, options: Map| {
            upgrade::wait(&context, target, name, &options)
        },
    );
    add(
        module,
        "wait_for_config",
        &["target: Target", "group: string", "options: map", "array"],
        "/// Waits until the configuration of a group is applied everywhere. Options: `every`, `timeout`, `before` (what \
         `appliances` listed before; known if this run applied it).",
        |context: NativeCallContext, target: &mut Target, group: &str, options: Map| {
            configuration::wait(&context, target, group, &options)
        },
    );
}

/// What a look at the work says.
pub(super) enum Look<T> {
    /// It is done.
    Done(T),
    /// It is under way.
    Running,
    /// It has not begun.
    NotYet,
    /// It shows an end that may be an old one.
    Doubtful(T),
}

pub(super) struct Wait<'a> {
    context: &'a NativeCallContext<'a>,
    pub(super) run: &'a RunContext,
    pub(super) target: &'a Target,
    every: Duration,
    timeout: Duration,
    what: &'static str,
}

impl<'a> Wait<'a> {
    pub(super) fn new(
        context: &'a NativeCallContext<'a>,
        run: &'a RunContext,
        target: &'a Target,
        options: &Map,
        more: &str,
        what: &'static str,
    ) -> Answer<Self> {
        let known = ["every", "timeout", more];
        if let Some(unknown) = options.keys().find(|key| !known.contains(&key.as_str())) {
            let hint = did_you_mean(unknown, known);
            return Err(error::invalid(format!("'{unknown}' is not an option here.{hint}"), context));
        }
        Ok(Self {
            context,
            run,
            target,
            every: option_length(context, options, "every", Duration::from_secs(5))?,
            timeout: option_length(context, options, "timeout", Duration::from_secs(3600))?,
            what,
        })
    }

    /// The answer of a read.
    pub(super) fn read(&self, name: &str, args: Args) -> Answer<Json> {
        let Some(row) = self.run.catalog.row(&self.target.vendor, name) else {
            let message = format!("'{}' is of vendor {}, which has no such work", self.target.name, self.target.vendor);
            return Err(error::invalid(message, self.context));
        };
        let call = bind(row, Vec::new(), args).map_err(|fault| error::throw(fault, self.context))?;
        match self.run.pass(self.context, Action::Call { target: self.target.name.clone(), call })? {
            Reply::Http(answer) => Ok(serde_json::from_slice(&answer.body).unwrap_or_default()),
            Reply::Value(_) | Reply::Json(_) | Reply::Bytes(_) => Ok(Json::Null),
        }
    }

    /// All entries of a list that comes in pages.
    pub(super) fn list(&self, name: &str) -> Answer<Vec<Json>> {
        let mut rows = Vec::new();
        for page in 1..=PAGES {
            let size = Value::Int(PAGE);
            let args = Args::from([("page".to_owned(), Value::Int(page)), ("page_size".to_owned(), size)]);
            let list = self.read(name, args)?;
            let found = list.get("results").unwrap_or(&list).as_array().cloned().unwrap_or_default();
            let last = found.is_empty() || list.get("next").is_none_or(Json::is_null);
            rows.extend(found);
            if last {
                break;
            }
        }
        Ok(rows)
    }

    /// What the script says was there before.
    pub(super) fn option(&self, options: &Map, name: &str) -> Answer<Option<Json>> {
        let value = options.get(name).map(values::to_value).transpose();
        let value = value.map_err(|message| error::invalid(message, self.context))?;
        Ok(value.map(|value| value.to_json()))
    }

    pub(super) fn fail(&self, kind: FaultKind, message: String) -> Box<EvalAltResult> {
        error::throw(Fault::new(kind, message).on(&self.target.name).during(self.what), self.context)
    }

    /// Looks again and again. While a Manager restarts its answers fail; that is waited out too.
    pub(super) fn until<T>(&self, mut look: impl FnMut() -> Answer<Look<T>>) -> Answer<Option<T>> {
        let begun = self.run.elapsed(self.context)?;
        let mut seen = false;
        loop {
            if self.run.passage.is_assumed_target(&self.target.name) {
                return Ok(None);
            }
            let looked = look()?;
            let waited = self.run.elapsed(self.context)?.saturating_sub(begun);
            match looked {
                Look::Done(value) => return Ok(Some(value)),
                Look::Doubtful(value) if seen || waited >= DOUBT => return Ok(Some(value)),
                Look::Doubtful(_) | Look::NotYet => {}
                Look::Running => seen = true,
            }
            let Some(left) = self.timeout.checked_sub(waited).filter(|left| !left.is_zero()) else {
                return Err(self.fail(FaultKind::Timeout, format!("{} took longer than {:?}", self.what, self.timeout)));
            };
            if self.run.value(self.context, Action::Sleep(self.every.min(left)))? != Value::Null {
                return Ok(None);
            }
        }
    }

    /// What a dry run assumes in the place of an end.
    pub(super) fn assumed(&self) -> String {
        match self.run.passage.instead_of_waiting() {
            Some(Value::Text(text)) => text,
            _ => String::new(),
        }
    }
}

pub(super) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}
