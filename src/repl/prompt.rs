//! The loop of the prompt.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustyline::config::{BellStyle, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, Config, Editor, ExternalPrinter};

use crate::engine::{ScriptError, Session};
use crate::repl::commands::{ALIASES, COMMANDS, help};
use crate::repl::helper::SessionHelper;
use crate::repl::save::{Worked, save};
use crate::repl::show::Shown;
use crate::repl::voice::{Around, Voice};
use crate::repl::{find, history};
use crate::value::{Map, Value};

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
    around: Around,
    history: Option<PathBuf>,
    interactive: bool,
    state: Mutex<State>,
}

/// What the prompt remembers between lines.
#[derive(Default)]
struct State {
    shown: Shown,
    worked: Vec<Worked>,
    target: Option<String>,
    took: Option<(Duration, String)>,
    always_time: bool,
}

/// What becomes of the session after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Went,
    Failed,
    Leave,
}

impl Prompt {
    /// A prompt. `history` is a file of the person's own; without a terminal nothing is edited.
    pub fn new(session: Session, around: Around, history: Option<PathBuf>, interactive: bool) -> Self {
        let session = Arc::new(Mutex::new(session));
        Self { session, around, history, interactive, state: Mutex::default() }
    }

    /// Reads and evaluates lines until the person leaves.
    ///
    /// # Errors
    /// When the terminal cannot be used.
    pub fn run(&self, voice: &dyn Voice) -> Result<PromptEnd, String> {
        if !self.interactive {
            return self.run_piped(voice);
        }
        let unusable = |error: ReadlineError| format!("the terminal cannot be used: {error}");
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .completion_prompt_limit(200)
            .bell_style(BellStyle::None)
            .color_mode(if voice.colours() { ColorMode::Forced } else { ColorMode::Disabled })
            .auto_add_history(false)
            .max_history_size(5_000)
            .map_err(unusable)?
            .build();
        let mut editor: Editor<SessionHelper<'_>, FileHistory> = Editor::with_config(config).map_err(unusable)?;
        let (around, session) = (&self.around, Arc::clone(&self.session));
        let room = Arc::new(AtomicUsize::new(0));
        editor.set_helper(Some(SessionHelper { session, around, voice, room: Arc::clone(&room) }));
        if let Some(file) = &self.history {
            // No history yet is no fault.
            let _first_time = editor.load_history(file);
        }
        if let Ok(mut printer) = editor.create_external_printer() {
            // Where it cannot be printed there is nobody to read it.
            voice.may_print_above(Box::new(move |text| drop(printer.print(text))));
        }
        loop {
            let prompt = self.prompt(voice);
            room.store(prompt.0.chars().count(), Ordering::Relaxed);
            voice.is_typing(true);
            let line = editor.readline(&prompt);
            voice.is_typing(false);
            match line {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => {
                    self.remember(&mut editor, &line, voice);
                    if self.one(&line, voice) == After::Leave {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break,
                Err(error) => return Err(unusable(error)),
            }
        }
        Ok(PromptEnd::Left)
    }

    /// Plain and coloured.
    fn prompt(&self, voice: &dyn Voice) -> (String, String) {
        let target = self.state().target.clone().map(|name| format!(" {name}")).unwrap_or_default();
        let (word, colour) = if voice.is_dry() { ("dry", "33") } else { ("beadle", "36") };
        (format!("{word}{target}> "), format!("\x1b[{colour}m{word}{target}>\x1b[0m "))
    }

    /// Each line is written as it is entered: a session that is killed loses none.
    fn remember(&self, editor: &mut Editor<SessionHelper<'_>, FileHistory>, line: &str, voice: &dyn Voice) {
        let kept = history::without_secrets(&self.session(), line, |text| voice.mask(text));
        let _full_or_twice = editor.add_history_entry(kept);
        if let Some(file) = &self.history
            && let Err(error) =
                history::keep_private(file).map_err(ReadlineError::from).and_then(|()| editor.append_history(file))
        {
            voice.note(&format!("the history cannot be written to {}: {error}", file.display()));
        }
    }

    /// Lines from a pipe: those that belong together are taken together.
    fn run_piped(&self, voice: &dyn Voice) -> Result<PromptEnd, String> {
        let mut pending = String::new();
        for line in std::io::stdin().lines() {
            let line = line.map_err(|error| format!("standard input: {error}"))?;
            pending.push_str(&line);
            pending.push('\n');
            let command = pending.trim_start().starts_with([':', '?']);
            if !command && self.session().is_incomplete(&pending) {
                continue;
            }
            let text = std::mem::take(&mut pending);
            match self.one(text.trim_end(), voice) {
                After::Leave => return Ok(PromptEnd::Left),
                After::Failed => return Ok(PromptEnd::Failed),
                After::Went => {}
            }
        }
        if !pending.trim().is_empty() && self.one(pending.trim_end(), voice) == After::Failed {
            return Ok(PromptEnd::Failed);
        }
        Ok(PromptEnd::Left)
    }

    fn one(&self, line: &str, voice: &dyn Voice) -> After {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return After::Went;
        }
        if let Some(command) = trimmed.strip_prefix(':') {
            return self.command(command.trim(), voice);
        }
        if let Some(words) = trimmed.strip_prefix('?').map(str::trim) {
            return self.told(find::help(&self.session(), &self.around, words, voice.width()), voice);
        }
        self.evaluate(line, voice)
    }

    fn evaluate(&self, line: &str, voice: &dyn Voice) -> After {
        let begun = Instant::now();
        voice.line_begins();
        let mut session = self.session();
        let result = session.line(line);
        let passed = voice.line_ended();
        let took = (begun.elapsed(), passed);
        let after = match result {
            Ok(done) => {
                let mut state = self.state();
                let is_table = done
                    .value
                    .as_list()
                    .is_some_and(|rows| !rows.is_empty() && rows.iter().all(|row| row.as_map().is_some()));
                let has_value = done.value != Value::Null;
                state.worked.push(Worked {
                    text: line.to_owned(),
                    is_expression: done.is_expression,
                    shown: has_value.then_some(is_table),
                    has_value,
                });
                if has_value {
                    state.shown = Shown::of(masked(done.value, voice));
                    if let Some(text) = state.shown.begin(voice.width()) {
                        voice.say(&text);
                    }
                }
                After::Went
            }
            Err(ScriptError::Unreadable(diagnostic) | ScriptError::Failed(diagnostic)) => {
                voice.note(&diagnostic.render_within(session.sources(), voice.colours(), voice.width()));
                After::Failed
            }
            Err(ScriptError::Stopped(stop, _)) => {
                voice.note(&format!("{stop}"));
                After::Failed
            }
        };
        let mut state = self.state();
        if state.always_time {
            voice.note(&in_words(&took));
        }
        state.took = Some(took);
        after
    }

    fn command(&self, command: &str, voice: &dyn Voice) -> After {
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let name = ALIASES.iter().find(|(other, _)| *other == name).map_or(name, |(_, name)| *name);
        let argument = argument.trim();
        let width = voice.width();
        let nothing = || Err("there is no value yet: type a call".to_owned());
        let told = match name {
            "quit" => return After::Leave,
            "help" => Ok(help(voice.commands())),
            "vars" => Ok(columns(&self.session().variables(), width)),
            "targets" => Ok(self.targets()),
            "target" => self.choose(argument),
            "more" => self.state().shown.more(width).map_or_else(|| Err("there is no more of it".into()), Ok),
            "table" => self.state().shown.table(width).map_or_else(nothing, Ok),
            "json" => self.state().shown.json().map_or_else(nothing, Ok),
            "time" => self.time(argument),
            "save" => self.save(argument, voice),
            other if voice.commands().iter().any(|command| command.name == other) => {
                voice.command(&mut self.session(), other, argument).map(|()| String::new())
            }
            other => {
                let known = COMMANDS.iter().chain(voice.commands()).map(|command| command.name);
                Err(format!("there is no command ':{other}'.{}", crate::nearest::did_you_mean(other, known)))
            }
        };
        self.told(told, voice)
    }

    fn told(&self, told: Result<String, String>, voice: &dyn Voice) -> After {
        match told {
            Ok(text) => {
                if !text.is_empty() {
                    voice.say(text.trim_end());
                }
                After::Went
            }
            Err(message) => {
                voice.note(&message);
                After::Failed
            }
        }
    }

    fn targets(&self) -> String {
        let pairs = self.around.targets.iter().map(|(name, vendor, variable)| {
            let known_as = if name == variable { String::new() } else { format!(", the variable {variable}") };
            (name.clone(), format!("{vendor}{known_as}"))
        });
        columns(&pairs.collect::<Vec<_>>(), usize::MAX)
    }

    fn choose(&self, name: &str) -> Result<String, String> {
        if name.is_empty() {
            return Ok(self.targets());
        }
        let known = || self.around.targets.iter().map(|(name, ..)| name.as_str());
        let Some((name, vendor, _)) =
            self.around.targets.iter().find(|(known, _, variable)| known == name || variable == name)
        else {
            return Err(format!("there is no target '{name}'.{}", crate::nearest::did_you_mean(name, known())));
        };
        let described = Value::Map(Map::from([
            ("name".to_owned(), name.as_str().into()),
            ("vendor".to_owned(), vendor.as_str().into()),
        ]));
        self.session().set_target("t", &described);
        let mut state = self.state();
        state.target = Some(name.clone());
        state.worked.push(Worked {
            text: format!("let t = target({name:?});"),
            is_expression: false,
            shown: None,
            has_value: false,
        });
        Ok(format!("t is {name}, of vendor {vendor}"))
    }

    fn time(&self, argument: &str) -> Result<String, String> {
        let mut state = self.state();
        match argument {
            "on" | "off" => {
                state.always_time = argument == "on";
                Ok(String::new())
            }
            "" => state.took.as_ref().map(in_words).ok_or_else(|| "no line has been run yet".to_owned()),
            other => Err(format!("':time {other}' makes no sense: it is :time, :time on or :time off")),
        }
    }

    fn save(&self, argument: &str, voice: &dyn Voice) -> Result<String, String> {
        let words: Vec<&str> = argument.split_whitespace().collect();
        let (file, lift) = match words.as_slice() {
            [file] => (file, false),
            [file, "lift"] => (file, true),
            _ => return Err("it is :save FILE, or :save FILE lift".into()),
        };
        let (session, state) = (self.session(), self.state());
        let path = save(&session, &state.worked, &self.around, (file, lift), |text| voice.mask(text))?;
        Ok(format!("wrote {}", path.display()))
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value as people may see it. What is cut to fit could not be recognised any more.
fn masked(value: Value, voice: &dyn Voice) -> Value {
    match value {
        Value::Text(text) => Value::Text(voice.mask(&text)),
        Value::List(items) => Value::List(items.into_iter().map(|item| masked(item, voice)).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(name, value)| (name, masked(value, voice))).collect()),
        other => other,
    }
}

fn in_words((elapsed, passed): &(Duration, String)) -> String {
    let time =
        if elapsed.as_secs() < 10 { format!("{} ms", elapsed.as_millis()) } else { format!("{} s", elapsed.as_secs()) };
    if passed.is_empty() { time } else { format!("{time}, {passed}") }
}

/// Names in a column, and beside each what is said of it.
fn columns(pairs: &[(String, String)], width: usize) -> String {
    let column = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let lines = pairs
        .iter()
        .map(|(name, said)| format!("{name:column$}  {}", crate::wrap::cut(said, width.saturating_sub(column + 2))));
    lines.collect::<Vec<_>>().join("\n")
}
