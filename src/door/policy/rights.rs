//! Rights: the target's `allow`, narrowed by what the playbook's header declares.

use std::collections::BTreeSet;

use super::confirm::Confirm;
use crate::catalog::{Effect, Kind, Row};
use crate::config::Target;
use crate::fault::{Fault, FaultKind};

/// What a script's header says of its effects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Declared {
    /// There is no header.
    #[default]
    NoHeader,
    /// There is a header, and it does not name effects. It narrows nothing; but `destroy` cannot
    /// be added, since it is not named.
    Silent,
    /// The header's `effects`.
    Effects(BTreeSet<Effect>),
}

/// The rights of one run: the same at every target, but for the target's own `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// What the headers declare: of the script, and of the scripts that started it as a child.
    pub declared: Vec<Declared>,
    /// Whether `--allow destroy` or the trigger's `allow` adds `destroy`.
    pub destroy: bool,
    /// The trigger that started the run, if one did: nobody is there then.
    pub trigger: Option<String>,
}

/// The result of looking for a right.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// It is there.
    Granted,
    /// It is missing, and could be added: by a person, now.
    Addable,
}

impl Rights {
    /// Whether a request of `effect` may go to `target`.
    ///
    /// # Errors
    /// The right is missing and cannot be added in this run.
    pub(super) fn look(&self, target: &Target, effect: Effect) -> Result<Right, Fault> {
        let undeclared =
            |declared: &Declared| matches!(declared, Declared::Effects(effects) if !effects.contains(&effect));
        if self.declared.iter().any(undeclared) {
            return Err(Fault::new(
                FaultKind::Refused,
                format!(
                    "{effect} is not among the effects that the playbook's header declares: add \"{effect}\" to \
                     `effects` under [policy] in the header, if the playbook should be able to do this"
                ),
            )
            .with_detail("rule", "header effects"));
        }
        if target.allow.contains(&effect) {
            return Ok(Right::Granted);
        }
        let name = &target.name;
        if effect != Effect::Destroy {
            return Err(not_allowed(format!(
                "{effect} is not allowed at '{name}': add \"{effect}\" to `allow` of [targets.{name}] in beadle.toml \
                 (or of [vendors.{}], where the target has none of its own)",
                target.vendor
            )));
        }
        if !target.allow.contains(&Effect::Change) {
            return Err(not_allowed(format!(
                "destroy is not allowed at '{name}' and cannot be added for one run, because `allow` of \
                 [targets.{name}] in beadle.toml does not even hold \"change\": add \"change\" there"
            )));
        }
        if self.declared.contains(&Declared::Silent) {
            return Err(Fault::new(
                FaultKind::Refused,
                "destroy cannot be added for one run, because the playbook's header does not name it: add `effects = \
                 [\"read\", \"change\", \"destroy\"]` under [policy] in the header",
            )
            .with_detail("rule", "header effects"));
        }
        Ok(if self.destroy { Right::Granted } else { Right::Addable })
    }

    /// Whether the trigger has answered beforehand what nobody is there to answer: by its `allow`, for what it may
    /// destroy, and for nothing else.
    pub(super) fn answers_for(&self, effect: Effect) -> bool {
        effect == Effect::Destroy && self.destroy && self.trigger.is_some()
    }

    /// The refusal where a right could have been added and was not; `asked` when a person said no.
    pub(super) fn not_added(&self, target: &Target, asked: bool) -> Fault {
        let name = &target.name;
        not_allowed(match &self.trigger {
            _ if asked => format!("destroy is not allowed at '{name}', and you did not add it at the terminal"),
            Some(trigger) => format!(
                "destroy is not allowed at '{name}', and nobody is there to ask when a trigger starts a run: add `allow \
                 = [\"destroy\"]` to the trigger '{trigger}' in beadle.toml, if its runs should be able to do this"
            ),
            None => format!(
                "destroy is not allowed at '{name}', and there is no terminal to ask at: use --allow destroy for this \
                 run, or add \"destroy\" to `allow` of [targets.{name}] in beadle.toml"
            ),
        })
    }

    /// The refusal where a person's yes is wanted and nobody is there; `confirm` is the setting that wants it.
    pub(super) fn not_confirmed(&self, effect: Effect, confirm: Confirm) -> String {
        let setting = confirm.name();
        let cure = match &self.trigger {
            None => "there is no terminal to ask at: use --yes for this run, or `confirm = \"never\"`".to_owned(),
            Some(trigger) if effect == Effect::Destroy => format!(
                "nobody is there to ask when a trigger starts a run: add `allow = [\"destroy\"]` to the trigger \
                 '{trigger}', or use `confirm = \"never\"`"
            ),
            Some(trigger) => format!(
                "nobody is there to ask when the trigger '{trigger}' starts a run: use `confirm = \"destroy\"` or \
                 `confirm = \"never\"`"
            ),
        };
        format!(
            "`confirm = \"{setting}\"` under [policy] in beadle.toml wants a person's yes before this request, and {cure}"
        )
    }
}

/// Refuses rows that scripts may not call at all, or not at this target.
pub(super) fn check_row(target: &Target, row: &Row, effect: Effect) -> Result<(), Fault> {
    if row.kind == Kind::Session {
        return Err(Fault::new(
            FaultKind::Refused,
            format!(
                "'{}' is a part of signing in, which Beadle does by itself: scripts cannot call it. Any other call of \
                 '{}' signs in when it needs to",
                row.name, target.name
            ),
        )
        .with_detail("rule", "session call"));
    }
    if row.experimental && effect != Effect::Read && !target.experimental {
        return Err(Fault::new(
            FaultKind::Refused,
            format!(
                "'{}' changes something and is experimental: its form was concluded, not documented. Set `experimental \
                 = true` at [targets.{}] in beadle.toml, if you have tried it on a test system",
                row.name, target.name
            ),
        )
        .with_detail("rule", "experimental"));
    }
    Ok(())
}

fn not_allowed(message: String) -> Fault {
    Fault::new(FaultKind::Refused, message).with_detail("rule", "target allow")
}
