//! The law of the ledger, due = started + merged + skipped at rest, over years that never were: stops, clocks
//! that jump, edits, pauses, firings by hand, files, failed runs, those that a person goes on with,
//! old rows folded, and writes that fail.
//!
//! A small model counts what must have fallen due; the ledger has to agree with it, and nothing may start twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rusqlite::OptionalExtension;

use crate::config::{Config, Environment};
use crate::state::State;
use crate::trigger::{Firing, Outcome, RunEnd, ScheduleDefinition, Triggers, WatchDefinition, fold, take_in_hand};

/// How far back a clock may be set, and how old a row must be to be folded.
const FAR: SignedDuration = SignedDuration::from_hours(24 * 390);
const OLD: SignedDuration = SignedDuration::from_hours(24 * 400);

const CRONS: [&str; 5] = ["30 2 * * *", "0,30 1,2 * * 0", "15 */6 * * *", "0 4 13 * fri", "7 * * * *"];

#[derive(Clone, Debug)]
enum Step {
    /// Time goes on, or the clock is set: by so many seconds.
    Clock(i64),
    /// The service looks at everything.
    Look,
    /// It looks while the database refuses to write one of its tables.
    Refused(&'static str),
    /// Runs start and end, at most so many.
    Work(usize, Outcome),
    /// A person goes on with a run that did not succeed.
    TakeInHand,
    /// Runs that a person has gone on with end.
    LetGo(Outcome),
    /// The service dies, with this many firings taken whose runs do not exist yet.
    Crash(usize),
    /// The schedule gets this expression, and the service reads it.
    Edit(usize),
    Pause,
    Resume,
    ByHand,
    File,
    Fold,
}

fn step() -> impl Strategy<Value = Step> {
    let outcomes = prop::sample::select(vec![
        Outcome::Succeeded,
        Outcome::Succeeded,
        Outcome::Failed,
        Outcome::TimedOut,
        Outcome::Refused,
        Outcome::Cancelled,
        Outcome::Uncertain,
    ]);
    let tables = vec![
        "INSERT ON main.ledger",
        "UPDATE ON main.ledger",
        "INSERT ON main.firing",
        "UPDATE ON main.firing",
        "UPDATE ON main.trigger_standing",
    ];
    prop_oneof![
        4 => (1_i64..20_000).prop_map(Step::Clock),
        4 => (20_000_i64..30 * 86_400).prop_map(Step::Clock),
        1 => (-10_000_i64..0).prop_map(Step::Clock),
        1 => (-150 * 86_400_i64..-11_000).prop_map(Step::Clock),
        1 => (60 * 86_400_i64..200 * 86_400).prop_map(Step::Clock),
        8 => Just(Step::Look),
        2 => prop::sample::select(tables).prop_map(Step::Refused),
        5 => (1_usize..5, outcomes.clone()).prop_map(|(most, outcome)| Step::Work(most, outcome)),
        1 => Just(Step::TakeInHand),
        1 => outcomes.prop_map(Step::LetGo),
        2 => (0_usize..3).prop_map(Step::Crash),
        1 => (0..CRONS.len()).prop_map(Step::Edit),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::ByHand),
        2 => Just(Step::File),
        1 => Just(Step::Fold),
    ]
}

/// What must have fallen due.
struct Model {
    /// The later of the last due instant and the first load of the definition.
    frontier: Timestamp,
    due: u64,
    files: u64,
    /// Files that were dropped and not seen yet.
    dropped: u64,
    paused: bool,
    /// Instants that have a firing, and its id.
    fired: BTreeMap<Timestamp, String>,
}

struct World {
    folder: tempfile::TempDir,
    state: Arc<State>,
    rules: String,
    cron: usize,
    triggers: Triggers,
    now: Timestamp,
    latest: Timestamp,
    model: Model,
    number: usize,
}

fn definitions(folder: &Path, cron: &str, rules: &str) -> (ScheduleDefinition, WatchDefinition) {
    let text = format!(
        "[schedules.job]\nplaybook = \"p\"\ncron = \"{cron}\"\ntimezone = \"Europe/Berlin\"\n{rules}\n\
         [watches.feed]\nplaybook = \"p\"\npaths = [\"inbox/*.txt\"]\nready = \"rename\"\n"
    );
    let path = folder.join("beadle.toml");
    std::fs::write(&path, text).unwrap();
    let (config, _) = Config::load(&path, &Environment::default()).unwrap();
    let schedule = ScheduleDefinition::new("job", &config.schedules["job"]).unwrap();
    (schedule, WatchDefinition::new("feed", &config.watches["feed"], &config.folder).unwrap())
}

impl World {
    fn new(rules: String) -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        std::fs::create_dir(folder.path().join("inbox")).unwrap();
        let state = Arc::new(State::open(&folder.path().join("state")).unwrap());
        let now: Timestamp = "2026-03-27T12:00:00Z".parse().unwrap();
        let (schedule, watch) = definitions(folder.path(), CRONS[0], &rules);
        let triggers = Triggers::open(Arc::clone(&state), vec![schedule], vec![watch], now).unwrap();
        let fired = BTreeMap::new();
        let model = Model { frontier: now, due: 0, files: 0, dropped: 0, paused: false, fired };
        Self { folder, state, rules, cron: 0, triggers, now, latest: now, model, number: 0 }
    }

    fn open(&mut self) {
        let (schedule, watch) = definitions(self.folder.path(), CRONS[self.cron], &self.rules);
        self.triggers = Triggers::open(Arc::clone(&self.state), vec![schedule], vec![watch], self.now).unwrap();
        self.triggers.recover(&|_| false).unwrap();
        if self.model.frontier.duration_since(self.now) > SignedDuration::from_hours(3) {
            self.model.frontier = self.now;
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Clock(by) => {
                let now = self.now + SignedDuration::from_secs(*by);
                self.now = now.max(self.latest - FAR);
                self.latest = self.latest.max(self.now);
            }
            Step::Look => self.look(),
            Step::Refused(what) => {
                self.see_fired();
                self.refuse(what, |world| {
                    let before = world.sums();
                    let refused = world.triggers.schedules.look(world.now).is_err();
                    assert!(!refused || world.sums() == before, "what was refused has left nothing");
                    world.triggers.watches.hint();
                    let _told = world.triggers.watches.look(world.now);
                });
                self.look_on();
                self.refuse(what, |world| {
                    let _told = world.triggers.take_queued(world.now, 2);
                });
                // What was taken when the answer was lost is queued again by the next service.
                self.open();
            }
            Step::Work(most, outcome) => {
                self.work(*most, *outcome);
            }
            Step::TakeInHand => self.take_in_hand(),
            Step::LetGo(outcome) => self.let_go(*outcome),
            Step::Crash(taken) => {
                let _lost = self.triggers.take_queued(self.now, *taken).unwrap();
                self.open();
            }
            Step::Edit(cron) => {
                if *cron != self.cron {
                    self.cron = *cron;
                    self.model.frontier = self.model.frontier.max(self.now);
                }
                self.open();
            }
            Step::Pause => {
                // What fell due before is decided on by the rules of before.
                self.see_fired();
                self.triggers.pause("job", self.now).unwrap();
                self.count();
                self.triggers.pause("feed", self.now).unwrap();
                self.model.paused = true;
            }
            Step::Resume => {
                self.see_fired();
                self.triggers.resume("job", self.now).unwrap();
                self.count();
                self.triggers.resume("feed", self.now).unwrap();
                self.model.paused = false;
            }
            Step::ByHand => {
                self.triggers.fire(&Firing::by_hand("job", None, self.now), self.now).unwrap();
                self.model.due += 1;
            }
            Step::File => {
                self.number += 1;
                std::fs::write(self.folder.path().join(format!("inbox/{}.txt", self.number)), "x").unwrap();
                self.model.dropped += 1;
            }
            Step::Fold => {
                fold(&self.state, self.now - OLD).unwrap();
            }
        }
        self.balance();
    }

    /// Has the database refuse one kind of write meanwhile.
    fn refuse(&mut self, what: &str, work: impl FnOnce(&mut Self)) {
        let begin = format!("CREATE TEMP TRIGGER refused BEFORE {what} BEGIN SELECT RAISE(ABORT, 'refused'); END");
        self.state.with(|connection| connection.execute_batch(&begin)).unwrap();
        work(self);
        self.state.with(|connection| connection.execute_batch("DROP TRIGGER refused")).unwrap();
    }

    fn look(&mut self) {
        self.see_fired();
        self.look_on();
    }

    fn look_on(&mut self) {
        loop {
            self.triggers.schedules.look(self.now).unwrap();
            if self.triggers.schedules.next().is_none_or(|next| next > self.now) {
                break;
            }
        }
        self.count();
        self.triggers.watches.hint();
        self.triggers.watches.look(self.now).unwrap();
        if !self.model.paused {
            self.model.files += std::mem::take(&mut self.model.dropped);
        }
    }

    /// What the schedule has brought up to now.
    fn count(&mut self) {
        let model = &mut self.model;
        let corrected = model.frontier.duration_since(self.now) > SignedDuration::from_hours(3);
        let from = if corrected { self.now } else { model.frontier };
        let (definition, _) = definitions(self.folder.path(), CRONS[self.cron], &self.rules);
        let due: Vec<_> = definition.schedule.due_between(from, self.now).collect();
        let new = due.iter().filter(|due| !model.fired.contains_key(&due.at));
        model.due += new.map(|due| 1 + u64::from(due.merged)).sum::<u64>();
        model.frontier = due.last().map_or(from, |due| due.at);
    }

    /// Which instants have gone off until now: when the clock is set back, they do not fall due again.
    fn see_fired(&mut self) {
        let model = &mut self.model;
        let rows = "SELECT due, id, state = 'skipped' FROM firing WHERE name = 'job' AND due IS NOT NULL";
        let rows: Vec<(i64, String, bool)> = self
            .state
            .with(|connection| {
                let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
                connection.prepare(rows)?.query_map([], row)?.collect()
            })
            .unwrap();
        let (skipped, fired): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(.., skipped)| *skipped);
        // One that was skipped falls due again, and may have gone off since with another firing.
        let skipped: BTreeSet<String> = skipped.into_iter().map(|(_, id, _)| id).collect();
        model.fired.retain(|_, id| !skipped.contains(id));
        for (due, id, _) in fired {
            let due = Timestamp::from_microsecond(due).unwrap();
            let known = model.fired.entry(due).or_insert_with(|| id.clone());
            assert_eq!(*known, id, "{due} has gone off twice");
        }
    }

    fn work(&mut self, most: usize, outcome: Outcome) -> usize {
        let taken = self.triggers.take_queued(self.now, most).unwrap();
        for firing in &taken {
            self.triggers.ended(&firing.id, outcome, self.now).unwrap();
        }
        // A trigger may be paused by its failures.
        self.model.paused = self.triggers.look_at("feed").unwrap().0.unwrap().paused;
        taken.len()
    }

    fn take_in_hand(&self) {
        let look = "SELECT id, run FROM firing WHERE state = 'ended' AND run IS NOT NULL AND outcome <> 'succeeded'
                    UNION SELECT firing, run FROM attempt WHERE outcome <> 'succeeded' LIMIT 1";
        let found = self.state.with(|connection| {
            connection.query_row(look, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).optional()
        });
        if let Some((firing, run)) = found.unwrap() {
            take_in_hand(&self.state, &firing, &run, self.now).unwrap();
        }
    }

    /// The terminal tells, and a service that has looked at the same moment.
    fn let_go(&self, outcome: Outcome) {
        for firing in self.triggers.in_hand().unwrap() {
            for _ in 0..2 {
                let end = RunEnd { firing: &firing.id, run: firing.run.as_deref(), outcome, failure: None };
                self.triggers.concluded(&end, self.now).unwrap();
                self.balance();
            }
        }
    }

    fn sums(&self) -> [u64; 5] {
        let sums = self.triggers.explain("job", 0).unwrap().1;
        [sums.due, sums.started, sums.merged, sums.skipped, sums.queued]
    }

    #[track_caller]
    fn balance(&self) {
        let [due, started, merged, skipped, queued] = self.sums();
        assert_eq!(due, started + merged + skipped + queued);
        let sums = self.triggers.explain("feed", 0).unwrap().1;
        assert_eq!(sums.due, sums.started + sums.merged + sums.skipped + sums.queued, "{sums:?}");
    }

    /// Everything comes to rest.
    fn rest(&mut self) {
        self.let_go(Outcome::Interrupted);
        self.triggers.resume("feed", self.now).unwrap();
        self.model.paused = false;
        // Those that wait for each other, for their jitter, and for another attempt, come one after the other.
        loop {
            self.look();
            while self.work(100, Outcome::Succeeded) > 0 {}
            match self.triggers.next_start(self.now).unwrap() {
                Some(next) => self.now = next,
                None => break,
            }
        }
        self.see_fired();
        let [due, started, merged, skipped, queued] = self.sums();
        assert_eq!((queued, due), (0, started + merged + skipped));
        assert_eq!(due, self.model.due, "what fell due is what the model says");
        let files = self.triggers.explain("feed", 0).unwrap().1;
        assert_eq!((files.queued, files.started, files.due), (0, self.model.files, self.model.files));
    }
}

fn rules() -> impl Strategy<Value = String> {
    (
        prop::sample::select(vec!["skip", "queue", "parallel", "cancel-old"]),
        prop::sample::select(vec!["none", "latest", "all"]),
        prop::sample::select(vec!["1h", "30d", "2000d"]),
        prop::sample::select(vec!["0s", "20m"]),
        prop::sample::select(vec!["", "retry = { attempts = 3, backoff = \"5m\" }", "pause_after = 2"]),
    )
        .prop_map(|(overlap, missed, window, jitter, failures)| {
            format!(
                "overlap = \"{overlap}\"\nmissed = \"{missed}\"\nwindow = \"{window}\"\njitter = \"{jitter}\"\n{failures}"
            )
        })
}

fn holds(rules: String, steps: &[Step]) {
    let mut world = World::new(rules);
    steps.iter().for_each(|step| world.take(step));
    world.rest();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_fell_due_was_started_merged_or_skipped(rules in rules(), steps in prop::collection::vec(step(), 1..60)) {
        holds(rules, &steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    #[ignore = "takes minutes: tests/long/time.sh runs it"]
    fn what_fell_due_was_started_merged_or_skipped_for_long(
        rules in rules(), steps in prop::collection::vec(step(), 1..120),
    ) {
        holds(rules, &steps);
    }
}
