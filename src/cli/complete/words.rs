//! From the words of a line to what could stand at its end.

use clap::{Arg, Command, CommandFactory};

use crate::cli::args::Arguments;
use crate::cli::complete::values::Known;

/// Something that could stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The word.
    pub text: String,
    /// What it is.
    pub help: String,
}

impl Offer {
    /// A word with its help.
    pub fn new(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { text: text.into(), help: help.into() }
    }
}

/// What could stand in place of `current`, behind the words `before` it.
pub fn offers(known: &Known, before: &[String], current: &str) -> Vec<Offer> {
    let mut command = Arguments::command();
    command.build();
    let mut at = &command;
    let mut given: Vec<&str> = Vec::new();
    let mut awaits: Option<&Arg> = None;
    let mut only_values = false;
    for word in before {
        if awaits.take().is_some() {
            continue;
        }
        if !only_values && word == "--" {
            only_values = true;
        } else if !only_values && word.starts_with('-') && word.len() > 1 {
            awaits = option(at, word).filter(|arg| takes_value(arg) && !word.contains('='));
        } else if let Some(sub) = at.find_subcommand(word).filter(|_| given.is_empty()) {
            at = sub;
        } else {
            given.push(word);
        }
    }
    let mut offers = match awaits {
        Some(arg) => known.values(at, arg, &given, current),
        None if current.starts_with('-') && !only_values => options(known, at, &given, current),
        None => {
            let mut offers = if given.is_empty() { subcommands(at) } else { Vec::new() };
            offers.extend(
                positional(at, given.len()).map(|arg| known.values(at, arg, &given, current)).unwrap_or_default(),
            );
            offers
        }
    };
    offers.retain(|offer| offer.text.starts_with(current));
    offers
}

fn subcommands(command: &Command) -> Vec<Offer> {
    let shown = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    shown.map(|sub| Offer::new(sub.get_name(), about(sub))).collect()
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn options(known: &Known, command: &Command, given: &[&str], current: &str) -> Vec<Offer> {
    if let Some((name, value)) = current.split_once('=')
        && let Some(arg) = option(command, name)
    {
        let values = known.values(command, arg, given, value).into_iter().filter(|offer| offer.text.starts_with(value));
        return values.map(|offer| Offer::new(format!("{name}={}", offer.text), offer.help)).collect();
    }
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let named = shown.filter_map(|arg| arg.get_long().map(|long| (arg, long)));
    let help = |arg: &Arg| arg.get_help().map(ToString::to_string).unwrap_or_default();
    named.map(|(arg, long)| Offer::new(format!("--{long}"), help(arg))).collect()
}

fn option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| name.strip_prefix('-').is_some_and(|name| name.starts_with(short))),
    })
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// The positional argument of that number; the last one, if it takes many.
fn positional(command: &Command, number: usize) -> Option<&Arg> {
    let all: Vec<&Arg> = command.get_positionals().collect();
    let many = all.last().filter(|arg| {
        arg.get_num_args().is_some_and(|range| range.max_values() > 1)
            || matches!(arg.get_action(), clap::ArgAction::Append)
    });
    all.get(number).or(many).copied()
}

/// The words of a line as bash has them, the last of them unfinished.
pub fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for c in line.chars() {
        let Some(word) = words.last_mut() else { break };
        match (c, quote) {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            ('\\', None | Some('"')) => escaped = true,
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.push(c),
            ('"' | '\'', None) => quote = Some(c),
            (c, None) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(String::new());
                }
            }
            (c, None) => word.push(c),
        }
    }
    words
}

/// A word for bash, which counts what stands behind the last `=` or `:` as a word of its own.
pub fn as_bash(word: &str, current: &str) -> String {
    let begun = current.rfind(['=', ':']).map_or(0, |at| at + 1);
    let shown = word.get(begun..).unwrap_or(word);
    let mut escaped = String::with_capacity(shown.len());
    for c in shown.chars() {
        if c.is_whitespace() || "'\"\\$`&;|<>()*?[]".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_as_shells_do() {
        assert_eq!(split("beadle run  'a b' c\\ d=\"e f"), ["beadle", "run", "a b", "c d=e f"]);
        assert_eq!(split("beadle run "), ["beadle", "run", ""]);
    }

    #[test]
    fn bash_gets_what_stands_behind_the_sign() {
        assert_eq!(as_bash("target=seg prod", "target=s"), "seg\\ prod");
        assert_eq!(as_bash("run", "r"), "run");
    }
}
