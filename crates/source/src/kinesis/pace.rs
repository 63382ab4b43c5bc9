//! When a shard may be asked again: the limits of the service, and pauses after failures. Pure: the time is handed in.

use std::time::{Duration, Instant};

/// The first pause after a failure.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The longest.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The pace of one shard.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    interval: Duration,
    bytes_per_second: u64,
    next: Instant,
    failures: u32,
    failing_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(interval: Duration, bytes_per_second: u64, now: Instant) -> Self {
        Self {
            interval,
            bytes_per_second: bytes_per_second.max(1),
            next: now,
            failures: 0,
            failing_since: None,
        }
    }

    /// When the next call may be made.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Notes an answer to a call made at `called`.
    pub(super) fn answered(&mut self, called: Instant, bytes: u64) {
        let for_rate =
            Duration::from_micros(bytes.saturating_mul(1_000_000) / self.bytes_per_second);
        self.next = called + self.interval.max(for_rate);
        self.failures = 0;
        self.failing_since = None;
    }

    /// Notes an answer that was not asked for: the next may come at once.
    pub(super) fn answered_at_once(&mut self, now: Instant) {
        self.next = now;
        self.failures = 0;
        self.failing_since = None;
    }

    /// Notes the end of a session: the next is begun after a short pause, so that one that ends at once does not spin.
    pub(super) fn over(&mut self, now: Instant) {
        self.next = now + self.interval.min(PAUSE_MIN);
    }

    /// Notes a failure: pauses double, and differ between readers so that they do not come back together. `chance` is
    /// between 0 and 1. Returns for how long it has failed.
    pub(super) fn failed(&mut self, now: Instant, chance: f64) -> Duration {
        let doubled = PAUSE_MIN.saturating_mul(1 << self.failures.min(8));
        let pause = doubled
            .min(PAUSE_MAX)
            .mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        self.next = now + pause.max(self.interval.min(PAUSE_MIN));
        self.failures += 1;
        let since = *self.failing_since.get_or_insert(now);
        now.saturating_duration_since(since)
    }

    /// Notes being throttled: the service works, so that it may last.
    pub(super) fn throttled(&mut self, now: Instant, chance: f64) {
        self.failed(now, chance);
        self.failing_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn calls_keep_the_interval_and_the_rate() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(200), 2 << 20, start);
        assert_eq!(pace.next(), start);
        pace.answered(start, 1000);
        assert_eq!(pace.next(), start + Duration::from_millis(200));
        pace.answered(start, 10 << 20);
        assert_eq!(pace.next(), start + 5 * SECOND);
    }

    #[test]
    fn pauses_grow_to_a_limit_and_end_with_an_answer() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(200), 1 << 20, start);
        let mut before = Duration::ZERO;
        for _ in 0..20 {
            pace.failed(start, 1.0);
            let pause = pace.next() - start;
            assert!(pause >= before && pause <= PAUSE_MAX, "{pause:?}");
            before = pause;
        }
        assert_eq!(before, PAUSE_MAX);
        assert_eq!(pace.failed(start + 7 * SECOND, 0.0), 7 * SECOND);
        pace.answered(start + 8 * SECOND, 0);
        assert_eq!(pace.failed(start + 9 * SECOND, 0.0), Duration::ZERO);
    }

    #[test]
    fn being_throttled_is_no_failure() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_millis(200), 1 << 20, start);
        for second in 0..100 {
            pace.throttled(start + second * SECOND, 0.5);
        }
        assert_eq!(pace.failed(start + 100 * SECOND, 0.5), Duration::ZERO);
    }
}
