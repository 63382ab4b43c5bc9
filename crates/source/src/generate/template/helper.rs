//! What an expression does, ready to run: no name is looked up and nothing is parsed while records are made. Must not
//! know how helpers are called in templates.

use std::io::Write as _;

use super::super::device::{Reading, wave};
use super::super::moment::TimePattern;
use super::super::random::{Random, hash, index, phase, real, write_fixed, write_uuid};
use super::Piece;

/// One expression.
#[derive(Debug, Clone)]
pub(crate) enum Helper {
    /// One of these texts.
    Word(&'static [&'static str]),
    /// So many of these texts, with something between.
    Words(&'static [&'static str], u64, &'static str),
    /// One of these values.
    Choice(Vec<Vec<u8>>),
    /// One of these, by the sum of weights up to it.
    Weighted(Vec<(f64, Vec<u8>)>),
    /// All of these in another order.
    Shuffled(Vec<Vec<u8>>),
    /// `#` a digit, `?` a capital letter, `*` either; the rest as it is.
    Pattern(Vec<u8>),
    /// Letters and digits.
    Letters(&'static [u8], u64),
    /// A whole number, both ends included.
    Whole(i64, i64),
    /// `step` times the whole part of a number from `low` to below `high`.
    Stepped { low: f64, high: f64, step: f64 },
    /// A number with decimals.
    Real(f64, f64, usize),
    /// The time of the record, moved by up to so many microseconds.
    Time {
        pattern: TimePattern,
        moved_us: (i64, i64),
    },
    /// A UUID.
    Uuid,
    /// `true` or `false`.
    Boolean,
    /// Several pieces.
    Sequence(Vec<Piece>),
    /// The same in lower case, only what an address may have.
    Address(Vec<Piece>),
    /// Sentences of words, each a capital and a full stop.
    Sentences {
        count: u64,
        parts: u64,
        gap: &'static str,
    },
    /// The number of the record.
    Number,
    /// A name of the device, and the number it has; at most so many of them.
    Device(String, u64),
    /// Normally distributed.
    Normal {
        mean: f64,
        deviation: f64,
        decimals: usize,
    },
    /// Goes on from its last value, one per device slot.
    Walk {
        slot: usize,
        start: f64,
        step: f64,
        decimals: usize,
    },
    /// Swings with the time.
    Sine {
        period_us: i64,
        amplitude: f64,
        decimals: usize,
    },
    /// One thing as a rule, another in an anomaly.
    Anomaly(Box<(Helper, Helper)>),
    /// Four numbers, eight groups, six bytes.
    Ip,
    /// Eight groups of four digits.
    Ipv6,
    /// Six bytes.
    Mac,
}

impl Helper {
    /// How often it writes something again and again.
    pub(super) fn repeats(&self) -> u64 {
        match self {
            Self::Words(_, count, _) | Self::Letters(_, count) => *count,
            Self::Sentences { count, parts, .. } => count * parts,
            _ => 1,
        }
    }
}

/// Walks remember this many devices; further ones share.
pub(crate) const WALKING_DEVICES: usize = 1_024;

/// Where pieces are written, and what from.
pub(crate) struct Output<'a> {
    pub(crate) reading: &'a Reading,
    pub(crate) random: &'a mut Random,
    pub(crate) walks: &'a mut Vec<Option<f64>>,
    pub(crate) out: &'a mut Vec<u8>,
}

impl Output<'_> {
    pub(crate) fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Literal(bytes) => self.out.extend_from_slice(bytes),
                Piece::Helper(helper) => self.helper(helper),
            }
        }
    }

    fn helper(&mut self, helper: &Helper) {
        match helper {
            Helper::Word(words) => {
                let word = self.random.pick(words);
                self.out.extend_from_slice(word.as_bytes());
            }
            Helper::Words(words, count, gap) => self.words(words, *count, gap),
            Helper::Choice(values) => {
                let value = self.random.pick(values);
                self.out.extend_from_slice(value);
            }
            Helper::Weighted(values) => self.weighted(values),
            Helper::Shuffled(values) => self.shuffled(values),
            Helper::Pattern(pattern) => self.pattern(pattern),
            Helper::Letters(letters, count) => {
                for _ in 0..*count {
                    let letter = *self.random.pick(letters);
                    self.out.push(letter);
                }
            }
            Helper::Boolean => {
                let _ = write!(self.out, "{}", self.random.chance(0.5));
            }
            Helper::Uuid => {
                let (high, low) = (self.random.next(), self.random.next());
                write_uuid(self.out, high, low);
            }
            Helper::Sequence(pieces) => self.pieces(pieces),
            Helper::Address(pieces) => self.address(pieces),
            Helper::Sentences { count, parts, gap } => self.sentences(*count, *parts, gap),
            Helper::Ip | Helper::Ipv6 | Helper::Mac => self.network(helper),
            Helper::Anomaly(both) => {
                let (ordinary, odd) = &**both;
                self.helper(if self.reading.is_anomaly {
                    odd
                } else {
                    ordinary
                });
            }
            _ => self.quantity(helper),
        }
    }

    fn quantity(&mut self, helper: &Helper) {
        match helper {
            Helper::Whole(low, high) => {
                let _ = write!(self.out, "{}", self.random.between(*low, *high));
            }
            Helper::Stepped { low, high, step } => {
                let steps = self.random.real(low / step, high / step).floor();
                write_fixed(self.out, steps * step, super::argument::decimals_of(*step));
            }
            Helper::Real(low, high, decimals) => {
                let value = self.random.real(*low, *high);
                write_fixed(self.out, value, *decimals);
            }
            Helper::Time { pattern, moved_us } => {
                let moved = self.random.between(moved_us.0, moved_us.1);
                pattern.write(self.reading.at_us.saturating_add(moved), self.out);
            }
            Helper::Number => {
                let _ = write!(self.out, "{}", self.reading.number);
            }
            Helper::Device(prefix, most) => {
                let _ = write!(self.out, "{prefix}{}", self.reading.device % most + 1);
            }
            Helper::Normal {
                mean,
                deviation,
                decimals,
            } => {
                let value = mean + deviation * self.random.normal();
                write_fixed(self.out, value, *decimals);
            }
            Helper::Walk {
                slot,
                start,
                step,
                decimals,
            } => {
                let device = index(self.reading.device) % WALKING_DEVICES;
                let moved = self.random.real(-step, *step);
                let last = &mut self.walks[slot * WALKING_DEVICES + device];
                let value = last.map_or(*start, |value| value + moved);
                *last = Some(value);
                write_fixed(self.out, value, *decimals);
            }
            Helper::Sine {
                period_us,
                amplitude,
                decimals,
            } => {
                let shift = hash(self.reading.seed, 0x51e, self.reading.device) % 1_000;
                let turn = (phase(self.reading.at_us, *period_us) + real(shift) / 1_000.0) % 1.0;
                write_fixed(self.out, amplitude * wave(turn), *decimals);
            }
            _ => {}
        }
    }

    fn words(&mut self, words: &[&str], count: u64, gap: &str) {
        for number in 0..count {
            if number > 0 {
                self.out.extend_from_slice(gap.as_bytes());
            }
            let word = self.random.pick(words);
            self.out.extend_from_slice(word.as_bytes());
        }
    }

    fn weighted(&mut self, values: &[(f64, Vec<u8>)]) {
        let whole = values.last().map_or(0.0, |(sum, _)| *sum);
        let drawn = self.random.unit() * whole;
        let found = values
            .iter()
            .find(|(sum, _)| drawn < *sum)
            .or(values.last());
        if let Some((_, value)) = found {
            self.out.extend_from_slice(value);
        }
    }

    fn shuffled(&mut self, values: &[Vec<u8>]) {
        let mut order: Vec<&Vec<u8>> = values.iter().collect();
        for last in (1..order.len()).rev() {
            order.swap(last, index(self.random.below(last as u64 + 1)));
        }
        for (place, value) in order.into_iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(value);
        }
    }

    fn pattern(&mut self, pattern: &[u8]) {
        for byte in pattern {
            let byte = match byte {
                b'#' => *self.random.pick(b"0123456789"),
                b'?' => *self.random.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
                b'*' => *self.random.pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
                other => *other,
            };
            self.out.push(byte);
        }
    }

    fn address(&mut self, pieces: &[Piece]) {
        let start = self.out.len();
        self.pieces(pieces);
        let written = self.out.split_off(start);
        self.out.extend(written.into_iter().filter_map(|byte| {
            let byte = if byte == b' ' {
                b'-'
            } else {
                byte.to_ascii_lowercase()
            };
            let is_kept = byte.is_ascii_alphanumeric() || b"@.-_:/".contains(&byte);
            is_kept.then_some(byte)
        }));
    }

    fn sentences(&mut self, count: u64, parts: u64, gap: &str) {
        for number in 0..count * parts {
            if number > 0 {
                let gap = if number.is_multiple_of(parts) {
                    gap
                } else {
                    " "
                };
                self.out.extend_from_slice(gap.as_bytes());
            }
            let start = self.out.len();
            let length = 4 + self.random.below(7);
            self.words(super::words::LOREM, length, " ");
            self.out[start..=start].make_ascii_uppercase();
            self.out.push(b'.');
        }
    }

    fn network(&mut self, helper: &Helper) {
        let (count, gap) = match helper {
            Helper::Ip => (4, '.'),
            Helper::Ipv6 => (8, ':'),
            _ => (6, ':'),
        };
        for number in 0..count {
            if number > 0 {
                let _ = write!(self.out, "{gap}");
            }
            let _ = match helper {
                Helper::Ip => write!(self.out, "{}", self.random.below(256)),
                Helper::Ipv6 => write!(self.out, "{:04x}", self.random.below(65_536)),
                _ => write!(self.out, "{:02x}", self.random.below(256)),
            };
        }
    }
}
