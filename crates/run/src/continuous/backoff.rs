//! How long to wait before a flow, or an update, is tried again: twice as long each time, up to a limit, and not all at
//! the same moment. Must not wait.

use std::time::Duration;

use sluice_graph::{FlowId, Pace};

/// The attempts at something since it last went well.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    seed: u32,
    failures: u32,
}

impl Backoff {
    /// Nothing has failed yet. `update` and the flow spread the waits of flows that failed at once.
    pub(crate) fn new(pace: &Pace, update: &str, flow: &FlowId) -> Self {
        let name = format!("{update} {flow}");
        Self::between(pace.retry_first, pace.retry_most, &name)
    }

    /// As [`Backoff::new`], with these waits, for whatever has that name.
    pub(crate) fn between(first: Duration, most: Duration, name: &str) -> Self {
        Self {
            first,
            most,
            seed: crc32c::crc32c(name.as_bytes()),
            failures: 0,
        }
    }

    /// It went well: the next failure is a first one.
    pub(crate) fn went_well(&mut self) {
        self.failures = 0;
    }

    /// How many attempts have failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// It failed: how long to wait now. Between the time that doubles and a quarter less.
    pub(crate) fn failed(&mut self) -> Duration {
        let doubled = self
            .first
            .saturating_mul(2_u32.saturating_pow(self.failures.min(30)))
            .min(self.most);
        self.failures = self.failures.saturating_add(1);
        let spread = crc32c::crc32c_append(self.seed, &self.failures.to_le_bytes()) % 256;
        doubled.saturating_sub((doubled / 4) * spread / 256)
    }
}

#[cfg(test)]
mod tests {
    use sluice_model::{DatasetName, FlowName};

    use super::*;

    fn backoff(flow: &str) -> Backoff {
        let pace = Pace {
            interval: None,
            idle_timeout: None,
            idle_origin: None,
            retry_first: Duration::from_secs(5),
            retry_most: Duration::from_mins(1),
            retries: 2,
        };
        let id = FlowId {
            target: DatasetName::new("c", "s", "t"),
            name: FlowName::new(flow),
        };
        Backoff::new(&pace, "update", &id)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_when_it_went_well() {
        let mut waits = backoff("a");
        for most in [5, 10, 20, 40, 60, 60] {
            let wait = waits.failed();
            let most = Duration::from_secs(most);
            assert!(wait <= most && wait >= most * 3 / 4, "{wait:?} of {most:?}");
        }
        assert_eq!(waits.failures(), 6);
        waits.went_well();
        assert!(waits.failed() <= Duration::from_secs(5));
    }

    #[test]
    fn flows_that_fail_at_once_do_not_come_back_at_once() {
        assert_ne!(backoff("a").failed(), backoff("b").failed());
    }

    #[test]
    fn many_failures_are_no_overflow() {
        let mut waits = backoff("a");
        for _ in 0..100 {
            assert!(waits.failed() <= Duration::from_mins(1));
        }
    }
}
