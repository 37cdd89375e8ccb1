//! The events of a run on a terminal.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::runs::next;
use crate::cli::{output, table, withheld};
use crate::door::DoorEvent;
use crate::engine::OutputEvent;
use crate::fault::Fault;
use crate::repl::Above;
use crate::run::{Ending, Listener, Outcome, RunEvent};
use crate::secret::Masker;

/// Shows a run to a person: data to standard output, all else to standard error.
pub struct Screen {
    masker: Masker,
    colours: bool,
    /// Whether data is coloured: only a terminal shows colours.
    painted: bool,
    verbose: bool,
    bars: MultiProgress,
    open: Mutex<HashMap<u64, ProgressBar>>,
    /// Prints above a line that is being typed, if one is.
    above: Mutex<Option<Above>>,
    typing: AtomicBool,
}

impl Screen {
    /// A screen; progress is drawn on a terminal only.
    pub fn new(masker: Masker, colours: bool, verbose: bool) -> Self {
        let bars = MultiProgress::new();
        if !std::io::stderr().is_terminal() {
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        let painted = colours && std::io::stdout().is_terminal();
        let (open, above, typing) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Self { masker, colours, painted, verbose, bars, open, above, typing }
    }

    /// What prints while a line is being typed.
    pub fn print_above(&self, printer: Above) {
        *self.above.lock().unwrap_or_else(PoisonError::into_inner) = Some(printer);
    }

    /// A line is being typed, or no more.
    pub fn is_typing(&self, typing: bool) {
        self.typing.store(typing, Ordering::Relaxed);
    }

    /// Whether a text went above a line that is being typed.
    fn went_above(&self, text: &str) -> bool {
        if !self.typing.load(Ordering::Relaxed) {
            return false;
        }
        let mut above = self.above.lock().unwrap_or_else(PoisonError::into_inner);
        above.as_mut().map(|print| print(format!("{}\n", text.trim_end_matches('\n')))).is_some()
    }

    /// Data.
    pub fn out(&self, text: &str) {
        let text = self.masker.mask(text);
        if self.went_above(&text) {
            return;
        }
        self.bars.suspend(|| {
            output::out(format_args!("{text}"));
        });
    }

    /// A line beside the data.
    pub fn note(&self, text: &str) {
        let text = self.masker.mask(text);
        if self.went_above(&text) {
            return;
        }
        self.bars.suspend(|| {
            let _closed = writeln!(std::io::stderr().lock(), "{text}");
        });
    }

    /// The text as people may see it.
    pub fn masked(&self, text: &str) -> String {
        self.masker.mask(text).into_owned()
    }

    /// Does something while nothing is drawn, such as asking a question.
    pub fn still<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bars.suspend(work)
    }

    /// Shows that something works, and for how long it has, until what comes back is dropped. On a
    /// terminal only, and only if it takes a moment.
    pub fn working(&self) -> Working {
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let bars = self.bars.clone();
        let thread = std::io::stderr().is_terminal().then(|| {
            std::thread::spawn(move || {
                if ended.recv_timeout(MOMENT) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                let bar = bars.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed}  Ctrl-C cancels") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(100));
                let _dropped = ended.recv();
                bar.finish_and_clear();
                bars.remove(&bar);
            })
        });
        Working { end: Some(end), thread }
    }

    fn coloured(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn output(&self, event: OutputEvent) {
        match event {
            OutputEvent::Print(text) => self.out(&format!("{text}\n")),
            OutputEvent::Log(level, text) => {
                let code = match level.name() {
                    "warn" => "33",
                    "error" => "31",
                    _ => "2",
                };
                self.note(&format!("{}: {}", self.coloured(code, level.name()), wrapped(&text)));
            }
            OutputEvent::Table(rows) => self.out(&table::of_maps(&rows.to_json())),
            OutputEvent::Progress { id, done, total } => self.progress(id, done, total),
            OutputEvent::Step(name, None) => self.note(&format!("{} {name}", self.coloured("36", "step"))),
            OutputEvent::Step(name, Some(false)) => {
                self.note(&format!("{} {name} failed", self.coloured("31", "step")))
            }
            OutputEvent::Step(_, Some(true)) => {}
        }
    }

    fn progress(&self, id: u64, done: u64, total: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if done >= total {
            if let Some(bar) = open.remove(&id) {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = open.entry(id).or_insert_with(|| {
            let bar = self.bars.add(ProgressBar::new(total));
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len}  {elapsed}, {eta} left") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_position(done);
    }

    fn door(&self, event: DoorEvent) {
        match event {
            DoorEvent::Called { target, operation, effect, status, fault, attempts, elapsed } if self.verbose => {
                let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
                let again = if attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
                let failed = fault.map(|fault| format!(": {}", fault.message)).unwrap_or_default();
                self.note(&format!("{target} {operation} [{effect}] {status} in {}{again}{failed}", millis(elapsed)));
            }
            DoorEvent::Withheld(change) if self.verbose => {
                self.note(&format!("withheld: {} {} [{}]", change.target, change.operation, change.effect));
            }
            DoorEvent::Notice(text) => self.note(&format!("{}: {}", self.coloured("33", "note"), wrapped(&text))),
            // The counters of scripts have small numbers; an upload's bar stands by itself.
            DoorEvent::Sending { done, total, .. } => self.progress(u64::MAX, done, total),
            DoorEvent::Notified { fault: Some(fault), .. } => {
                self.note(&format!("{}: {}", self.coloured("33", "warn"), wrapped(&fault.message)));
            }
            DoorEvent::Notified { channel, held, elapsed, .. } if self.verbose => {
                let held = if held { ", held back: there are too many" } else { "" };
                self.note(&format!("notify {channel} in {}{held}", millis(elapsed)));
            }
            DoorEvent::Called { .. } | DoorEvent::Withheld(_) | DoorEvent::Notified { .. } => {}
        }
    }

    /// Shows how a run ended.
    pub fn ending(&self, ending: &Ending) {
        for (_, bar) in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            bar.finish_and_clear();
        }
        let failed = ending.outcome != Outcome::Succeeded;
        if let Some(plan) = ending.plan.as_ref().filter(|plan| !failed || !plan.changes.is_empty()) {
            self.out(&withheld::human(plan, self.painted));
        }
        let partial = ending.plan.as_ref().is_some_and(|plan| plan.partial.is_some());
        if let Some(error) = ending.error.as_ref().filter(|_| !partial) {
            self.note(&error.report);
        }
        for change in &ending.unasked {
            self.note(&format!(
                "{}: planned and never asked for: {}",
                self.coloured("33", "note"),
                withheld::title(change)
            ));
        }
        let counts = ending.counts;
        if ending.outcome != Outcome::Succeeded {
            let sent = match counts.changes {
                0 => "nothing was changed".to_owned(),
                1 => "1 change had been sent".to_owned(),
                changes => format!("{changes} changes had been sent"),
            };
            self.note(&format!("the run {} after {}; {sent}", word(ending.outcome), millis(ending.elapsed)));
            if let Some(next) = next_step(ending) {
                self.note(&next);
            }
        }
    }
}

/// What a person has to find out before the run can go on.
fn next_step(ending: &Ending) -> Option<String> {
    let fault = ending.error.as_ref().and_then(|error| error.fault.as_ref());
    let resent = fault.is_some_and(Fault::was_resent);
    match ending.outcome {
        _ if ending.id.is_empty() => None,
        Outcome::Uncertain => Some(next::of_uncertain(&ending.id)),
        Outcome::Failed if resent => Some(next::of_resent(&ending.id)),
        _ => None,
    }
}

/// What takes less is not worth a sign.
const MOMENT: Duration = Duration::from_millis(300);

/// Something works; the sign of it goes away with this.
pub struct Working {
    end: Option<Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            let _it_only_draws = thread.join();
        }
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded",
        Outcome::Failed => "failed",
        Outcome::Refused => "was refused",
        Outcome::Cancelled => "was cancelled",
        Outcome::TimedOut => "timed out",
        Outcome::Uncertain => "ended uncertain",
        Outcome::Interrupted => "was interrupted",
        Outcome::Waiting => "goes on waiting",
    }
}

/// A text in lines of at most a hundred characters, leaving room for the word before it.
fn wrapped(text: &str) -> String {
    const ROOM: usize = 92;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let begun = lines.last().map_or(0, |line| line.chars().count());
        if begun > 0 && begun + 1 + word.chars().count() > ROOM {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n      ")
}

/// A length of time for people.
pub fn millis(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(10) {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{} s", elapsed.as_secs())
    }
}

impl Listener for Screen {
    fn on(&self, event: RunEvent) {
        match event {
            RunEvent::Started { id, playbook, dry, .. } if self.verbose => {
                let mode = if dry { "dry run" } else { "run" };
                self.note(&format!("{mode} {id} of {playbook}"));
            }
            RunEvent::Started { .. } | RunEvent::Waits(_) | RunEvent::GoesOn => {}
            RunEvent::Output(event) => self.output(event),
            RunEvent::Door(event) => self.door(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_happens_while_a_line_is_typed_goes_above_it() {
        let screen = Screen::new(Masker::new(), false, false);
        let seen = Arc::new(Mutex::new(String::new()));
        let to = Arc::clone(&seen);
        screen.print_above(Box::new(move |text| to.lock().unwrap().push_str(&text)));
        screen.note("before");
        screen.is_typing(true);
        screen.on(RunEvent::Door(DoorEvent::Notice("another run has ended".into())));
        screen.is_typing(false);
        screen.note("afterwards");
        assert_eq!(*seen.lock().unwrap(), "note: another run has ended\n");
    }
}
