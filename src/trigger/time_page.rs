//! The examples of `docs/time.md`, run.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::{Config, Environment};
use crate::state::State;
use crate::trigger::cron::Schedule;
use crate::trigger::{LedgerRow, Outcome, ScheduleDefinition, Triggers};

/// The fenced blocks of a kind, as lines.
fn blocks(kind: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/time.md")).unwrap();
    let mut blocks = Vec::new();
    let mut inside: Option<Vec<String>> = None;
    for line in page.lines() {
        match &mut inside {
            None if line == format!("```{kind}") => inside = Some(Vec::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(inside.take()),
            Some(lines) => lines.push(line.to_owned()),
        }
    }
    blocks
}

#[test]
fn the_instants_on_the_page_of_time_are_those_of_the_schedules() {
    let blocks = blocks("due");
    assert!(blocks.len() >= 12, "{}", blocks.len());
    for block in blocks {
        let head: Vec<&str> = block[0].split(" | ").collect();
        let from: Timestamp = head[2].strip_prefix("from ").unwrap().parse().unwrap();
        let schedule = Schedule::parse(head[0], TimeZone::get(head[1]).unwrap()).unwrap();
        let due = schedule.due_between(from, Timestamp::MAX).take(block.len() - 1);
        let shown: Vec<String> = due.map(|due| schedule.explain(&due)).collect();
        assert_eq!(shown, block[1..], "{}", block[0]);
    }
}

/// A schedule as a block configures it, and what happens to it.
struct Story {
    folder: tempfile::TempDir,
    config: String,
    state: Arc<State>,
    triggers: Option<Triggers>,
    /// The firing whose run is going.
    going: Option<String>,
}

impl Story {
    fn new(keys: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(&folder.path().join("state")).unwrap());
        let config = format!("[schedules.job]\nplaybook = \"p\"\n{}\n", keys.join("\n"));
        Self { folder, config, state, triggers: None, going: None }
    }

    fn triggers(&mut self) -> &mut Triggers {
        self.triggers.as_mut().unwrap()
    }

    fn happens(&mut self, now: Timestamp, what: &str) {
        match what.split_once(' ').unwrap_or((what, "")) {
            ("serve", _) => {
                let path = self.folder.path().join("beadle.toml");
                std::fs::write(&path, &self.config).unwrap();
                let (config, _) = Config::load(&path, &Environment::default()).unwrap();
                let schedule = ScheduleDefinition::new("job", &config.schedules["job"]).unwrap();
                let opened = Triggers::open(Arc::clone(&self.state), vec![schedule], Vec::new(), now).unwrap();
                self.triggers = Some(opened);
                self.look(now);
            }
            ("look", _) => self.look(now),
            ("start", _) => {
                self.triggers().schedules.look(now).unwrap();
                let firing = self.triggers().take_queued(now, 1).unwrap().remove(0).id;
                self.going = Some(firing);
            }
            ("end", word) => {
                let outcomes = [Outcome::Succeeded, Outcome::Failed];
                let outcome = outcomes.into_iter().find(|outcome| outcome.name() == word).unwrap();
                let firing = self.going.take().unwrap();
                self.triggers().ended(&firing, outcome, now).unwrap();
            }
            ("pause", _) => self.triggers().pause("job", now).unwrap(),
            ("resume", _) => self.triggers().resume("job", now).unwrap(),
            (other, _) => panic!("{other}"),
        }
    }

    /// A service with nothing else to do: what may start is started, and ends at once.
    fn look(&mut self, now: Timestamp) {
        let triggers = self.triggers();
        triggers.schedules.look(now).unwrap();
        while triggers.schedules.next().is_some_and(|next| next <= now) {
            triggers.schedules.look(now).unwrap();
        }
        loop {
            let taken = triggers.take_queued(now, 1).unwrap();
            let Some(firing) = taken.first() else { return };
            triggers.ended(&firing.id, Outcome::Succeeded, now).unwrap();
        }
    }
}

fn shown(row: &LedgerRow) -> String {
    let mut text = format!("{} {} from {}", row.state, row.count, row.first);
    if let Some(late) = row.late {
        text.push_str(&format!(", {}s late", late / 1_000_000));
    }
    let outcomes: Vec<&str> = row.runs.iter().filter_map(|run| run.outcome.as_deref()).collect();
    if outcomes.contains(&"failed") {
        text.push_str(&format!(", {}", outcomes.join(", ")));
    }
    if let Some(reason) = &row.reason {
        text.push_str(&format!(", {reason}"));
    }
    text
}

#[test]
fn the_stories_on_the_page_of_time_end_as_they_say() {
    let blocks = blocks("ledger");
    assert!(blocks.len() > 10, "{}", blocks.len());
    for block in blocks {
        let is_key = |line: &&String| line.contains(" = ");
        let keys: Vec<String> = block.iter().take_while(is_key).cloned().collect();
        let mut story = Story::new(&keys);
        let mut wanted = Vec::new();
        for line in &block[keys.len()..] {
            match line.split_once(' ').map(|(first, rest)| (first.parse::<Timestamp>(), rest)) {
                Some((Ok(now), what)) => story.happens(now, what),
                _ => wanted.push(line.clone()),
            }
        }
        let (_, sums, rows) = story.triggers().explain("job", 100).unwrap();
        let rows: Vec<String> = rows.iter().map(shown).collect();
        assert_eq!(rows, wanted, "{}", block.join("\n"));
        assert_eq!(sums.due, sums.started + sums.merged + sums.skipped + sums.queued);
    }
}
