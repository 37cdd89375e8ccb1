//! Crash proof: the real binary is killed at random instants and at every named boundary, with answers lost,
//! and resumed until it has ended. Then the appliances are asked.
//!
//! A failure names its round; `BEADLE_CRASH_SEED=… BEADLE_CRASH_ROUND=…` does that one again.

mod script;
pub mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use script::{NAME, Size};
use world::{Ending, World};

/// The named boundaries, and how often a small run comes by, about.
const POINTS: &[(&str, u64)] = &[
    ("intending", 60),
    ("intended", 60),
    ("answered", 70),
    ("recording", 150),
    ("recorded", 150),
    ("item", 20),
    ("joined", 5),
    ("announced", 1),
    ("stored", 7),
    ("written", 1),
    ("opened", 3),
    ("committing", 3),
    ("committed", 3),
    ("ending", 2),
    ("ended", 2),
];

/// Boundaries of a resume.
const RESUMING: &[(&str, u64)] = &[("readying", 2), ("ready", 2)];

/// What happens in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Killed at some instant.
    Instant,
    /// Killed at a named boundary.
    Boundary,
    /// Killed at a named boundary, and answers are lost.
    Lost,
    /// Killed again while it is resumed.
    Resuming,
}

fn point(random: &mut Rng, points: &[(&str, u64)], size: Size) -> String {
    let (name, often) = points[random.usize(..points.len())];
    let times = if size == Size::Large { 6 } else { 1 };
    format!("{name}:{}", random.u64(1..=often * times))
}

fn faults(random: &mut Rng) -> (Vec<String>, Vec<String>) {
    let how = |random: &mut Rng| ["lost", "lost-before", "cut", "hang"][random.usize(..4)];
    let mut seg = vec![format!("{}={}@delta", how(random), random.u64(1..40))];
    if random.bool() {
        seg.push(format!("{}={}@usermaintained", how(random), random.u64(1..3)));
    }
    if random.u8(..4) == 0 {
        seg.push("latency=2ms".into());
    }
    if random.u8(..3) == 0 {
        // The appliance's own word: the call fails, and the run with it.
        seg.push(format!("every={}:500@delta", random.u64(15..60)));
    }
    // The first request of a transaction opens it, the second one commits.
    let sps = vec![format!("{}={}@transaction", how(random), 2 * random.u64(1..4))];
    (seg, sps)
}

struct Suite {
    runtime: tokio::runtime::Runtime,
    /// What an undisturbed run comes to, and in how many milliseconds.
    undisturbed: BTreeMap<Size, (Ending, u64)>,
    seed: u64,
    /// How often a process died, by the boundary that it died at.
    deaths: Mutex<BTreeMap<String, u64>>,
}

impl Suite {
    fn new(seed: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let undisturbed = [Size::Small, Size::Large].into_iter().map(|size| {
            let world = World::new(&runtime, size);
            let begun = Instant::now();
            world.sandbox.run(&["run", NAME, "--yes"]).code(0).out(&["done"]);
            let took = u64::try_from(begun.elapsed().as_millis()).unwrap();
            world.assert_once("undisturbed");
            (size, (world.ending(), took))
        });
        Self { undisturbed: undisturbed.collect(), runtime, seed, deaths: Mutex::default() }
    }

    fn round(&self, kind: Kind, round: u64) {
        let mut random = Rng::with_seed(self.seed.wrapping_mul(1_000_003).wrapping_add(round));
        let which = format!("BEADLE_CRASH_SEED={} BEADLE_CRASH_ROUND={round} ({kind:?})", self.seed);
        let size = if random.u8(..40) == 0 { Size::Large } else { Size::Small };
        let world = World::new(&self.runtime, size);
        let mut answers_errors = false;
        if kind == Kind::Lost || random.u8(..5) == 0 {
            let (seg, sps) = faults(&mut random);
            answers_errors = seg.iter().any(|fault| fault.contains(":500"));
            world.fail(&seg, &sps);
        }
        let mut kills = match kind {
            Kind::Resuming => random.u8(2..=3),
            _ => random.u8(1..=2),
        };
        let (mut known, mut told) = (false, Vec::new());
        for execution in 0.. {
            assert!(execution < 12, "{which}: it does not come to an end:\n{}", told.join("\n"));
            let arguments: &[&str] =
                if known { &["runs", "resume", "latest", "--yes"] } else { &["run", NAME, "--yes"] };
            let (mut at, mut after) = (None, None);
            if kills > 0 {
                kills -= 1;
                match kind {
                    Kind::Instant => after = Some(Duration::from_millis(random.u64(5..5 + self.undisturbed[&size].1))),
                    Kind::Resuming if known && random.bool() => at = Some(point(&mut random, RESUMING, size)),
                    _ => at = Some(point(&mut random, POINTS, size)),
                }
            }
            let ran = world.execute(arguments, at.as_deref(), after);
            if ran.code < 0 {
                let at = at.as_deref().and_then(|at| at.split(':').next()).unwrap_or("some instant");
                *self.deaths.lock().unwrap().entry(at.to_owned()).or_default() += 1;
            }
            told.push(format!("{arguments:?} {at:?} {after:?}: {}\n{}{}", ran.code, ran.out, ran.err));
            let ended = ran.code == 0 || ran.err.contains("has succeeded");
            if ended {
                break;
            }
            // Every row says how its lost answer is settled: uncertain is only what the appliance answers with
            // an error after that, and a resume settles it.
            let allowed = matches!(ran.code, -1 | 1 | 5) || ran.err.contains("there is no run yet");
            let uncertain = ran.code == 5 && !answers_errors;
            let wrong = ["diverged", "the journal", "no transaction to commit"];
            let wrong = wrong.iter().any(|word| ran.err.contains(word));
            assert!(allowed && !wrong && !uncertain, "{which}:\n{}", told.join("\n"));
            known = !world.journal().runs().unwrap().is_empty();
        }
        let which = format!("{which}\n{}\n", told.join("\n"));
        world.assert_once(&which);
        world.assert_journal(&which);
        assert_eq!(world.ending(), self.undisturbed[&size].0, "{which}");
        if round.is_multiple_of(5) {
            world.assert_replay(&which);
        }
    }

    /// Rounds on two threads: one waits for the disk or for a time-out while the other works.
    fn rounds(&self, kind: Kind, rounds: Range<u64>) {
        let next = AtomicU64::new(rounds.start);
        let failed = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let round = next.fetch_add(1, Ordering::Relaxed);
                        if round >= rounds.end || failed.lock().unwrap().is_some() {
                            break;
                        }
                        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.round(kind, round)));
                        if done.is_err() {
                            *failed.lock().unwrap() = Some(round);
                        }
                    }
                });
            }
        });
        let failed = failed.into_inner().unwrap();
        assert!(failed.is_none(), "round {failed:?} of seed {} failed: see above", self.seed);
        self.assert_deaths(kind, rounds.end - rounds.start);
    }

    /// The processes did die, and at every boundary.
    fn assert_deaths(&self, kind: Kind, rounds: u64) {
        let deaths = self.deaths.lock().unwrap();
        assert!(deaths.values().sum::<u64>() * 2 > rounds, "{kind:?}: hardly any process died: {deaths:?}");
        let points: &[&[(&str, u64)]] = match kind {
            Kind::Instant => &[],
            Kind::Boundary | Kind::Lost => &[POINTS],
            Kind::Resuming => &[POINTS, RESUMING],
        };
        let missed = points.iter().flat_map(|points| points.iter()).filter(|(point, _)| !deaths.contains_key(*point));
        let missed: Vec<_> = missed.map(|(point, _)| point).collect();
        // Chance may leave one out of a few rounds.
        assert!(missed.is_empty() || rounds < 200 && missed.len() < 4, "{kind:?}: no process died at {missed:?}");
    }
}

fn number(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "how long a test is, is its caller's choice")]
    std::env::var(name).ok()?.parse().ok()
}

/// The rounds of one kind: 75 in CI, as many as the long suite wants, or the one that failed.
fn suite(kind: Kind) {
    let suite = Suite::new(number("BEADLE_CRASH_SEED").unwrap_or(1));
    match number("BEADLE_CRASH_ROUND") {
        Some(round) => suite.round(kind, round),
        None => suite.rounds(kind, 0..number("BEADLE_CRASH_ROUNDS").unwrap_or(300).div_ceil(4)),
    }
}

#[test]
fn a_run_killed_at_some_instant_makes_every_change_once() {
    suite(Kind::Instant);
}

#[test]
fn a_run_killed_at_a_named_boundary_makes_every_change_once() {
    suite(Kind::Boundary);
}

#[test]
fn a_run_that_is_killed_and_loses_answers_makes_every_change_once() {
    suite(Kind::Lost);
}

#[test]
fn a_run_killed_again_while_it_is_resumed_makes_every_change_once() {
    suite(Kind::Resuming);
}
