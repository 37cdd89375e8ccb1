//! What a change finds: looked at when it is withheld, and compared before it is made by a plan.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use crate::catalog::hidden::hide;
use crate::catalog::{Bound, Effect, Field, Row, path_args, read_about};
use crate::config::Target;
use crate::door::door::Door;
use crate::door::mode::{Approval, Before, Object, Seen, Verdict, Withheld, is_assumed, refused, same_state};
use crate::door::position::{Place, Step};
use crate::door::settle::{self, Shown};
use crate::door::{Action, Branch, DoorEvent, Recorded, Reply};
use crate::fault::{Failure, Fault, FaultKind};
use crate::value::Value;

/// How many objects of a target are looked at at once.
const AT_ONCE: usize = 8;

impl Door {
    /// The steps from the main line of the run to a branch.
    pub(super) fn place(&self, branch: &Branch) -> Place {
        let items = branch.ordinals().iter().map(|(parallel, item)| Step::Item(*parallel, *item));
        self.parts.scope.iter().copied().chain(items).collect()
    }

    /// The mode's word on an action.
    ///
    /// # Errors
    /// `refused` for a change that is not in the plan.
    pub(super) fn decide(
        &self,
        branch: &Branch,
        action: &Action,
        effect: Effect,
        row: Option<&'static Row>,
    ) -> Result<Verdict, Fault> {
        let host = &self.parts.host;
        if let Some(approved) = self.parts.mode.approved() {
            approved.allow(host.pins.elapsed(&*host.clock));
        }
        self.parts.mode.decide(&self.place(branch), action, effect, row)
    }

    /// Completes what a dry run withholds with what is there now, and with the files that it names.
    ///
    /// # Errors
    /// A download that could not be written where it is to go.
    pub(super) fn look(
        &self,
        target: &Target,
        action: &Action,
        withheld: &mut Withheld,
        files: &[PathBuf],
    ) -> Result<(), Fault> {
        let host = &self.parts.host;
        if let Action::Call { call, .. } = action
            && let Some(path) = &call.save_to
        {
            host.files.may_write(path)?;
            self.parts.mode.assume_file(&host.files.place(path));
        }
        for file in files {
            let made = self.parts.mode.overlay().is_some_and(|overlay| overlay.read(file).is_some());
            let digest = if made || !host.pins.keeps() { String::new() } else { self.digest(file)? };
            withheld.files.push((host.files.name_of(file), digest));
        }
        withheld.before = self.before(target, action, withheld);
        Ok(())
    }

    fn before(&self, target: &Target, action: &Action, withheld: &Withheld) -> Before {
        if !withheld.changes() {
            return Before::Nothing;
        }
        let Some(row) = withheld.row else {
            return Before::Unseen("no call of the catalog describes it".into());
        };
        // A job is started whatever its read shows of the last one.
        if row.job {
            return Before::Job;
        }
        let Some(before) = &row.before else {
            return Before::Unseen(format!("no read shows what {} changes", row.name));
        };
        let mut args = withheld.args.clone();
        if let Action::Raw { request, .. } = action
            && let Some(vendor) = self.parts.catalog.vendor(&target.vendor)
        {
            args.extend(path_args(vendor, row, &request.path));
        }
        let Some(read) = read_about(&self.parts.catalog, row, before.call, &args) else {
            return match args.values().any(is_assumed) {
                true => Before::Made,
                false => Before::Unseen(format!("{} cannot be asked with these arguments", before.call)),
            };
        };
        if read.args.values().any(is_assumed) {
            return Before::Made;
        }
        let object = Object { target: target.name.clone(), call: read.row.name, args: read.args.clone().into_map() };
        let Some(dry) = self.parts.mode.dry() else { return Before::Nothing };
        dry.uses(read.row);
        if let Some(seen) = dry.seen(&object.id()) {
            return Before::Seen(seen);
        }
        let line = match self.parts.fleet.line(&target.name) {
            Ok(line) => line,
            Err(fault) => return Before::Unseen(fault.message),
        };
        match self.parts.host.runtime.block_on(self.shown(target, &read, &line)) {
            Shown::Unknown => Before::Unseen(format!("{} gave no answer", before.call)),
            shown => Before::Seen(dry.remember(Seen { object, shown: hidden(shown, read.row.answer.fields) })),
        }
    }

    /// Compares what an approved change finds with what its plan saw: the files that it sends, and before
    /// the run's first change of a target every object of it that the plan is about. Later ones would
    /// be seen as the run itself has left them.
    ///
    /// # Errors
    /// `refused` where something has changed since.
    pub(super) fn unmoved(
        &self,
        target: &Target,
        approval: Option<&Approval>,
        files: &[PathBuf],
    ) -> Result<(), Failure> {
        let (Some(approved), Some(approval)) = (self.parts.mode.approved(), approval) else { return Ok(()) };
        let named = |failure| match failure {
            Failure::Fault(fault) => Fault::on(*fault, &target.name).during(&approval.operation).into(),
            stop @ Failure::Stop(_) => stop,
        };
        for (file, (name, planned)) in files.iter().zip(&approval.files) {
            if !planned.is_empty() && self.digest(file)? != *planned {
                let message = format!("the file {} is not the one that was planned", name.display());
                return approved.hold(Err(named(refused(message).into())));
            }
        }
        approved.ahead(&target.name, |other, objects| {
            let Some(other) = self.parts.fleet.targets().get(other) else { return Ok(()) };
            match self.all_same(other, objects) {
                Err(Failure::Fault(fault)) if fault.kind != FaultKind::Refused => Ok(()),
                compared => compared.map_err(|failure| match failure {
                    Failure::Fault(fault) => Fault::on(*fault, &other.name).into(),
                    stop @ Failure::Stop(_) => stop,
                }),
            }
        })?;
        approved.once(&target.name, |objects| self.all_same(target, objects).map_err(named))
    }

    fn all_same(&self, target: &Target, objects: Vec<&Seen>) -> Result<(), Failure> {
        let compared = stream::iter(objects).map(|seen| self.same(target, seen)).buffered(AT_ONCE);
        self.parts.host.runtime.block_on(compared.try_collect::<()>())
    }

    async fn same(&self, target: &Target, seen: &Seen) -> Result<(), Failure> {
        let Object { call, args, .. } = &seen.object;
        let moved = |what: String| -> Failure {
            let about = Value::Map(args.clone()).to_json();
            refused(format!("{what} since the plan was made ({call} {about} shows it): make a new plan")).into()
        };
        let row = self.parts.catalog.row(&target.vendor, call);
        let Some(row) = row else { return Err(refused(format!("there is no read {call} any more")).into()) };
        // The arguments were bound when the plan was made.
        let read = Bound {
            row,
            args: args.clone().into(),
            effect: Effect::Read,
            items: 0,
            save_to: None,
            piece: None,
            notices: Vec::new(),
        };
        let line = self.parts.fleet.line(&target.name)?;
        let shown = match self.quiet_read(target, &read, &line).await {
            Ok(answer) => {
                let state = serde_json::from_slice(&answer.body).map_err(|error| {
                    Fault::new(FaultKind::Decode, format!("what is there now cannot be read: {error}")).during(call)
                })?;
                hidden(Shown::State(settle::steady(state, row.answer.fields)), row.answer.fields)
            }
            Err(Failure::Fault(fault)) if fault.kind == FaultKind::NotFound => Shown::Gone,
            // Nothing is known of the object, so that it is not changed; the script may try again.
            Err(Failure::Fault(fault)) => return Err(fault.during(call).into()),
            Err(stop) => return Err(stop),
        };
        match (&seen.shown, shown) {
            (Shown::State(was), Shown::State(is)) => same_state("", was, &is)
                .map_err(|(path, was, is)| moved(format!("{path} has changed from {was} to {is}"))),
            (Shown::State(_), _) => Err(moved("the object has gone".into())),
            (_, Shown::State(_)) => Err(moved("the object has come into being".into())),
            _ => Ok(()),
        }
    }

    /// The SHA-256 of a file, in hex; looked at once.
    fn digest(&self, file: &Path) -> Result<String, Fault> {
        self.parts.host.pins.digest(file, || {
            let wrong = |error: std::io::Error| Fault::new(FaultKind::File, format!("{}: {error}", file.display()));
            let mut reader = std::fs::File::open(file).map_err(wrong)?;
            let mut hash = Sha256::new();
            let mut piece = vec![0; 1 << 16];
            loop {
                match reader.read(&mut piece).map_err(wrong)? {
                    0 => break,
                    length => hash.update(piece.get(..length).unwrap_or_default()),
                }
            }
            Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
        })
    }

    /// Adds to the plan what was withheld.
    pub(super) fn withhold(&self, withheld: Withheld) {
        if withheld.changes() {
            self.withheld.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        let withheld = Arc::new(withheld);
        self.parts.watcher.on(DoorEvent::Withheld(Arc::clone(&withheld)));
        self.parts.mode.list(withheld);
    }

    /// An action of a branch has ended: a plan learns from its answer.
    pub(super) fn ended(&self, branch: &Branch, outcome: &Recorded) {
        if let Some(approved) = self.parts.mode.approved() {
            approved.ended(&self.place(branch), outcome.as_ref().ok());
        }
    }

    /// What a dry run answers in the place of a host effect; nothing if it is to be carried out.
    ///
    /// # Errors
    /// As [`Door::decide`].
    pub(super) fn instead(&self, branch: &Branch, action: &Action) -> Result<Option<Reply>, Fault> {
        self.instead_of_fetching(branch, action, Effect::Read)
    }

    /// The same for a request to a host that is no target: nothing shows what it changes.
    ///
    /// # Errors
    /// As [`Door::decide`].
    pub(super) fn instead_of_fetching(
        &self,
        branch: &Branch,
        action: &Action,
        effect: Effect,
    ) -> Result<Option<Reply>, Fault> {
        Ok(match self.decide(branch, action, effect, None)? {
            Verdict::Perform | Verdict::Approved(_) => None,
            Verdict::Answer(reply) => Some(reply),
            Verdict::Withhold(mut withheld, reply) => {
                if withheld.changes() {
                    withheld.before = Before::Unseen("no read shows what it changes".into());
                }
                self.withhold(*withheld);
                Some(reply)
            }
        })
    }
}

/// A state whose secrets are hidden: they are not compared, and stand in no plan.
fn hidden(shown: Shown, fields: &[Field]) -> Shown {
    let Shown::State(mut state) = shown else { return shown };
    hide(&mut state, fields);
    Shown::State(state)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Type;

    #[test]
    fn secrets_of_a_state_stand_in_no_plan() {
        let field = |name| Field { name, ty: Type::String, optional: false, volatile: false, secret: true, doc: "" };
        let state = json!({ "users": [{ "name": "a", "password": "x" }], "key": "k" });
        let shown = hidden(Shown::State(state), &[field("users.password"), field("key")]);
        let wanted = json!({ "users": [{ "name": "a", "password": "***" }], "key": "***" });
        assert_eq!(shown, Shown::State(wanted));
    }
}
