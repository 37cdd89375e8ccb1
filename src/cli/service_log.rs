//! The log of the service: what it tells, as events of `tracing` with trigger and run on every line of
//! a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{debug, error, info, warn};

use crate::cli::table;
use crate::door::DoorEvent;
use crate::engine::{Level, OutputEvent};
use crate::run::{Ending, Outcome, RunEvent};
use crate::service::{ServiceEvent, Tell};

/// Logs what the service tells.
pub fn logger() -> Tell {
    // An ending does not say whose it is.
    let triggers = Mutex::new(HashMap::<String, String>::new());
    let locked = move |work: &mut dyn FnMut(&mut HashMap<String, String>)| {
        work(&mut triggers.lock().unwrap_or_else(PoisonError::into_inner));
    };
    Arc::new(move |event| match event {
        ServiceEvent::Ready(schedules, watches) => {
            info!(schedules, watches, "serving {schedules} schedule(s) and {watches} watch(es); Ctrl-C ends it");
        }
        ServiceEvent::Started { trigger, run, why, late } => {
            let late_ms = late.map(millis);
            locked(&mut |triggers| drop(triggers.insert(run.clone(), trigger.clone())));
            info!(trigger, run, late_ms, "the run begins ({why})");
        }
        ServiceEvent::Run { trigger, run, event } => of_run(&trigger, &run, event),
        ServiceEvent::Ended(_, ending) => {
            let mut trigger = None;
            locked(&mut |triggers| trigger = triggers.remove(&ending.id));
            of_ending(&trigger.unwrap_or_default(), &ending);
        }
        ServiceEvent::Missed(missed) => {
            let (trigger, count) = (&missed.trigger, missed.count);
            warn!(trigger, count, first = %missed.first, last = %missed.last, "not started: {}", missed.why);
        }
        ServiceEvent::Reloading | ServiceEvent::Turned(_) | ServiceEvent::Woken => {}
        ServiceEvent::Reloaded(different, _) if different.is_empty() => {
            info!("the configuration was loaded again: nothing is different");
        }
        ServiceEvent::Reloaded(different, _) => info!("the configuration has changed: {}", different.join(", ")),
        ServiceEvent::Notice(text) => info!("{text}"),
        ServiceEvent::Problem(text) => warn!("{text}"),
        ServiceEvent::Ending(runs, drain) => info!(
            runs,
            "ending: {runs} run(s) have {} s to end; what is left then goes on at the next start (Ctrl-C: at once)",
            drain.as_secs()
        ),
    })
}

fn of_run(trigger: &str, run: &str, event: RunEvent) {
    match event {
        RunEvent::Started { playbook, dry, .. } => debug!(trigger, run, playbook, dry, "the script begins"),
        RunEvent::Waits(until) => info!(trigger, run, %until, "it waits"),
        RunEvent::GoesOn => info!(trigger, run, "it goes on"),
        RunEvent::Output(event) => of_output(trigger, run, event),
        RunEvent::Door(event) => of_door(trigger, run, event),
    }
}

fn of_output(trigger: &str, run: &str, event: OutputEvent) {
    match event {
        OutputEvent::Print(text) | OutputEvent::Log(Level::Info, text) => info!(trigger, run, "{text}"),
        OutputEvent::Log(Level::Warn, text) => warn!(trigger, run, "{text}"),
        OutputEvent::Log(Level::Error, text) => error!(trigger, run, "{text}"),
        OutputEvent::Table(rows) => info!(trigger, run, "\n{}", table::of_maps(&rows.to_json()).trim_end()),
        OutputEvent::Step(name, None) => info!(trigger, run, "step {name}"),
        OutputEvent::Step(name, Some(false)) => warn!(trigger, run, "step {name} failed"),
        OutputEvent::Step(_, Some(true)) | OutputEvent::Progress { .. } => {}
    }
}

fn of_door(trigger: &str, run: &str, event: DoorEvent) {
    match event {
        DoorEvent::Called { target, operation, effect, status, fault, attempts, elapsed } => {
            let (effect, elapsed_ms) = (effect.name(), millis(elapsed));
            let error = fault.map(|fault| fault.message);
            let said = status.map_or_else(|| "no status".to_owned(), |status| status.to_string());
            debug!(
                trigger,
                run, target, operation, effect, status, attempts, elapsed_ms, error, "{target} {operation}: {said}"
            );
        }
        DoorEvent::Withheld(change) => {
            debug!(trigger, run, target = change.target, "withheld: {} {}", change.target, change.operation);
        }
        DoorEvent::Notified { channel, fault: Some(fault), .. } => warn!(trigger, run, channel, "{}", fault.message),
        DoorEvent::Notified { channel, held, elapsed, .. } => {
            debug!(trigger, run, channel, held, elapsed_ms = millis(elapsed), "a message to {channel}");
        }
        DoorEvent::Notice(text) => warn!(trigger, run, "{text}"),
        DoorEvent::Sending { .. } => {}
    }
}

fn of_ending(trigger: &str, ending: &Ending) {
    let (run, outcome, counts) = (ending.id.as_str(), ending.outcome, ending.counts);
    let (elapsed_ms, changes, reads) = (millis(ending.elapsed), counts.changes, counts.reads);
    let outcome_word = outcome.name();
    let said = format!("the run {outcome} after {}", crate::cli::screen::millis(ending.elapsed));
    match (&ending.error, outcome) {
        (_, Outcome::Succeeded) | (None, _) => {
            info!(trigger, run, outcome = outcome_word, elapsed_ms, changes, reads, "{said}");
        }
        (Some(error), _) => {
            let place = error.place.as_ref().map(|(file, line)| format!("{file}:{line}"));
            error!(
                trigger,
                run,
                outcome = outcome_word,
                elapsed_ms,
                changes,
                reads,
                error = error.message,
                place,
                "{said}\n{}",
                error.report.trim_end()
            );
        }
    }
}

fn millis(length: std::time::Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
