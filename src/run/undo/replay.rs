//! Having the functions of a run's steps back: its script is replayed, silently and from the journal alone, by
//! whoever interprets scripts here. In the service that is a process of its own.

use std::sync::Arc;
use std::time::Duration;

use super::make::{Making, failed};
use super::relay::Relay;
use crate::door::Passage;
use crate::engine::{Level, ScriptError};
use crate::fault::{Fault, FaultKind, Stop};
use crate::journal::{EntryRow, Log};
use crate::run::check::script_of;
use crate::run::execute::{Judged, Listener, Order, RunEvent, Start, judged};
use crate::run::functions::Functions;
use crate::run::prepare::{context, prepare};
use crate::run::record::{Former, unusable};
use crate::value::Value;

/// For how long a replayed script may ask nothing, however quickly the run itself went on.
const SILENCE: Duration = Duration::from_secs(10);

/// Whoever is told nothing: a replay shows nothing new.
struct Silent;

impl Listener for Silent {
    fn on(&self, _event: RunEvent) {}
}

impl Making {
    /// Executes the run from its journal, and takes it back with the functions of its steps. Where these cannot be
    /// had, the inverses of its calls have to do.
    pub(super) fn after_replay(&self, log: &Arc<Log>, order: Order, former: Former) -> Result<Value, Judged> {
        let silent: Arc<dyn Listener> = Arc::new(Silent);
        let replay =
            prepare(&self.project, &order, Start::Former(former), &silent).map_err(|fault| failed(fault.into()))?;
        let relay = Arc::new(Relay::new(Arc::clone(&replay.door) as Arc<dyn Passage>));
        let (facts, texts) = (replay.context.facts.clone(), Arc::clone(&replay.context.texts));
        let halt = self.prepared.context.halt.clone();
        let context = context(&self.project, relay.clone(), relay.clone(), facts, halt, texts);
        let script = script_of(&self.project, &order.playbook, replay.imports(&order.playbook), context);
        let entries = log.entries(&self.run.id, false).map_err(|message| failed(unusable(message).into()))?;
        let silence = SILENCE.saturating_add(longest_silence(&entries).saturating_mul(2));
        let worked = self.project.interpreter.run_then(script, silence, |functions: &dyn Functions| {
            relay.set(Arc::clone(&self.scripts) as Arc<dyn Passage>, Arc::clone(&self.prepared.context.output));
            self.carry_out(log, Some(functions))
        });
        let ended = match worked {
            Ok(result) => return result,
            Err(ended) => ended,
        };
        match ended.result {
            Err(ScriptError::Stopped(Stop::Lost(why), _)) => {
                let text =
                    "what its steps say of taking them back cannot be known, as its script could not be replayed";
                self.say(Level::Warn, format!("{text}: {why}. The inverses of its calls are used alone"));
                self.carry_out(log, None)
            }
            Err(error) => Err(judged(error, &ended.sources)),
            Ok(_) => Err(failed(Fault::new(FaultKind::Invalid, "the script could not be replayed").into())),
        }
    }
}

/// The longest time between two things that a run asked for: so long its script has computed.
fn longest_silence(entries: &[EntryRow]) -> Duration {
    // A step or a `parallel` lasts while its parts are asked for.
    let asked = entries.iter().filter(|entry| !matches!(entry.kind.as_str(), "step" | "parallel"));
    let mut asked: Vec<_> = asked.map(|entry| (entry.begun, entry.ended.unwrap_or(entry.begun))).collect();
    asked.sort_unstable();
    let mut longest = Duration::ZERO;
    let mut until = asked.first().map(|(begun, _)| *begun);
    for (begun, ended) in asked {
        let silence = until.map(|until| Duration::try_from(begun.duration_since(until)).unwrap_or_default());
        longest = longest.max(silence.unwrap_or_default());
        until = until.max(Some(ended));
    }
    longest
}
