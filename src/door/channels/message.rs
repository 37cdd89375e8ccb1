//! What goes to a channel: a subject, a text, and the facts behind it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::config::MEMBERS;

/// How long a subject may be, in characters.
const SUBJECT: usize = 150;

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A script has something to say.
    Notice,
    /// A trigger's run succeeded.
    Succeeded,
    /// A trigger's run did not.
    Failed,
    /// Something fell due, or a file was ready, and no run was started.
    Missed,
    /// What a channel held back, because there was too much of it.
    Held,
}

impl MessageKind {
    /// The word in documents.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Missed => "missed",
            Self::Held => "held",
        }
    }
}

/// The run that a script's messages come from.
#[derive(Clone, Debug)]
pub struct About {
    /// Its id.
    pub run: String,
    /// Its playbook.
    pub playbook: String,
    /// What set it off, in words.
    pub cause: String,
}

/// A message for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is about.
    pub kind: MessageKind,
    /// One line.
    pub subject: String,
    /// The whole of it, in lines.
    pub text: String,
    /// Members of its document beside these: `trigger`, `playbook`, `run`, `outcome`, `error`, …
    pub facts: Map<String, Json>,
}

impl Message {
    /// What a script says.
    pub fn of_script(text: &str, about: &About) -> Self {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or(&about.playbook);
        let mut facts = Map::new();
        if let Some(trigger) = about.cause.strip_prefix("trigger ") {
            facts.insert("trigger".into(), trigger.into());
        }
        facts.insert("playbook".into(), about.playbook.as_str().into());
        facts.insert("run".into(), about.run.as_str().into());
        let from = format!("run {} of {}, by {}", about.run, about.playbook, about.cause);
        Self {
            kind: MessageKind::Notice,
            subject: one_line(first),
            text: format!("{}\n\n{from}", text.trim_end()),
            facts,
        }
    }

    /// The document of the message, as webhooks and files have it. Format 1.
    pub(super) fn document(&self, channel: &str, host: &str, at: Timestamp) -> Map<String, Json> {
        let mut document = Map::new();
        let members = [
            ("beadle_message", json!(1)),
            ("kind", self.kind.name().into()),
            ("channel", channel.into()),
            ("at", at.to_string().into()),
            ("host", host.into()),
            ("subject", one_line(&self.subject).into()),
            ("text", self.text.as_str().into()),
        ];
        document.extend(members.map(|(name, value)| (name.to_owned(), value)));
        document.extend(self.facts.clone());
        document
    }
}

/// The members of a document that a template can name, as texts.
pub(super) fn members(document: &Map<String, Json>) -> BTreeMap<&'static str, String> {
    let text = |name: &'static str| {
        let value = document.get(name)?;
        let value = value.get("message").unwrap_or(value);
        Some((name, value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
    };
    MEMBERS.into_iter().filter_map(text).collect()
}

/// A text as one line of bounded length: it becomes a subject, and a header of a mail.
pub fn one_line(text: &str) -> String {
    let line = text.split(|c: char| c.is_control() || c == ' ').filter(|word| !word.is_empty());
    let line = line.collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SUBJECT {
        return line;
    }
    let cut: String = line.chars().take(SUBJECT - 1).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line_whatever_a_script_says() {
        let about = About { run: "r1".into(), playbook: "p".into(), cause: "trigger nightly".into() };
        let message = Message::of_script("\n  a\tb\r\nBcc: evil@example.com\nmore", &about);
        assert_eq!(message.subject, "a b");
        assert_eq!(message.facts["trigger"], "nightly");
        assert!(message.text.ends_with("run r1 of p, by trigger nightly"));
        assert_eq!(one_line(&"x".repeat(400)).chars().count(), SUBJECT);
    }

    #[test]
    fn a_template_sees_the_members_as_texts() {
        let mut facts = Map::new();
        facts.insert("error".into(), json!({ "message": "no", "file": "p.rhai" }));
        let message = Message { kind: MessageKind::Failed, subject: "s".into(), text: "t".into(), facts };
        let members = members(&message.document("team", "h", Timestamp::UNIX_EPOCH));
        assert_eq!((members["error"].as_str(), members["kind"].as_str()), ("no", "failed"));
        assert!(!members.contains_key("run"));
    }
}
