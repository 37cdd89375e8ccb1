//! What `rustyline` asks while a line is typed: completions, and whether the line goes on.

use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Helper};

use crate::engine::Session;

/// Answers from the session, and the names of targets.
pub struct SessionHelper {
    /// The session.
    pub session: Arc<Mutex<Session>>,
    /// The configured targets.
    pub targets: Vec<String>,
}

/// The commands of the prompt itself.
pub const COMMANDS: [(&str, &str); 4] = [
    (":help", "what can be typed"),
    (":vars", "the variables"),
    (":targets", "the configured targets"),
    (":quit", "leave (Ctrl-D, too)"),
];

impl Helper for SessionHelper {}
impl Highlighter for SessionHelper {}

impl Hinter for SessionHelper {
    type Hint = String;

    /// After an opening bracket: how the call is written.
    fn hint(&self, line: &str, position: usize, _context: &Context<'_>) -> Option<String> {
        let before = line.get(..position)?;
        if position != line.len() {
            return None;
        }
        let name = before.strip_suffix('(')?;
        let start = name.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let name = name.get(start..)?;
        let entry = session.index().named(name).next()?.signature.clone();
        let arguments = entry.split_once('(').map(|(_, rest)| rest.to_owned())?;
        Some(arguments)
    }
}

impl Validator for SessionHelper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        if text.trim_start().starts_with([':', '?']) {
            return Ok(ValidationResult::Valid(None));
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(if session.is_incomplete(text) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for SessionHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let before = line.get(..position).unwrap_or_default();
        if before.starts_with(':') {
            let fitting = COMMANDS.iter().filter(|(command, _)| command.starts_with(before));
            return Ok((0, fitting.map(|(command, help)| pair(command, help)).collect()));
        }
        // Inside target("…": the names of targets.
        if let Some((_, begun)) = before.rsplit_once("target(\"").filter(|(_, begun)| !begun.contains('"')) {
            let fitting = self.targets.iter().filter(|name| name.starts_with(begun));
            let pairs = fitting.map(|name| Pair { display: name.clone(), replacement: format!("{name}\")") });
            return Ok((position - begun.len(), pairs.collect()));
        }
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
        let begun = before.get(start..).unwrap_or_default();
        let receiver = before.get(..start).and_then(|text| text.strip_suffix('.')).map(|text| {
            let from = text.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
            text.get(from..).unwrap_or_default()
        });
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let found = session.complete(receiver, begun);
        Ok((start, found.iter().map(|completion| pair(&completion.text, &completion.help)).collect()))
    }
}

fn pair(text: &str, help: &str) -> Pair {
    let help: String = help.chars().take(64).collect();
    Pair { display: format!("{text:<32} {help}"), replacement: text.to_owned() }
}
