//! Logs, to standard error: what happens inside, for whoever looks for a fault, and what the service
//! does, for whoever runs it.

use std::fmt::{Debug, Write as _};
use std::io::{IsTerminal as _, Write as _};

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::clock::{Clock, SystemClock};
use crate::secret::Masker;

/// Starts the inner log if it is asked for: by `-v`, or by `BEADLE_LOG`.
pub fn start(verbose: u8, wanted: Option<&str>, no_color: bool) {
    let Some(filter) = filter(verbose, wanted, None) else { return };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let coloured = std::io::stderr().is_terminal() && !no_color;
    // Where nobody reads standard error any more, nobody is told of that either.
    let started = lines.with_ansi(coloured).log_internal_errors(false).try_init();
    // A second start in one process would be the tests', and changes nothing.
    drop(started);
}

/// How the service's log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a person at a terminal, with colours or without.
    Human {
        /// Whether it is coloured.
        colours: bool,
    },
    /// A JSON document a line.
    Json,
}

/// Starts the log of the service; secrets are masked in every line.
pub fn start_service(verbose: u8, wanted: Option<&str>, form: Form, masker: Masker) {
    let Some(filter) = filter(verbose, wanted, Some("beadle=info")) else { return };
    let started = tracing_subscriber::registry().with(Lines { form, masker }.with_filter(filter)).try_init();
    drop(started);
}

fn filter(verbose: u8, wanted: Option<&str>, usual: Option<&str>) -> Option<EnvFilter> {
    match (wanted, verbose) {
        (Some(wanted), _) => Some(EnvFilter::new(wanted)),
        (None, 0) => usual.map(EnvFilter::new),
        (None, 1) => Some(EnvFilter::new("beadle=debug")),
        (None, _) => Some(EnvFilter::new("beadle=trace,hyper=debug,reqwest=debug")),
    }
}

/// Writes each event as a line.
struct Lines {
    form: Form,
    masker: Masker,
}

/// The message of an event, and its fields.
#[derive(Default)]
struct Members {
    message: String,
    fields: Map<String, Json>,
}

impl Members {
    fn add(&mut self, field: &Field, value: Json) {
        self.fields.insert(field.name().to_owned(), value);
    }

    fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Json::as_str).unwrap_or_default()
    }
}

impl Visit for Members {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.add(field, format!("{value:?}").into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut members = Members::default();
        event.record(&mut members);
        let level = *event.metadata().level();
        let line = match self.form {
            Form::Json => self.json(level, members),
            Form::Human { colours } => self.masker.mask(&human(level, &members, colours)).into_owned(),
        };
        // One write for each line, so that lines of several threads do not get mixed up.
        let _closed = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

impl Lines {
    fn json(&self, level: Level, members: Members) -> String {
        let mut line = Map::new();
        line.insert("at".into(), SystemClock.now().to_string().into());
        line.insert("level".into(), word(level).into());
        line.insert("message".into(), members.message.trim_start_matches('\n').into());
        line.extend(members.fields);
        let mut line = Json::Object(line);
        self.masker.mask_json(&mut line);
        format!("{line}\n")
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// `02:00:03 nightly-backup k3x9  the run begins (due …)`: the time here, whose line it is, what happened.
fn human(level: Level, members: &Members, colours: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colours && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let here = jiff::tz::TimeZone::system().to_datetime(SystemClock.now());
    let time = here.strftime("%H:%M:%S").to_string();
    let mut line = paint("2", &time);
    let trigger = members.text("trigger");
    if !trigger.is_empty() {
        // The beginning of a run's id is enough for `beadle runs show`.
        let run: String = members.text("run").chars().take(6).collect();
        let _infallible = write!(line, " {} {}", paint("36", trigger), paint("2", &run));
        line.truncate(line.trim_end().len());
    }
    let level = match level {
        Level::ERROR => paint("1;31", "error: "),
        Level::WARN => paint("33", "warn: "),
        Level::INFO => String::new(),
        _ => paint("2", &format!("{}: ", word(level))),
    };
    // What begins with a line break, such as a table, stands below its head as a whole.
    let mut lines = members.message.lines();
    let first = lines.next().unwrap_or_default();
    let gap = if first.is_empty() { "" } else { "  " };
    let _infallible = writeln!(line, "{gap}{level}{first}");
    for rest in lines {
        let _infallible = writeln!(line, "    {rest}");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn members() -> Members {
        let mut members = Members { message: "it is canary-4711\nsecond".into(), ..Members::default() };
        members.fields.insert("trigger".into(), "nightly".into());
        members.fields.insert("run".into(), "abcdefghijkl".into());
        members.fields.insert("changes".into(), 3.into());
        members
    }

    #[test]
    fn a_line_for_people_says_whose_it_is() {
        let line = human(Level::WARN, &members(), false);
        let (time, rest) = line.split_at(8);
        assert!(time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':'), "{line}");
        assert_eq!(rest, " nightly abcdef  warn: it is canary-4711\n    second\n");
    }

    #[test]
    fn a_line_for_programs_is_one_document_without_secrets() {
        let masker = Masker::new();
        masker.learn(&Secret::new("env:X", "canary-4711"));
        let line = Lines { form: Form::Json, masker }.json(Level::INFO, members());
        let json: Json = serde_json::from_str(&line).unwrap();
        assert_eq!((&json["message"], &json["run"]), (&"it is ***\nsecond".into(), &"abcdefghijkl".into()));
        assert_eq!((&json["level"], &json["changes"]), (&"info".into(), &3.into()));
    }
}
