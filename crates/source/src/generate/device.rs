//! How the quantities of a device move: a bias of its own, a slow drift, the season of the day, noise. All of it is a
//! function of seed, device and time, so that a million devices need no memory. Must not know names of quantities.

use super::random::{Random, fraction, hash, phase};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// One reading that is about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// When the device measures, in microseconds since 1970.
    pub(crate) at_us: i64,
    /// Which record it is, from 1.
    pub(crate) number: u64,
    /// Which device, from 0.
    pub(crate) device: u64,
    /// Whether it is to be an anomaly.
    pub(crate) is_anomaly: bool,
    /// What all numbers of the simulation come from.
    pub(crate) seed: u64,
}

impl Reading {
    pub(crate) fn at_ms(&self) -> i64 {
        self.at_us.div_euclid(1_000)
    }

    /// A quantity between its bounds: it follows the sun, coldest at four and warmest at sixteen.
    pub(crate) fn seasonal(&self, kind: u64, bounds: (f64, f64), random: &mut Random) -> f64 {
        let season = wave(phase(self.at_us - 10 * HOUR_US, DAY_US));
        between(
            bounds,
            0.4 * season + 0.6 * self.own_level(kind, random) / 0.7,
        )
    }

    /// A quantity between its bounds that knows no time of day.
    pub(crate) fn steady(&self, kind: u64, bounds: (f64, f64), random: &mut Random) -> f64 {
        between(bounds, self.own_level(kind, random) / 0.7)
    }

    /// From full to empty in some weeks, then full again.
    pub(crate) fn battery(&self, bounds: (f64, f64)) -> f64 {
        let own = hash(self.seed, 0xba77, self.device);
        let days = 10 + i64::try_from(own % 20).unwrap_or(0);
        let used = (phase(self.at_us, days * DAY_US) + fraction(own)) % 1.0;
        bounds.1 - used * (bounds.1 - bounds.0)
    }

    /// Bias, drift and noise of this device, from -0.7 to 0.7.
    fn own_level(&self, kind: u64, random: &mut Random) -> f64 {
        let own = hash(self.seed, kind, self.device);
        let bias = fraction(own) * 2.0 - 1.0;
        let drift_days = 5 + i64::try_from(own % 11).unwrap_or(0);
        let drift = wave((phase(self.at_us, drift_days * DAY_US) + fraction(own)) % 1.0);
        0.25 * bias + 0.2 * drift + 0.25 * random.signed()
    }
}

/// Like a sine of one turn, made of two parabolas: the same digits on every machine.
pub(crate) fn wave(turn: f64) -> f64 {
    if turn < 0.5 {
        16.0 * turn * (0.5 - turn)
    } else {
        -16.0 * (turn - 0.5) * (1.0 - turn)
    }
}

/// From a level between -1 and 1 to a value between bounds.
fn between(bounds: (f64, f64), level: f64) -> f64 {
    f64::midpoint(bounds.0, bounds.1) + (bounds.1 - bounds.0) / 2.0 * level.clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(device: u64, hours: i64) -> Reading {
        Reading {
            at_us: hours * HOUR_US,
            number: 1,
            device,
            is_anomaly: false,
            seed: 5,
        }
    }

    fn mean(hours: impl Fn(i64) -> i64) -> f64 {
        let mut random = Random::new(1);
        let all = (0..400).map(|day| reading(3, hours(day)).seasonal(1, (0.0, 10.0), &mut random));
        all.sum::<f64>() / 400.0
    }

    #[test]
    fn afternoons_are_warmer_than_nights() {
        assert!(mean(|day| day * 24 + 16) > mean(|day| day * 24 + 4) + 2.0);
    }

    #[test]
    fn devices_differ_and_drift() {
        let of = |device, hours| {
            let mut random = Random::new(1);
            let all = (0..50).map(|_| reading(device, hours).steady(1, (0.0, 10.0), &mut random));
            all.sum::<f64>() / 50.0
        };
        assert!((0..10).any(|device| (of(device, 0) - of(device + 1, 0)).abs() > 1.0));
        assert!((of(1, 0) - of(1, 60)).abs() > 0.3);
    }

    #[test]
    fn batteries_drain() {
        assert!(reading(2, 0).battery((0.0, 100.0)) > reading(2, 24).battery((0.0, 100.0)));
        assert!((0..2_000).all(|h| (20.0..=100.0).contains(&reading(2, h).battery((20.0, 100.0)))));
    }
}
