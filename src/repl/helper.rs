//! What `rustyline` asks while a line is typed: completions, hints, colours, and whether the line goes on.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, Helper};

use crate::engine::{Offer, Outside, STDLIB, Session};
use crate::listing;
use crate::repl::commands::COMMANDS;
use crate::repl::paint;
use crate::repl::voice::{Around, Voice};
use crate::run::Playbook;
use crate::wrap::{cut, harmless};

/// Answers from the session, and from what is around it.
pub struct SessionHelper<'a> {
    /// The session.
    pub session: Arc<Mutex<Session>>,
    /// What is around it.
    pub around: &'a Around,
    /// Whoever knows the screen.
    pub voice: &'a dyn Voice,
    /// How many columns the prompt takes.
    pub room: Arc<AtomicUsize>,
}

/// Something behind the cursor that is shown and never put in.
pub struct Remark(String);

impl Hint for Remark {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Helper for SessionHelper<'_> {}

impl SessionHelper<'_> {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Highlighter for SessionHelper<'_> {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        if !self.voice.colours() || line.trim_start().starts_with([':', '?']) {
            return Cow::Borrowed(line);
        }
        Cow::Owned(paint::painted(line, &self.session().pieces(line)))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        if self.voice.colours() { Cow::Owned(paint::faint(hint)) } else { Cow::Borrowed(hint) }
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _completion: CompletionType) -> Cow<'c, str> {
        match candidate.split_once("  ").filter(|_| self.voice.colours()) {
            Some((name, help)) => Cow::Owned(format!("{name}  {}", paint::faint(help))),
            None => Cow::Borrowed(candidate),
        }
    }

    fn highlight_char(&self, _line: &str, _position: usize, kind: CmdKind) -> bool {
        self.voice.colours() && kind != CmdKind::MoveCursor
    }
}

impl Hinter for SessionHelper<'_> {
    type Hint = Remark;

    fn hint(&self, line: &str, position: usize, _context: &Context<'_>) -> Option<Remark> {
        if position != line.len() || line.is_empty() {
            return None;
        }
        let text = match line.strip_prefix(':') {
            Some(begun) => {
                let own = COMMANDS.iter().chain(self.voice.commands());
                let command = own.into_iter().find(|command| command.name == begun.trim_end())?;
                format!("  {} {}", command.argument, command.help)
            }
            None => self.session().hint(line)?,
        };
        // A hint that does not fit into the rest of the line would push the lines around.
        let last = line.lines().last().unwrap_or_default().chars().count();
        let room = self.voice.width().saturating_sub(last + self.room.load(Ordering::Relaxed) + 1);
        (room > 12).then(|| Remark(cut(&text, room)))
    }
}

impl Validator for SessionHelper<'_> {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        if text.trim_start().starts_with([':', '?']) {
            return Ok(ValidationResult::Valid(None));
        }
        Ok(if self.session().is_incomplete(text) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

impl Completer for SessionHelper<'_> {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> Result<(usize, Vec<Pair>), ReadlineError> {
        let before = line.get(..position).unwrap_or_default();
        if let Some(begun) = before.strip_prefix(':') {
            return Ok(self.command(begun));
        }
        if let Some(begun) = before.strip_prefix('?') {
            let session = self.session();
            let names = session.index().entries().iter().filter(|entry| entry.name.starts_with(begun));
            let offers = names.map(|entry| offer(&entry.name, entry.doc.lines().next().unwrap_or_default()));
            let mut offers: Vec<Offer> = offers.collect();
            offers.dedup_by(|a, b| a.shown == b.shown);
            return Ok((1, self.pairs(offers)));
        }
        let found = self.session().offers(line, position);
        let mut offers = found.offers;
        if let Some(outside) = found.outside {
            offers.extend(self.outside(outside, line.get(found.start..position).unwrap_or_default()));
        }
        Ok((found.start, self.pairs(offers)))
    }
}

impl SessionHelper<'_> {
    fn command(&self, begun: &str) -> (usize, Vec<Pair>) {
        let Some((name, argument)) = begun.split_once(' ') else {
            let own = COMMANDS.iter().chain(self.voice.commands()).filter(|command| command.name.starts_with(begun));
            let offers = own.map(|command| Offer {
                text: format!("{}{}", command.name, if command.argument.is_empty() { "" } else { " " }),
                shown: format!(":{}", command.name),
                help: format!("{} {}", command.argument, command.help).trim().to_owned(),
            });
            return (1, self.pairs(offers.collect()));
        };
        let start = 1 + name.len() + 1;
        let offers = match name {
            "target" => self.around.targets.iter().map(|(name, vendor, _)| offer(name, vendor)).collect(),
            "dry" | "time" => vec![offer("on", ""), offer("off", "")],
            "save" => return (start, self.pairs(files(&self.around.here, argument))),
            _ => Vec::new(),
        };
        (start, self.pairs(offers.into_iter().filter(|offer| offer.text.starts_with(argument)).collect()))
    }

    /// What is known outside of the session.
    fn outside(&self, outside: Outside, begun: &str) -> Vec<Offer> {
        let named = |names: &[String], help: &str| names.iter().map(|name| offer(name, help)).collect::<Vec<_>>();
        let mut offers = match outside {
            Outside::Files => return files(&self.around.folder, begun),
            Outside::Modules => {
                let built_in = STDLIB.iter().filter(|(_, text)| !text.contains("```toml"));
                let mut offers: Vec<Offer> = built_in.map(|(name, _)| offer(name, "of the standard library")).collect();
                offers.extend(files(&self.around.here, begun).into_iter().filter_map(|mut file| {
                    // Modules are imported without their extension.
                    let bare = file.text.strip_suffix(".rhai").or(file.text.ends_with('/').then_some(&file.text));
                    file.text = bare?.to_owned();
                    Some(file)
                }));
                offers
            }
            Outside::Playbooks => {
                let all = Playbook::all(&self.around.folder).into_iter().filter_map(Result::ok);
                all.map(|playbook| offer(&playbook.name, &playbook.header.summary)).collect()
            }
            Outside::Secrets => named(&self.around.secrets, "a secret of beadle.toml"),
            Outside::Channels => named(&self.around.channels, "a channel of beadle.toml"),
        };
        offers.retain(|offer| offer.text.starts_with(begun));
        offers
    }

    /// Names in a column, and beside each what fits of its help.
    fn pairs(&self, offers: Vec<Offer>) -> Vec<Pair> {
        let column = offers.iter().map(|offer| offer.shown.chars().count()).max().unwrap_or(0).clamp(8, 44);
        let room = self.voice.width().saturating_sub(column + 3);
        // Where there is help, each name has a line of its own: one as wide as half the screen leaves
        // no room for another beside it.
        let half = if offers.iter().any(|offer| !offer.help.is_empty()) { self.voice.width() / 2 } else { 0 };
        let pairs = offers.into_iter().map(|offer| {
            let help = self.voice.mask(&offer.help.split_whitespace().collect::<Vec<_>>().join(" "));
            let help = cut(&harmless(&help), room);
            let display = format!("{:<column$}  {help}", offer.shown);
            Pair { display: format!("{:<half$}", display.trim_end()), replacement: offer.text }
        });
        pairs.collect()
    }
}

fn offer(text: &str, help: &str) -> Offer {
    Offer { text: text.to_owned(), shown: text.to_owned(), help: help.to_owned() }
}

/// The files whose path begins with `begun`, relative to a folder; shown by their last names.
fn files(folder: &Path, begun: &str) -> Vec<Offer> {
    let named = |path: String| {
        let end = path.trim_end_matches('/').rfind('/').map_or(0, |at| at + 1);
        Offer { shown: path.get(end..).unwrap_or_default().to_owned(), text: path, help: String::new() }
    };
    listing::beginning(folder, begun).into_iter().map(named).collect()
}
