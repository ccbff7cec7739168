//! Work that nobody waits for stands back while callers need the processor: it takes a small share of it, and a larger
//! one the later it is. Where a processor is free, it goes on without a pause.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The share of a processor that reading takes at least, however busy callers keep it; sending takes about as much again.
const LEAST: f64 = 0.02;

/// The share that it takes when it is late.
const MOST: f64 = 0.1;

/// So late, its share would be a whole processor, were it not for [`MOST`].
const LATE: Duration = Duration::from_secs(600);

/// Whoever stands in line so many times as long as it works has met callers who need all there is: these threads are
/// the least urgent ones. On a machine that is half busy they stand in line as long as they work, or twice.
const CROWDED: u32 = 4;

/// A pause at most: what is late for another reason must be found out.
const LONGEST: Duration = Duration::from_secs(2);

/// To stand in line so long for a portion says nothing yet.
const SLACK: Duration = Duration::from_millis(1);

/// So many callers' records written while a portion was worked on are a rush. Without one, whatever else the machine is
/// busy with has no claim to go first.
const RUSH: u64 = 20;

/// The turns of all such work in this program.
pub struct Turns {
    free: Mutex<Option<Instant>>,
    /// How many records were written so far.
    written: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl fmt::Debug for Turns {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Turns")
    }
}

impl Turns {
    /// Turns behind those whose records are counted there.
    pub fn behind(written: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { free: Mutex::default(), written: Box::new(written) }
    }

    /// How long to wait before the next portion.
    pub fn pause(&self) -> Duration {
        let free = *self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.map_or(Duration::ZERO, |free| free.saturating_duration_since(Instant::now())).min(LONGEST)
    }

    /// Does a portion of what is so late, and takes note of what that cost.
    pub fn take<T>(&self, late: Duration, work: impl FnOnce() -> T) -> T {
        let (before, written) = (Spent::now(), (self.written)());
        let done = work();
        if let (Some(before), Some(after)) = (before, Spent::now()) {
            let rush = (self.written)().saturating_sub(written) >= RUSH;
            let pause = if rush { pause(after.since(before), late) } else { Duration::ZERO };
            if !pause.is_zero() {
                let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
                let now = Instant::now();
                *free = Some(free.map_or(now, |free| free.max(now)) + pause);
            }
        }
        done
    }
}

/// What the system says of this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    /// Time on a processor.
    at_work: Duration,
    /// Time ready to work, and in line for a processor.
    in_line: Duration,
}

impl Spent {
    /// None where the system does not tell: then nothing ever stands back.
    fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
    }

    fn read(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace().map(|number| number.parse().map(Duration::from_nanos));
        Some(Self { at_work: numbers.next()?.ok()?, in_line: numbers.next()?.ok()? })
    }

    const fn since(self, before: Self) -> Self {
        Self {
            at_work: self.at_work.saturating_sub(before.at_work),
            in_line: self.in_line.saturating_sub(before.in_line),
        }
    }
}

/// The pause that a portion owes.
fn pause(spent: Spent, late: Duration) -> Duration {
    if spent.in_line <= spent.at_work * CROWDED + SLACK {
        return Duration::ZERO;
    }
    let share = (late.as_secs_f64() / LATE.as_secs_f64()).clamp(LEAST, MOST);
    spent.at_work.mul_f64(1.0 / share - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn who_stands_in_line_takes_a_share_and_a_larger_one_when_late() {
        let contended = Spent { at_work: ms(10), in_line: ms(100) };
        assert_eq!(pause(contended, ms(0)), ms(490));
        assert_eq!(pause(contended, ms(30_000)), ms(190));
        assert_eq!(pause(contended, ms(3_600_000)), ms(90));
        let half_busy = Spent { at_work: ms(10), in_line: ms(20) };
        assert_eq!(pause(half_busy, ms(0)), ms(0));
        let little = Spent { at_work: ms(0), in_line: ms(1) };
        assert_eq!(pause(little, ms(0)), ms(0));
    }

    #[test]
    fn what_the_system_says_is_read() {
        let told = Spent { at_work: Duration::from_nanos(573_421), in_line: Duration::from_nanos(12) };
        assert_eq!(Spent::read("573421 12 3\n"), Some(told));
        assert_eq!(Spent::read(""), None);
        assert_eq!(Spent::read("1 x 3"), None);
        assert!(Spent::now().is_some());
    }

    #[test]
    fn pauses_of_several_add_up_and_end() {
        let turns = Turns::behind(|| 0);
        assert_eq!(turns.pause(), ms(0));
        assert_eq!(turns.take(ms(0), || 7), 7);
        *turns.free.lock().unwrap() = Some(Instant::now() + ms(3_600_000));
        assert_eq!(turns.pause(), LONGEST);
        *turns.free.lock().unwrap() = Some(Instant::now());
        assert_eq!(turns.pause(), ms(0));
    }
}
