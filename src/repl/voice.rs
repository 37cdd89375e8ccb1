//! To whom the prompt speaks, and what it must be told.

use std::path::PathBuf;

use crate::engine::Session;
use crate::repl::commands::Command;

/// Prints a text above the line that is being typed, without tearing it.
pub type Above = Box<dyn FnMut(String) + Send>;

/// What the prompt says, and to whom. The command line prints; the prompt does not.
pub trait Voice: Sync {
    /// Data.
    fn say(&self, text: &str);

    /// All else.
    fn note(&self, text: &str);

    /// A line begins: what cancels it from now on, and what shows that it works.
    fn line_begins(&self);

    /// A line has ended; how much passed the door in it, in words.
    fn line_ended(&self) -> String;

    /// What prints above the prompt while a line is being typed: for what happens beside the session.
    fn may_print_above(&self, printer: Above);

    /// A line is being typed, or no more.
    fn is_typing(&self, typing: bool);

    /// Whether everything but reads is withheld.
    fn is_dry(&self) -> bool;

    /// How many columns there are.
    fn width(&self) -> usize;

    /// Whether there are colours.
    fn colours(&self) -> bool;

    /// The text with every known secret replaced.
    fn mask(&self, text: &str) -> String;

    /// Commands beside the prompt's own: those that need the project, its runs, or its journal.
    fn commands(&self) -> &'static [Command];

    /// Carries one of them out.
    ///
    /// # Errors
    /// What to tell the person.
    fn command(&self, session: &mut Session, name: &str, argument: &str) -> Result<(), String>;
}

/// What is around a session, for completion and help.
#[derive(Clone, Debug, Default)]
pub struct Around {
    /// The folder that files are relative to.
    pub folder: PathBuf,
    /// The folder that lines are saved in.
    pub here: PathBuf,
    /// The configured targets: name, vendor, and the variable that holds it.
    pub targets: Vec<(String, String, String)>,
    /// The names of secrets.
    pub secrets: Vec<String>,
    /// The names of channels.
    pub channels: Vec<String>,
}
