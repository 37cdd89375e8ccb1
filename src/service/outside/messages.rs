//! What triggers tell channels: how a run ended, and what was not started.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::door::{Message, MessageKind, one_line};
use crate::run::{Ending, Outcome};
use crate::trigger::Missed;

/// A run that is going, as far as a message needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct Going {
    /// The trigger.
    pub(super) trigger: String,
    /// The playbook.
    pub(super) playbook: String,
    /// What set it off.
    pub(super) why: String,
    /// How much later than due it began.
    pub(super) late: Option<Duration>,
}

/// A length of time for people.
fn span(length: Duration) -> String {
    match length.as_secs() {
        0 => format!("{} ms", length.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Lines with their names in a column, so that a mail can be read at a glance.
fn lines(rows: &[(&str, String)]) -> String {
    rows.iter().map(|(name, value)| format!("{name:<9} {value}")).collect::<Vec<_>>().join("\n")
}

/// How a run of a trigger ended.
pub(super) fn of_ending(going: &Going, ending: &Ending) -> Message {
    let Going { trigger, playbook, why, late } = going;
    let outcome = ending.outcome;
    let (counts, run) = (ending.counts, &ending.id);
    let mut rows = vec![
        ("trigger", format!("{trigger} ({why})")),
        ("playbook", playbook.clone()),
        ("run", format!("{run}, shown by `beadle runs show {run}`")),
        ("outcome", format!("{outcome} after {}", span(ending.elapsed))),
    ];
    let mut facts = Map::from_iter([
        ("trigger".to_owned(), Json::from(trigger.as_str())),
        ("playbook".to_owned(), playbook.as_str().into()),
        ("run".to_owned(), run.as_str().into()),
        ("outcome".to_owned(), outcome.name().into()),
        ("elapsed_ms".to_owned(), json!(u64::try_from(ending.elapsed.as_millis()).unwrap_or(u64::MAX))),
        ("reads".to_owned(), json!(counts.reads)),
        ("changes".to_owned(), json!(counts.changes)),
    ]);
    if let Some(late) = late {
        rows.push(("late", span(*late)));
        facts.insert("late_ms".into(), json!(u64::try_from(late.as_millis()).unwrap_or(u64::MAX)));
    }
    rows.push(("changes", format!("{} (and {} reads)", counts.changes, counts.reads)));
    let mut subject = format!("{trigger} {outcome}");
    if let Some(error) = &ending.error {
        let place = error.place.as_ref().map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default();
        rows.push(("error", format!("{}{place}", error.message)));
        let (file, line) = error.place.clone().unzip();
        facts.insert("error".into(), json!({ "message": error.message, "file": file, "line": line }));
        subject = format!("{subject}: {}", error.message);
    }
    let kind = if outcome == Outcome::Succeeded { MessageKind::Succeeded } else { MessageKind::Failed };
    Message { kind, subject: one_line(&subject), text: lines(&rows), facts }
}

/// What fell due, or was ready, and was not started.
pub(super) fn of_missed(missed: &Missed, playbook: &str) -> Message {
    let Missed { trigger, first, last, count, why } = missed;
    let when = if first == last { first.to_string() } else { format!("{first} to {last}") };
    let subject = match count {
        1 => format!("{trigger} was not started: {why}"),
        _ => format!("{trigger} was not started {count} times: {why}"),
    };
    let rows = [
        ("trigger", trigger.clone()),
        ("playbook", playbook.to_owned()),
        ("due", when),
        ("skipped", format!("{count}, since {why}")),
        ("more", format!("`beadle triggers explain {trigger}` shows all of it")),
    ];
    let facts = Map::from_iter([
        ("trigger".to_owned(), Json::from(trigger.as_str())),
        ("playbook".to_owned(), playbook.into()),
        ("first".to_owned(), first.to_string().into()),
        ("last".to_owned(), last.to_string().into()),
        ("count".to_owned(), json!(count)),
        ("why".to_owned(), why.as_str().into()),
    ]);
    Message { kind: MessageKind::Missed, subject: one_line(&subject), text: lines(&rows), facts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Counts, RunError};

    #[test]
    fn a_message_tells_what_a_person_asks_first() {
        let going = Going {
            trigger: "nightly".into(),
            playbook: "std/seg/backup".into(),
            why: "due 2026-11-25T02:00:00Z".into(),
            late: Some(Duration::from_millis(3_200)),
        };
        let ending = Ending {
            id: "abc".into(),
            outcome: Outcome::Failed,
            value: None,
            error: Some(RunError {
                message: "the disk is full".into(),
                report: String::new(),
                fault: None,
                place: Some(("backup.rhai".into(), 12)),
            }),
            plan: None,
            unasked: Vec::new(),
            counts: Counts { reads: 4, changes: 1, withheld: 0 },
            elapsed: Duration::from_secs(150),
        };
        let message = of_ending(&going, &ending);
        assert_eq!(message.subject, "nightly failed: the disk is full");
        for line in ["outcome   failed after 2 min", "late      3 s", "error     the disk is full (backup.rhai:12)"] {
            assert!(message.text.lines().any(|other| other == line), "{line} is missing in\n{}", message.text);
        }
        assert_eq!(message.facts["error"]["line"], 12);
    }
}
