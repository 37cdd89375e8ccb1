//! The commands of the prompt itself: one table for help, completion and carrying them out.

/// A command of the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name, without the colon.
    pub name: &'static str,
    /// What it takes, as help shows it.
    pub argument: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// The prompt's own.
pub const COMMANDS: &[Command] = &[
    Command { name: "help", argument: "", help: "what can be typed" },
    Command { name: "more", argument: "", help: "the rest of the last value" },
    Command { name: "table", argument: "", help: "the last value as a table" },
    Command { name: "json", argument: "", help: "the last value as JSON" },
    Command { name: "vars", argument: "", help: "the variables" },
    Command { name: "targets", argument: "", help: "the configured targets, and their variables" },
    Command { name: "target", argument: "NAME", help: "put a target into the variable `t`" },
    Command { name: "time", argument: "[on|off]", help: "how long the last line took; on: after every line" },
    Command {
        name: "save",
        argument: "FILE [lift]",
        help: "write what worked as a playbook; lift: literals as parameters",
    },
    Command { name: "quit", argument: "", help: "leave (Ctrl-D, too)" },
];

/// Other names for commands, as other programs have them.
pub const ALIASES: &[(&str, &str)] = &[("q", "quit"), ("exit", "quit"), ("h", "help"), ("?", "help")];

/// The help of every command, and of what is no command.
pub fn help(more: &[Command]) -> String {
    let mut text = String::from(
        "seg.groups()       a call: a target, a dot, and what Tab offers\n\
         _                  the last value\n\
         ?NAME              help on a call, a function or a playbook\n\
         ?WORDS             calls and functions by what they do, such as ?block ip\n",
    );
    for command in COMMANDS.iter().chain(more) {
        let usage = format!(":{} {}", command.name, command.argument);
        text.push_str(&format!("{:<18} {}\n", usage.trim_end(), command.help.replace('`', "")));
    }
    text
}
