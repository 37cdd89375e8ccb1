//! Mistakes in scripts, shown with file, line, caret, call stack and hint.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use rhai::{Dynamic, EvalAltResult, LexError, ParseError, ParseErrorType, Position};

use crate::engine::index::Index;
use crate::engine::{error, values};
use crate::fault::Fault;
use crate::nearest::did_you_mean;
use crate::value::Value;

/// The texts of a run's script and modules, by name.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arc<RwLock<HashMap<String, String>>>);

impl Sources {
    /// Adds a text.
    pub fn add(&self, name: &str, text: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text.to_owned());
    }

    /// The text of that name.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// A place in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The script's or module's name.
    pub file: String,
    /// The line, from 1; 0 if it is not known.
    pub line: usize,
    /// The character in the line, from 1; 0 if it is not known.
    pub column: usize,
}

impl Place {
    /// The place of a position; the first character where it is not known.
    pub fn at(file: &str, position: Position) -> Self {
        place(file, position).unwrap_or_else(|| Self { file: file.to_owned(), line: 1, column: 1 })
    }
}

/// A mistake in a script, or the error that ended it.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// What is wrong, in one or two sentences.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The calls that led there, the innermost first: function and the place of the call.
    pub stack: Vec<(String, Place)>,
    /// What may cure it.
    pub hints: Vec<String>,
    /// The error that an effect gave, if one did.
    pub fault: Option<Fault>,
}

impl Diagnostic {
    /// A message without a place.
    pub fn of_text(message: String) -> Self {
        Self { message, place: None, stack: Vec::new(), hints: Vec::new(), fault: None }
    }

    /// Of a script that cannot be read.
    pub fn of_parse(error: &ParseError, file: &str, index: &Index) -> Self {
        let mut hints = Vec::new();
        let mut message = error.0.to_string();
        match &*error.0 {
            ParseErrorType::VariableUndefined(name) => {
                message = format!("there is no variable '{name}'");
                match name.as_str() {
                    "params" | "event" | "run" | "store" => {
                        hints.push(format!("a module does not see '{name}': give it to the module's function as an argument"));
                    }
                    "exit" | "quit" => hints.push(":quit, or Ctrl-D, ends the prompt".to_owned()),
                    "help" => hints.push(":help shows what the prompt knows".to_owned()),
                    _ => hints.push(
                        "functions do not see the variables of the script around them: give them as arguments, or use const and global::NAME"
                            .to_owned(),
                    ),
                }
            }
            ParseErrorType::Reserved(word) => {
                if word == "#" {
                    message = "'#' makes no sense here".to_owned();
                    hints.push("a remark begins with //, and a map with #{".to_owned());
                } else {
                    message = format!("'{word}' is a word of the language and cannot be a name");
                    hints.push(format!("a member of that name is written map[\"{word}\"]"));
                }
            }
            ParseErrorType::BadInput(LexError::ImproperSymbol(symbol, _)) if symbol == "eval" || symbol == "curry" => {
                message = format!("'{symbol}' is not available in scripts");
            }
            ParseErrorType::ModuleUndefined(name) => {
                message = format!("there is no module '{name}'");
                hints.push(format!("import it first: import \"std/…\" as {name};"));
            }
            ParseErrorType::BadInput(LexError::UnexpectedInput(text)) => {
                message = format!("'{text}' makes no sense here")
            }
            _ => {}
        }
        let _ = index;
        Self { message, place: place(file, error.1), stack: Vec::new(), hints, fault: None }
    }

    /// Of an error that ended a script.
    pub fn of_error(thrown: &EvalAltResult, file: &str, index: &Index) -> Self {
        let mut stack = Vec::new();
        let mut current = file.to_owned();
        let mut at = thrown;
        let mut prefix = String::new();
        loop {
            match at {
                EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
                    let shown = if name.starts_with("anon$") { "a closure" } else { name };
                    if let Some(place) = place(&current, *position) {
                        stack.push((shown.to_owned(), place));
                    }
                    if !source.is_empty() {
                        current.clone_from(source);
                    }
                    at = inner;
                }
                EvalAltResult::ErrorInModule(name, inner, position) => {
                    prefix = format!("in the module '{name}': ");
                    if let Some(place) = place(&current, *position) {
                        stack.push((format!("import {name}"), place));
                    }
                    current.clone_from(name);
                    at = inner;
                }
                _ => break,
            }
        }
        stack.reverse();
        let (message, hints, fault) = explain(at, index);
        Self { message: format!("{prefix}{message}"), place: place(&current, at.position()), stack, hints, fault }
    }

    /// For a terminal or a log: title, source line with a caret, call stack, hints.
    pub fn render(&self, sources: &Sources, colours: bool) -> String {
        self.render_within(sources, colours, 100)
    }

    /// The same for a terminal of this width.
    pub fn render_within(&self, sources: &Sources, colours: bool, width: usize) -> String {
        let called = |(name, place): &(String, Place)| {
            format!("called as {name} in {}:{}:{}", place.file, place.line, place.column)
        };
        let drawing = Drawing {
            level: Level::ERROR,
            code: None,
            message: &self.message,
            place: self.place.as_ref(),
            notes: self.stack.iter().map(called).collect(),
            hints: &self.hints,
        };
        drawing.draw(sources, colours, width)
    }
}

/// What is drawn of a mistake.
pub(super) struct Drawing<'a> {
    /// How bad it is.
    pub level: Level<'a>,
    /// The word for its sort.
    pub code: Option<&'a str>,
    /// What is wrong.
    pub message: &'a str,
    /// Where.
    pub place: Option<&'a Place>,
    /// What led there.
    pub notes: Vec<String>,
    /// What may cure it.
    pub hints: &'a [String],
}

impl Drawing<'_> {
    /// Title, source line with a caret, notes, hints.
    pub fn draw(self, sources: &Sources, colours: bool, width: usize) -> String {
        let title = self.level.primary_title(self.message);
        let mut report = Group::with_title(match self.code {
            Some(code) => title.id(code),
            None => title,
        });
        let text = self.place.and_then(|place| sources.get(&place.file));
        let mut notes = self.notes;
        match (self.place, &text) {
            (Some(place), Some(text)) if let Some(span) = span(text, place) => {
                let annotation = AnnotationKind::Primary.span(span);
                let snippet = Snippet::source(text.as_str()).path(place.file.as_str()).annotation(annotation);
                report = report.element(snippet);
            }
            (Some(place), _) => notes.insert(0, format!("in {}:{}", place.file, place.line)),
            (None, _) => {}
        }
        for note in &notes {
            report = report.element(Level::NOTE.message(note.as_str()));
        }
        for hint in self.hints {
            report = report.element(Level::HELP.message(hint.as_str()));
        }
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() };
        renderer.term_width(width).render(&[report])
    }
}

fn explain(error: &EvalAltResult, index: &Index) -> (String, Vec<String>, Option<Fault>) {
    match error {
        EvalAltResult::ErrorRuntime(value, _) => match error::from_thrown(value) {
            Some(fault) => (fault.to_string(), Vec::new(), Some(fault)),
            None if value.is_unit() => ("the script failed".into(), Vec::new(), None),
            None => (thrown(value), Vec::new(), None),
        },
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let (message, hints) = missing_function(signature, index);
            (message, hints, None)
        }
        EvalAltResult::ErrorVariableNotFound(name, _) => (
            format!("there is no variable '{name}'"),
            vec!["functions do not see the variables of the script around them: give them as arguments".into()],
            None,
        ),
        EvalAltResult::ErrorPropertyNotFound(name, _) => (
            format!("there is no member '{name}'"),
            vec![format!("use map.get(\"{name}\") where it may be absent")],
            None,
        ),
        EvalAltResult::ErrorParsing(kind, position) => {
            let parse = ParseError(Box::new(kind.clone()), *position);
            let diagnostic = Diagnostic::of_parse(&parse, "", index);
            (diagnostic.message, diagnostic.hints, None)
        }
        EvalAltResult::ErrorStackOverflow(_) => ("functions call each other too deeply".into(), Vec::new(), None),
        EvalAltResult::ErrorDataRace(name, _) => {
            // Rhai names a parameter of its own where the variable is the closure's.
            let what = if name.starts_with("argument ") { "a variable".to_owned() } else { format!("'{name}'") };
            (
                format!("{what} is asked for while it is in use"),
                vec![
                    "a closure uses it within a call on it: give what is called a name of its own first, such as \
                     let keys = map.keys(); keys.map(|name| map[name])"
                        .into(),
                    "what the items of a parallel make comes back as their values, and is not put into a variable outside"
                        .into(),
                ],
                None,
            )
        }
        other => {
            // Rhai's own messages end with the position, which is shown by the caret.
            let text = other.to_string();
            let text = text.rsplit_once(" (line ").map_or(text.as_str(), |(message, _)| message);
            (without_paths(text), Vec::new(), None)
        }
    }
}

/// A thrown value that is no error of ours.
fn thrown(value: &Dynamic) -> String {
    match values::to_value(value) {
        Ok(Value::Text(text)) => text,
        Ok(Value::Secret(_)) => "***".into(),
        Ok(value) => value.to_json().to_string(),
        Err(_) => without_paths(&value.to_string()),
    }
}

/// Names of our own types without where they stand in the source: `Secret`.
fn without_paths(text: &str) -> String {
    let short = |word: &str| match word.split_once("beadle::") {
        Some((before, path)) => format!("{before}{}", path.rsplit("::").next().unwrap_or(path)),
        None => word.to_owned(),
    };
    text.split(' ').map(short).collect::<Vec<_>>().join(" ")
}

/// A call that fits no function: a wrong name, or wrong arguments.
fn missing_function(signature: &str, index: &Index) -> (String, Vec<String>) {
    let (name, arguments) =
        signature.split_once(" (").map_or((signature, ""), |(name, rest)| (name, rest.trim_end_matches(')')));
    let name = name.trim();
    let shown = arguments
        .replace("&str | ImmutableString | String", "string")
        .replace("ImmutableString", "string")
        .replace("i64", "int")
        .replace("f64", "float");
    let known: Vec<String> = index.named(name).map(|entry| entry.signature.clone()).collect();
    if known.is_empty() && index.is_native(name) {
        return (format!("'{name}' does not take ({shown})"), Vec::new());
    }
    if known.is_empty() {
        let hint = did_you_mean(name, index.names());
        return (
            format!("there is no function '{name}'.{hint}"),
            index.nearest(name).map(|entry| format!("it is written {}", entry.signature)).into_iter().collect(),
        );
    }
    let mut hints: Vec<String> = known.iter().map(|signature| format!("it is written {signature}")).collect();
    hints.dedup();
    hints.truncate(4);
    (format!("'{name}' does not take ({shown})"), hints)
}

fn place(file: &str, position: Position) -> Option<Place> {
    let line = position.line()?;
    Some(Place { file: file.to_owned(), line, column: position.position().unwrap_or(1) })
}

/// The bytes of the word or text at a place: positions count characters, and know no end.
pub(super) fn span(text: &str, place: &Place) -> Option<std::ops::Range<usize>> {
    let start_of_line: usize = text.split_inclusive('\n').take(place.line.checked_sub(1)?).map(str::len).sum();
    let line = text.get(start_of_line..)?.lines().next().unwrap_or_default();
    let (at, first) = line.char_indices().nth(place.column.saturating_sub(1)).unwrap_or((line.len(), ' '));
    let rest = line.get(at..).unwrap_or_default();
    let length = match first {
        '"' | '`' | '\'' => quoted(rest, first),
        _ => rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len()),
    };
    let length = if length == 0 { first.len_utf8().min(rest.len()) } else { length };
    let start = start_of_line + at;
    Some(start..(start + length).min(text.len()).max(start))
}

/// The bytes of a text in quotes at the start of a line's rest.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
