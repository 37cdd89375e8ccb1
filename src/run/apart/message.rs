//! What frames mean.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::engine::{Level, OutputEvent};
use crate::journal::{SecretOf, code, decode};
use crate::run::apart::frame::Frame;

/// The kinds of frames. Those up to [`Kind::Ended`] come from the interpreter, the others from the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// What the process could take from itself; the first frame.
    Confined,
    /// An action for the door.
    Pass,
    /// A composite begins.
    Open,
    /// A composite ends.
    Close,
    /// An item of a `parallel` has failed.
    ItemFailed,
    /// A transaction is given up.
    Abandon,
    /// Whether a dry run has withheld a change of a target.
    AssumedTarget,
    /// What stands for the end of a wait in a dry run.
    Instead,
    /// A module is wanted.
    Import,
    /// A module was loaded.
    Loaded,
    /// The script shows something.
    Show,
    /// How many threads of the script are at work.
    Working,
    /// The script has ended, and these of its steps have functions that take them back.
    Kept,
    /// Such a function has ended.
    TakenBack,
    /// The script has ended.
    Ended,
    /// The script and all that is known of the run.
    Brief,
    /// An answer to the question of the same number.
    Answer,
    /// The run is cancelled.
    Cancel,
    /// How many threads are at work?
    HowMany,
    /// A step is to be taken back.
    TakeBack,
}

impl Kind {
    const ALL: [Self; 20] = [
        Self::Confined,
        Self::Pass,
        Self::Open,
        Self::Close,
        Self::ItemFailed,
        Self::Abandon,
        Self::AssumedTarget,
        Self::Instead,
        Self::Import,
        Self::Loaded,
        Self::Show,
        Self::Working,
        Self::Kept,
        Self::TakenBack,
        Self::Ended,
        Self::Brief,
        Self::Answer,
        Self::Cancel,
        Self::HowMany,
        Self::TakeBack,
    ];

    /// The kind of a frame.
    pub fn of(frame: &Frame) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == frame.kind)
    }

    /// A frame of this kind.
    pub fn frame(self, number: u64, head: &impl Serialize, body: Bytes) -> Frame {
        // What cannot be written as JSON does not occur; an empty head is refused at the other end.
        Frame { kind: self as u8, number, head: serde_json::to_vec(head).unwrap_or_default(), body }
    }
}

/// Asks for the function of a step.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeBack {
    /// The step's number among those that were kept.
    pub step: usize,
    /// The number of the next entry in the branch that the function is a part of.
    pub entry: u64,
}

/// Tells how such a function ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakenBack {
    /// As the end of a script is told.
    pub end: Json,
    /// The number of the next entry in the branch.
    pub entry: u64,
}

/// Something that a script shows, as the head of a frame.
pub fn shown_json(event: &OutputEvent) -> Json {
    match event {
        OutputEvent::Print(text) => json!(["print", text]),
        OutputEvent::Log(level, text) => json!(["log", level.name(), text]),
        OutputEvent::Table(rows) => json!(["table", code(rows)]),
        OutputEvent::Progress { id, done, total } => json!(["progress", id, done, total]),
        OutputEvent::Step(name, ended) => json!(["step", name, ended]),
    }
}

/// What [`shown_json`] wrote; nothing if it is none of it.
pub fn read_shown(mut json: Json, secret: SecretOf<'_>) -> Option<OutputEvent> {
    let text = |at: usize| json.get(at).and_then(Json::as_str).map(str::to_owned);
    let number = |at: usize| json.get(at).and_then(Json::as_u64);
    Some(match json.get(0)?.as_str()? {
        "print" => OutputEvent::Print(text(1)?),
        "log" => {
            let level = [Level::Info, Level::Warn, Level::Error]
                .into_iter()
                .find(|level| text(1).is_some_and(|word| word == level.name()));
            OutputEvent::Log(level?, text(2)?)
        }
        "table" => OutputEvent::Table(decode(json.get_mut(1)?.take(), secret)),
        "progress" => OutputEvent::Progress { id: number(1)?, done: number(2)?, total: number(3)? },
        "step" => OutputEvent::Step(text(1)?, json.get(2)?.as_bool()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::value::Value;

    #[test]
    fn whatever_is_shown_comes_as_it_went() {
        for event in [
            OutputEvent::Print("a\nb".into()),
            OutputEvent::Log(Level::Warn, "w".into()),
            OutputEvent::Table(Value::List(vec![Value::Int(1), Value::Secret(Secret::handle("#0"))])),
            OutputEvent::Progress { id: 1, done: 2, total: 3 },
            OutputEvent::Step("s".into(), None),
            OutputEvent::Step("s".into(), Some(false)),
        ] {
            assert_eq!(read_shown(shown_json(&event), &|handle| Secret::handle(handle)), Some(event));
        }
        assert_eq!(read_shown(json!(["log", "loud", "x"]), &|handle| Secret::handle(handle)), None);
    }

    #[test]
    fn every_kind_has_its_number() {
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, number);
            assert_eq!(Kind::of(&kind.frame(0, &(), Bytes::new())), Some(kind));
        }
    }
}
