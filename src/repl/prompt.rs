//! The loop of the prompt.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::config::{BellStyle, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};

use super::helper::{COMMANDS, SessionHelper};
use super::show;
use crate::engine::{ScriptError, Session};

/// What the prompt says, and to whom. The command line prints; the prompt does not.
pub trait Voice {
    /// Data.
    fn say(&self, text: &str);
    /// All else.
    fn note(&self, text: &str);
    /// A line begins: what cancels it from now on.
    fn line_begins(&self);
    /// Whether everything but reads is withheld.
    fn is_dry(&self) -> bool;
}

/// How the prompt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptEnd {
    /// The person left.
    Left,
    /// A line failed, and nobody was there to see it: input came from a pipe.
    Failed,
}

/// A prompt over a session.
pub struct Prompt {
    session: Arc<Mutex<Session>>,
    targets: Vec<String>,
    history: Option<PathBuf>,
    interactive: bool,
}

impl Prompt {
    /// A prompt. `history` is a file of the person's own; without a terminal nothing is edited.
    pub fn new(session: Session, targets: Vec<String>, history: Option<PathBuf>, interactive: bool) -> Self {
        Self { session: Arc::new(Mutex::new(session)), targets, history, interactive }
    }

    /// Reads and evaluates lines until the person leaves.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub fn run(&self, voice: &dyn Voice) -> Result<PromptEnd, String> {
        if !self.interactive {
            return self.run_piped(voice);
        }
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .bell_style(BellStyle::None)
            .auto_add_history(false)
            .max_history_size(5_000)
            .map_err(|error| error.to_string())?
            .build();
        let mut editor: Editor<SessionHelper, FileHistory> =
            Editor::with_config(config).map_err(|error| format!("the terminal cannot be used: {error}"))?;
        editor.set_helper(Some(SessionHelper { session: Arc::clone(&self.session), targets: self.targets.clone() }));
        if let Some(history) = &self.history {
            // No history yet is no fault.
            let _first_time = editor.load_history(history);
        }
        loop {
            let dry = if voice.is_dry() { "dry" } else { "beadle" };
            match editor.readline(&format!("{dry}> ")) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => {
                    // What may hold a secret does not go into a file.
                    if !line.contains("secret") && !line.contains("password") {
                        let _full_history = editor.add_history_entry(line.as_str());
                    }
                    if self.one(&line, voice).is_none() {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(format!("the terminal cannot be used: {error}")),
            }
        }
        if let Some(history) = &self.history {
            save_history(&mut editor, history);
        }
        Ok(PromptEnd::Left)
    }

    /// Lines from a pipe: those that belong together are taken together.
    fn run_piped(&self, voice: &dyn Voice) -> Result<PromptEnd, String> {
        let mut pending = String::new();
        for line in std::io::stdin().lines() {
            let line = line.map_err(|error| format!("standard input: {error}"))?;
            pending.push_str(&line);
            pending.push('\n');
            let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
            let command = pending.trim_start().starts_with([':', '?']);
            if !command && session.is_incomplete(&pending) {
                continue;
            }
            drop(session);
            let text = std::mem::take(&mut pending);
            match self.one(text.trim_end(), voice) {
                None => return Ok(PromptEnd::Left),
                Some(false) => return Ok(PromptEnd::Failed),
                Some(true) => {}
            }
        }
        if !pending.trim().is_empty() && self.one(pending.trim_end(), voice) == Some(false) {
            return Ok(PromptEnd::Failed);
        }
        Ok(PromptEnd::Left)
    }

    /// One line: whether it went well; nothing if the person leaves.
    fn one(&self, line: &str, voice: &dyn Voice) -> Option<bool> {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return Some(true);
        }
        if let Some(command) = trimmed.strip_prefix(':') {
            return self.command(command.trim(), voice);
        }
        if let Some(words) = trimmed.strip_prefix('?') {
            self.help(words.trim(), voice);
            return Some(true);
        }
        voice.line_begins();
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match session.line(line) {
            Ok(value) => {
                if let Some(text) = show::value(&value) {
                    voice.say(&text);
                }
                Some(true)
            }
            Err(ScriptError::Unreadable(diagnostic) | ScriptError::Failed(diagnostic)) => {
                voice.note(&diagnostic.render(session.sources(), false));
                Some(false)
            }
            Err(ScriptError::Stopped(stop, _)) => {
                voice.note(&format!("{stop}"));
                Some(false)
            }
        }
    }

    fn command(&self, command: &str, voice: &dyn Voice) -> Option<bool> {
        match command {
            "quit" | "q" | "exit" => return None,
            "help" | "h" => {
                for (command, help) in COMMANDS {
                    voice.say(&format!("{command:<10} {help}"));
                }
                voice.say("?name      help on a call or function; ?words finds calls");
                voice.say("last       the last value that was not ()");
            }
            "vars" => {
                let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
                for (name, kind) in session.variables() {
                    voice.say(&format!("{name:<20} {kind}"));
                }
            }
            "targets" => self.targets.iter().for_each(|name| voice.say(name)),
            other => {
                let known = COMMANDS.iter().map(|(command, _)| command.trim_start_matches(':'));
                voice.note(&format!("there is no command ':{other}'.{}", crate::nearest::did_you_mean(other, known)));
                return Some(false);
            }
        }
        Some(true)
    }

    fn help(&self, words: &str, voice: &dyn Voice) {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let index = session.index();
        let mut found: Vec<_> = index.named(words).collect();
        if found.is_empty() {
            let wanted: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
            let fits = |text: &str| wanted.iter().all(|word| text.contains(word.as_str()));
            found = index
                .entries()
                .iter()
                .filter(|entry| fits(&format!("{} {}", entry.signature, entry.doc).to_lowercase()))
                .take(20)
                .collect();
        }
        if found.is_empty() {
            let hint = crate::nearest::did_you_mean(words, index.names());
            voice.note(&format!("nothing is called or described as '{words}'.{hint}"));
        }
        for entry in found {
            voice.say(&entry.signature);
            for line in entry.doc.lines().filter(|line| !line.is_empty()) {
                voice.say(&format!("    {line}"));
            }
        }
    }
}

fn save_history(editor: &mut Editor<SessionHelper, FileHistory>, file: &std::path::Path) {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let made = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    if made.is_ok() && editor.save_history(file).is_ok() {
        // The editor may write with the process's own mode.
        let _best_effort = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    }
}
