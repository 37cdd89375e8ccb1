//! A transaction whose commit a former execution may have sent: whether it went through.
//!
//! Its session is gone, and with it all that the appliance would say of the transaction itself. What was
//! staged tells: it is live, or it is not.

use crate::catalog::{Bound, Row, bind, read_about};
use crate::config::Target;
use crate::door::Action;
use crate::door::door::Door;
use crate::door::recorder::{Key, OpenCommit, Staged};
use crate::door::settle::{self, Shown};
use crate::fault::{Failure, Fault, FaultKind, Stop};
use crate::value::Value;

impl Door {
    /// Settles such a commit, before the script comes to what it staged: `true` says that it was made, and
    /// that the journal answers; otherwise the transaction is done again.
    pub(super) fn settle_commit(&self, key: &Key, action: &Action, open: &OpenCommit) -> Result<bool, Failure> {
        let target = self.parts.fleet.target(action.target().unwrap_or_default())?;
        let seen = self.was_staged_made(target, &open.staged)?;
        let Some(made) = seen.or(open.assume) else {
            let message = "the process ended while the transaction was committed, and no object that was staged tells \
                           what became of it";
            let mut fault = Fault::new(FaultKind::Timeout, message).on(&target.name).during("transaction");
            fault.entry = Some(open.entry);
            return Err(Stop::Uncertain(Box::new(fault)).into());
        };
        self.parts.recorder.settle_commit(key, made)?;
        Ok(made)
    }

    /// What the staged objects say, if they say the same.
    fn was_staged_made(&self, target: &Target, staged: &[Staged]) -> Result<Option<bool>, Failure> {
        let (mut made, mut not_made) = (false, false);
        for change in staged {
            self.parts.host.halt.check()?;
            match self.is_live(target, change)? {
                Some(true) => made = true,
                Some(false) => not_made = true,
                None => {}
            }
        }
        // All of a transaction is made or nothing: where they differ somebody else was there too.
        Ok((made != not_made).then_some(made))
    }

    fn is_live(&self, target: &Target, change: &Staged) -> Result<Option<bool>, Failure> {
        let Some(row) = self.parts.catalog.row(&change.vendor, &change.call) else { return Ok(None) };
        let created = self.created_by(row, change);
        let shown =
            row.before.as_ref().and_then(|before| read_about(&self.parts.catalog, row, before.call, &change.args));
        let Some(read) = created.as_ref().or(shown.as_ref()) else { return Ok(None) };
        let line = self.parts.fleet.line(&target.name)?;
        let now = self.parts.host.runtime.block_on(self.shown(target, read, &line));
        Ok(match (&created, now, change.before.as_ref().and_then(Shown::of_json)) {
            (Some(_), Shown::State(_), _) => Some(true),
            (Some(_), Shown::Gone, _) => Some(false),
            (None, _, Some(before)) if settle::is_there(row, &change.args, &before) => None,
            (None, now, Some(before)) => settle::made(row, &change.args, &before, &now),
            _ => None,
        })
    }

    /// The read of the object that a creation answered with the key of.
    fn created_by(&self, row: &Row, change: &Staged) -> Option<Bound> {
        let key = change.answer.as_ref()?.get("key")?.as_str()?;
        let rows = self.parts.catalog.vendor(row.vendor)?.rows;
        let one = |read: &&Row| {
            let rest = read.path.strip_prefix(row.path).and_then(|rest| rest.strip_prefix("/{"));
            read.method == "GET" && rest.is_some_and(|rest| rest.ends_with('}') && !rest.contains('/'))
        };
        let read = rows.iter().filter(|_| row.method == "POST").find(one)?;
        let mut path: Vec<Value> =
            row.path_params().map(|param| change.args.get(param.name).cloned()).collect::<Option<_>>()?;
        path.push(Value::from(key));
        bind(read, path, crate::value::Map::new()).ok()
    }
}
