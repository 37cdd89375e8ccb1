//! What comes again and again, problems and missed firings, is told once, and then with their count at growing intervals.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::service::event::{ServiceEvent, Tell};
use crate::trigger::Missed;

/// How long a problem that is told for the first time is not told again.
const FIRST: Duration = Duration::from_secs(300);

/// How long it is at most not told while it comes.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// How many problems are remembered.
const REMEMBERED: usize = 1_000;

struct Known {
    told: Instant,
    again: Duration,
    since: u64,
    latest: Instant,
}

/// Problems that were told.
#[derive(Default)]
struct Repeats(HashMap<String, Known>);

impl Repeats {
    /// What there is to tell of `count` more of something that come now, as its text and their number;
    /// nothing if it was told a while ago.
    fn told(&mut self, problem: &str, count: u64, now: Instant) -> Option<(String, u64)> {
        // One that has stayed away for as long as it was not told is a new one.
        self.0.retain(|_, known| now.duration_since(known.latest) < known.again * 2);
        let Some(known) = self.0.get_mut(problem) else {
            if self.0.len() < REMEMBERED {
                self.0.insert(problem.to_owned(), Known { told: now, again: FIRST, since: 0, latest: now });
            }
            return Some((problem.to_owned(), count));
        };
        known.since += count;
        known.latest = now;
        let past = now.duration_since(known.told);
        if past < known.again {
            return None;
        }
        let (since, minutes) = (known.since, past.as_secs() / 60);
        *known = Known { told: now, again: (known.again * 2).min(LONGEST), since: 0, latest: now };
        Some((format!("{problem} ({since} times in the last {minutes} min)"), since))
    }
}

/// The same, with what is repeated told less often.
pub fn calm(tell: Tell) -> Tell {
    let (problems, missed) = (Mutex::<Repeats>::default(), Mutex::<HashMap<String, Repeats>>::default());
    Arc::new(move |event| match event {
        ServiceEvent::Problem(problem) => {
            let told = locked(&problems).told(&problem, 1, Instant::now());
            told.into_iter().for_each(|(problem, _)| tell(ServiceEvent::Problem(problem)));
        }
        ServiceEvent::Missed(one) => {
            let told =
                locked(&missed).entry(one.trigger.clone()).or_default().told(&one.why, one.count, Instant::now());
            let again = |(why, count)| tell(ServiceEvent::Missed(Missed { why, count, ..one.clone() }));
            told.into_iter().for_each(again);
        }
        other => tell(other),
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_every_half_minute_is_told_at_growing_intervals() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let told: Vec<(u64, String)> = (0..=240)
            .map(|n| n * 30)
            .filter_map(|second| Some((second, repeats.told("x", 1, begun + Duration::from_secs(second))?.0)))
            .collect();
        let text = |(second, text): &(u64, String)| format!("{second}: {text}");
        let told: Vec<String> = told.iter().map(text).collect();
        assert_eq!(
            told,
            [
                "0: x",
                "300: x (10 times in the last 5 min)",
                "900: x (20 times in the last 10 min)",
                "2100: x (40 times in the last 20 min)",
                "4500: x (80 times in the last 40 min)"
            ]
        );
    }

    #[test]
    fn one_that_has_stayed_away_is_told_anew_and_memory_is_bounded() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        assert!(repeats.told("x", 1, begun).is_some() && repeats.told("x", 1, begun).is_none());
        assert_eq!(repeats.told("x", 1, begun + Duration::from_secs(601)), Some(("x".to_owned(), 1)));
        for n in 0..2 * REMEMBERED {
            repeats.told(&format!("p{n}"), 1, begun + Duration::from_secs(601));
        }
        assert!(repeats.0.len() <= REMEMBERED);
    }
}
