//! `beadle completions SHELL`, and the hidden `beadle complete` that its scripts call.

use std::io::Write;

use clap::{Args, CommandFactory, ValueEnum};

use crate::cli::args::Arguments;
use crate::cli::complete::values::Known;
use crate::cli::complete::{scripts, words};
use crate::cli::exit::Exit;
use crate::cli::program::{Done, Program};

/// Write a completion script for a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell; what bash, zsh and fish offer is looked up when Tab is pressed
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Tell what could stand at the end of a command line
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// Whose words they are
    #[arg(value_enum)]
    shell: Dialect,
    /// For bash: the line up to the cursor; else the words behind `beadle`, the last one unfinished
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// How a shell hands over words, and takes back what could be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dialect {
    /// The whole line in, and out what stands behind the last `=` or `:`.
    Bash,
    /// Words in, words with a tab and their help out.
    Zsh,
    /// The same.
    Fish,
}

impl CompletionsArgs {
    /// Writes the script.
    pub fn exec(self) -> Done {
        let mut script = Vec::new();
        match self.shell {
            clap_complete::Shell::Bash => script.extend_from_slice(scripts::BASH.as_bytes()),
            clap_complete::Shell::Zsh => script.extend_from_slice(scripts::ZSH.as_bytes()),
            clap_complete::Shell::Fish => script.extend_from_slice(scripts::FISH.as_bytes()),
            other => clap_complete::generate(other, &mut Arguments::command(), "beadle", &mut script),
        }
        std::io::stdout().write_all(&script)?;
        Ok(Exit::Succeeded)
    }
}

impl CompleteArgs {
    /// Prints what could be there.
    pub fn exec(self, program: &Program) -> Done {
        let words = match self.shell {
            // The first word is the program.
            Dialect::Bash => words::split(self.words.first().map_or("", String::as_str)).into_iter().skip(1).collect(),
            Dialect::Zsh | Dialect::Fish => self.words,
        };
        let (current, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
        let known = Known::of(program);
        let offers = words::offers(&known, before, current);
        let mut text = String::new();
        for offer in offers {
            match self.shell {
                Dialect::Bash => text.push_str(&words::as_bash(&offer.text, current)),
                Dialect::Zsh | Dialect::Fish => {
                    text.push_str(&offer.text);
                    if !offer.help.is_empty() {
                        text.push('\t');
                        text.push_str(&offer.help.split_whitespace().collect::<Vec<_>>().join(" "));
                    }
                }
            }
            text.push('\n');
        }
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(Exit::Succeeded)
    }
}
