//! An alarm by the system's clock: whoever sleeps with it wakes at an instant of that clock, as soon as the clock is
//! set, or when somebody rings, and at no other time.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read, write};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::clock::{Clock, SystemClock, may_jump, wrong_by};

/// Where the system does not tell that its clock was set, whoever sleeps looks at it this often.
const LOOK: Duration = Duration::from_secs(60);

/// How often a clock is looked at that a test sets.
const LOOK_AT_TEST: Duration = Duration::from_millis(50);

/// Never, as the kernel's timers know it.
const NEVER: Timespec = Timespec { tv_sec: i64::MAX, tv_nsec: 0 };

/// What one thread sleeps with.
#[derive(Debug)]
pub struct Alarm {
    /// What wakes at an instant of the clock, and when the clock is set; none where the system has no such thing.
    timer: Option<OwnedFd>,
    bell: Arc<OwnedFd>,
    /// By how much a test had set the clock wrong when the sleeper woke last.
    wrong: SignedDuration,
}

/// Wakes whoever sleeps with an alarm, from any thread.
#[derive(Clone, Debug)]
pub struct Ringer(Arc<OwnedFd>);

impl Ringer {
    /// Wakes the sleeper; one that is awake does not sleep the next time.
    pub fn ring(&self) {
        // A count that is full is a bell that was rung.
        let _rung = write(&*self.0, &1_u64.to_ne_bytes());
    }
}

impl Alarm {
    /// An alarm that nobody sleeps with yet. From now on it notices when the clock is set.
    ///
    /// # Errors
    /// No descriptor can be had.
    pub fn new() -> std::io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags).and_then(|timer| arm(&timer, NEVER).map(|_| timer));
        let timer = timer.inspect_err(|error| without_timer(*error)).ok();
        Ok(Self { timer, bell, wrong: wrong_by() })
    }

    /// What wakes the sleeper.
    pub fn ringer(&self) -> Ringer {
        Ringer(Arc::clone(&self.bell))
    }

    /// Sleeps until then by the system's clock, until that clock is set or until the bell is rung, whichever is
    /// first. Without an instant only the other two end it. Gives whether the clock may have been set.
    pub fn sleep(&mut self, until: Option<Timestamp>) -> bool {
        let due = until.map(|until| until.saturating_sub(self.wrong).unwrap_or(until));
        match self.timer.as_ref().map(|timer| arm(timer, due.map_or(NEVER, spec))) {
            None | Some(Ok(true)) => {}
            // It was set since the last sleep, and the instant was chosen by the old time.
            Some(Ok(false)) => return true,
            Some(Err(error)) => {
                without_timer(error);
                self.timer = None;
            }
        }
        while self.wrong == wrong_by() {
            let mut waited_for = vec![PollFd::new(&*self.bell, PollFlags::IN)];
            waited_for.extend(self.timer.as_ref().map(|timer| PollFd::new(timer, PollFlags::IN)));
            let woken =
                poll(&mut waited_for, self.looks(until).and_then(|wait| Timespec::try_from(wait).ok()).as_ref());
            // What a test sets is not the system's clock, and nobody tells of it: then the wait goes on.
            if woken != Ok(0) || self.timer.is_none() {
                break;
            }
        }
        let was_wrong = std::mem::replace(&mut self.wrong, wrong_by());
        // Taken, so that they do not wake the next sleep too.
        let _how_often = read(&*self.bell, &mut [0_u8; 8]);
        let told = self.timer.as_ref().map(|timer| read(timer, &mut [0_u8; 8]));
        told.is_none_or(|told| told == Err(Errno::CANCELED)) || was_wrong != self.wrong
    }

    /// After how long at most the sleeper looks at the clock by himself.
    fn looks(&self, until: Option<Timestamp>) -> Option<Duration> {
        if self.timer.is_some() {
            return may_jump().then_some(LOOK_AT_TEST);
        }
        let left = until.map(|until| Duration::try_from(until.duration_since(SystemClock.now())).unwrap_or_default());
        Some(left.map_or(LOOK, |left| left.min(LOOK)))
    }
}

/// Sets the timer; `false` if the clock was set since it was set last.
fn arm(timer: &OwnedFd, due: Timespec) -> Result<bool, Errno> {
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let never_again = Timespec { tv_sec: 0, tv_nsec: 0 };
    match timerfd_settime(timer, flags, &Itimerspec { it_interval: never_again, it_value: due }) {
        Ok(_) => Ok(true),
        Err(Errno::CANCELED) => Ok(false),
        Err(error) => Err(error),
    }
}

/// An instant for the kernel, to which zero is no instant and what comes before is a mistake.
fn spec(at: Timestamp) -> Timespec {
    let past = Timespec { tv_sec: 0, tv_nsec: 1 };
    if at <= Timestamp::UNIX_EPOCH {
        return past;
    }
    Timespec { tv_sec: at.as_second(), tv_nsec: at.subsec_nanosecond().into() }
}

fn without_timer(error: Errno) {
    tracing::debug!(
        "the system does not tell when its clock is set ({error}): it is looked at every {} s",
        LOOK.as_secs()
    );
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// How long a sleep takes.
    fn slept(alarm: &mut Alarm, until: Option<Timestamp>) -> Duration {
        let begun = Instant::now();
        let is_set = alarm.sleep(until);
        assert!(!is_set || alarm.timer.is_none(), "nobody has set the clock");
        begun.elapsed()
    }

    fn in_ms(ms: i64) -> Option<Timestamp> {
        SystemClock.now().checked_add(SignedDuration::from_millis(ms)).ok()
    }

    #[test]
    fn a_sleeper_wakes_at_the_instant_whether_the_system_has_timers_or_not() {
        for has_timer in [true, false] {
            let mut alarm = Alarm::new().unwrap();
            assert!(alarm.timer.is_some(), "this system tells when its clock is set");
            alarm.timer.take_if(|_| !has_timer);
            let took = slept(&mut alarm, in_ms(200));
            assert!(took >= Duration::from_millis(199) && took < Duration::from_secs(20), "{took:?}");
            for past in [in_ms(-5), Some(Timestamp::UNIX_EPOCH), Some(Timestamp::MIN)] {
                assert!(slept(&mut alarm, past) < Duration::from_secs(20), "{past:?} has passed");
            }
        }
    }

    #[test]
    fn a_ring_wakes_a_sleeper_with_nothing_due_and_is_heard_once() {
        let mut alarm = Alarm::new().unwrap();
        let ringer = alarm.ringer();
        let rings = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            ringer.ring();
            ringer.ring();
        });
        let took = slept(&mut alarm, None);
        assert!(took >= Duration::from_millis(90), "{took:?}");
        rings.join().unwrap();
        // The second ring may have come after the first was taken; after that nothing is left.
        slept(&mut alarm, in_ms(50));
        let took = slept(&mut alarm, in_ms(150));
        assert!(took >= Duration::from_millis(149), "{took:?}");
    }

    #[test]
    fn a_ring_while_nobody_sleeps_ends_the_next_sleep() {
        let mut alarm = Alarm::new().unwrap();
        alarm.ringer().ring();
        assert!(slept(&mut alarm, None) < Duration::from_secs(20));
    }

    /// Sets the system's clock to what it shows, which is setting it all the same. Only root may, and only who asks
    /// for it does: `tests/long/idle.sh`.
    #[test]
    #[ignore = "sets the system's clock"]
    fn a_sleeper_wakes_when_the_systems_clock_is_set() {
        let set = || {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
            rustix::time::clock_settime(rustix::time::ClockId::Realtime, now).unwrap();
        };
        let mut alarm = Alarm::new().unwrap();
        for until in [None, in_ms(3_600_000), None] {
            let setting = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(200));
                set();
            });
            let begun = Instant::now();
            assert!(alarm.sleep(until), "it was set");
            let took = begun.elapsed();
            assert!(took >= Duration::from_millis(190) && took < Duration::from_secs(2), "{took:?}");
            setting.join().unwrap();
        }
        // While nobody sleeps, too.
        set();
        let begun = Instant::now();
        assert!(alarm.sleep(in_ms(3_600_000)) && begun.elapsed() < Duration::from_secs(2));
        let took = slept(&mut alarm, in_ms(300));
        assert!(took >= Duration::from_millis(299), "it is told once: {took:?}");
    }
}
