//! Draws a history from a seed and writes it as a case. Must not know how it goes.
//!
//! Within a device records are put in order, and one that comes twice comes twice at once. What is late is late by less
//! than the watermark waits, and the stream lets go only of what was taken: so every history has one right end.

use std::fmt::Write as _;

use super::recount::{Record, questions};
use crate::dice::Dice;

const DEVICES: [&str; 5] = ["a", "b", "c", "d", "e"];
/// How late a record may be, minutes; the watermark waits an hour.
const LATE_MINUTES: u64 = 50;
/// Open shards at most.
const SHARDS_MAX: usize = 5;
/// Writing operations from which the one is drawn at which an engine dies.
const OPERATIONS: u64 = 40;

const RAW: &str = "\
CREATE OR REFRESH STREAMING TABLE raw AS SELECT partitionKey AS device, sequenceNumber, CAST(data AS STRING) AS payload
FROM STREAM read_kinesis(streamName => 'readings', initialPosition => 'TRIM_HORIZON');
CREATE OR REFRESH STREAMING TABLE silver (
  CONSTRAINT whole EXPECT (n IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT sane EXPECT (value < 90) ON VIOLATION DROP ROW
) AS SELECT device, j.n AS n, j.ts AS ts, j.value AS value
FROM (SELECT device, from_json(payload, 'n BIGINT, k BIGINT, ts TIMESTAMP, value DOUBLE') AS j FROM STREAM(raw));
";
/// Further tables, of which each history has some.
const FURTHER: [(&str, &str); 4] = [
    (
        "alerts",
        "CREATE OR REFRESH STREAMING TABLE alerts AS SELECT n, device FROM STREAM(silver) WHERE value > 80;\n",
    ),
    (
        "totals",
        "CREATE OR REFRESH STREAMING TABLE totals AS
SELECT device, count(*) AS readings, sum(n) AS checksum FROM STREAM(silver) GROUP BY device;\n",
    ),
    (
        "windows",
        "CREATE OR REFRESH STREAMING TABLE windows AS
SELECT window.start AS begins, device, count(*) AS readings
FROM STREAM(silver) WATERMARK ts DELAY OF INTERVAL 1 HOUR GROUP BY device, window(ts, '10 minutes');\n",
    ),
    (
        "gold",
        "CREATE OR REFRESH MATERIALIZED VIEW gold AS
SELECT device, count(*) AS readings, sum(n) AS checksum FROM silver GROUP BY device;\n",
    ),
];
/// Calls of the service, and what may happen to them without anybody's fault.
const CALLS: [&str; 4] = [
    "GetRecords",
    "GetShardIterator",
    "ListShards",
    "DescribeStreamSummary",
];
/// Those of a reader to whom records are pushed.
const CALLS_WHEN_PUSHED: [&str; 4] = [
    "SubscribeToShard",
    "RegisterStreamConsumer",
    "DescribeStreamConsumer",
    "DescribeStreamSummary",
];
const MISHAPS: [&str; 4] = ["throttled", "failing", "lost", "torn"];
/// Operations of the store.
const WRITES: [&str; 6] = [
    "put.plan",
    "put.data",
    "put.commit",
    "put.state",
    "put.create",
    "put.other",
];
/// Steps of a flow at which engines die and meet.
const STEPS: [&str; 4] = ["plan-written", "data-written", "committed", "state-written"];
/// Steps of an update at which engines die.
const STEPS_OF_ALL: [&str; 4] = [
    "lease-taken",
    "tables-set-up",
    "flows-ended",
    "event-log-written",
];

/// A history.
#[derive(Debug)]
pub(super) struct History {
    /// As a case.
    pub(super) text: String,
    /// Whether an engine that dies is started again at once, or with the next update.
    pub(super) restarts_itself: bool,
}

struct Drawing {
    dice: Dice,
    text: String,
    tables: Vec<&'static str>,
    records: Vec<Record>,
    /// Records of each device so far.
    orders: [u64; DEVICES.len()],
    /// Open shards in the order of their keys.
    shards: Vec<usize>,
    shards_made: usize,
    minute: i64,
    is_pushed: bool,
    restarts_itself: bool,
}

/// What reads the stream.
fn raw(is_pushed: bool) -> String {
    let pushed = ", consumerMode => 'efo')";
    let end = if is_pushed { pushed } else { ")" };
    RAW.replacen("'TRIM_HORIZON')", &format!("'TRIM_HORIZON'{end}"), 1)
}

impl History {
    /// Draws one.
    pub(super) fn draw(seed: u64) -> Self {
        let dice = Dice::new(seed);
        let is_pushed = seed.is_multiple_of(3);
        let restarts_itself = dice.percent(50.0);
        let shards = 1 + usize::from(dice.percent(50.0)) + usize::from(dice.percent(30.0));
        let mut drawing = Drawing {
            text: format!(
                "# A history drawn from seed {seed}.\n\n--- file pipeline.sql\n{}",
                raw(is_pushed)
            ),
            dice,
            tables: vec![],
            records: vec![],
            orders: [0; DEVICES.len()],
            shards: (0..shards).collect(),
            shards_made: shards,
            minute: 0,
            is_pushed,
            restarts_itself,
        };
        drawing.all();
        Self {
            text: drawing.text,
            restarts_itself,
        }
    }
}

impl Drawing {
    fn all(&mut self) {
        for (name, sql) in FURTHER {
            if self.dice.percent(60.0) {
                self.tables.push(name);
                self.text.push_str(sql);
            }
        }
        let shards = self.shards.len();
        let _ = writeln!(self.text, "\n--- stream readings {shards}\n");
        for _ in 0..3 + self.dice.below(5) {
            self.step();
        }
        self.say("disturb put.plan nowhere 0");
        self.say("disturb kinesis * throttled 0");
        self.say("crash nowhere");
        // An hour and more later: everything before is over.
        self.minute += 200;
        self.put_one(0, 0, None, 1);
        self.update();
        self.update();
        self.text.push_str(&questions(&self.records, &self.tables));
        self.say("sound");
    }

    fn say(&mut self, station: &str) {
        let _ = writeln!(self.text, "--- {station}\n");
    }

    fn update(&mut self) {
        self.text.push_str("--- update\n\n");
    }

    fn step(&mut self) {
        if self.dice.percent(30.0) {
            self.clock();
        }
        if self.dice.percent(85.0) {
            self.put();
        }
        if self.dice.percent(30.0) {
            self.reshard();
            if self.dice.percent(60.0) {
                self.put();
            }
        }
        if self.dice.percent(20.0) {
            self.disturb_calls();
        }
        match self.dice.below(10) {
            0 => self.meet(),
            1 => self.let_go(),
            2 | 3 if self.restarts_itself => self.live(),
            _ => {
                if self.dice.percent(25.0) {
                    self.disturb_writes();
                } else {
                    self.die();
                }
                self.update();
            }
        }
    }

    fn clock(&mut self) {
        let minutes = 1 + self.dice.below(40);
        self.minute += i64::try_from(minutes).unwrap_or_default();
        self.say(&format!("clock +{minutes}m"));
    }

    fn put(&mut self) {
        for _ in 0..=self.dice.below(4) {
            let device = usize::try_from(self.dice.below(5)).unwrap_or_default();
            let late = if self.dice.percent(25.0) {
                self.dice.below(LATE_MINUTES)
            } else {
                0
            };
            let is_broken = self.dice.percent(10.0);
            let times = 1 + usize::from(self.dice.percent(15.0));
            let value = self.dice.below(100);
            self.put_one(device, late, Some((value, is_broken)), times);
        }
    }

    /// Puts a record of a device, so many times.
    fn put_one(&mut self, device: usize, late: u64, what: Option<(u64, bool)>, times: usize) {
        let (value, is_broken) = what.unwrap_or((50, false));
        let record = Record {
            device: DEVICES[device],
            number: u64::try_from(self.records.len()).unwrap_or_default(),
            order: self.orders[device],
            minute: (self.minute - i64::try_from(late).unwrap_or_default()).max(0),
            value,
            is_broken,
        };
        self.orders[device] += 1;
        let _ = writeln!(self.text, "--- kinesis readings key={}", record.device);
        for _ in 0..times {
            let _ = writeln!(self.text, "{}", record.line());
            self.records.push(record.clone());
        }
        self.text.push('\n');
    }

    fn reshard(&mut self) {
        let open = self.shards.len();
        let merges = open > 1 && (open >= SHARDS_MAX || self.dice.percent(50.0));
        let made = self.shards_made;
        if merges {
            let at = usize::try_from(self.dice.below(open as u64 - 1)).unwrap_or_default();
            let (one, other) = (self.shards[at], self.shards[at + 1]);
            self.say(&format!("reshard readings {one},{other} -> {made}"));
            self.shards.splice(at..at + 2, [made]);
            self.shards_made += 1;
        } else {
            let at = usize::try_from(self.dice.below(open as u64)).unwrap_or_default();
            let (one, next) = (self.shards[at], made + 1);
            self.say(&format!("reshard readings {one} -> {made},{next}"));
            self.shards.splice(at..=at, [made, next]);
            self.shards_made += 2;
        }
    }

    fn one_of<'a>(&self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.dice.below(words.len() as u64)).unwrap_or_default()]
    }

    fn flow(&self) -> &'static str {
        let mut flows = vec!["raw", "raw", "silver"];
        flows.extend(&self.tables);
        flows[usize::try_from(self.dice.below(flows.len() as u64)).unwrap_or_default()]
    }

    fn disturb_calls(&mut self) {
        let times = 1 + self.dice.below(2);
        if self.dice.percent(20.0) {
            self.say(&format!("disturb kinesis GetRecords expired {times}"));
            return;
        }
        let calls = if self.is_pushed {
            &CALLS_WHEN_PUSHED
        } else {
            &CALLS
        };
        let (call, mishap) = (self.one_of(calls), self.one_of(&MISHAPS));
        self.say(&format!("disturb kinesis {call} {mishap} {times}"));
    }

    fn disturb_writes(&mut self) {
        let (write, flow) = (self.one_of(&WRITES), self.flow());
        let times = 1 + self.dice.below(3);
        let after = if self.dice.percent(60.0) {
            " after"
        } else {
            ""
        };
        self.say(&format!("disturb {write} {flow} {times}{after}"));
    }

    fn die(&mut self) {
        match self.dice.below(10) {
            0..=4 => {
                let number = 1 + self.dice.below(OPERATIONS);
                let when = if self.dice.percent(50.0) {
                    "after"
                } else {
                    "before"
                };
                self.say(&format!("crash operation {number} {when}"));
            }
            5..=7 => {
                let (step, flow) = (self.one_of(&STEPS), self.flow());
                self.say(&format!("crash {step} {flow}"));
            }
            8 => {
                let step = self.one_of(&STEPS_OF_ALL);
                self.say(&format!("crash {step}"));
            }
            _ => {}
        }
    }

    /// Two engines at once, of which one waits in the middle of a micro-batch.
    fn meet(&mut self) {
        self.say("disturb put.plan nowhere 0");
        self.say("crash nowhere");
        self.put();
        let step = self.one_of(&STEPS[..3]);
        self.say(&format!("overtaken {step} raw"));
        self.update();
    }

    /// The stream lets go of what was taken.
    fn let_go(&mut self) {
        self.say("disturb put.plan nowhere 0");
        self.say("disturb kinesis * throttled 0");
        self.say("crash nowhere");
        self.update();
        self.say("trim-stream readings");
        self.put();
        self.die();
        self.update();
    }

    /// A continuous update, with deaths.
    fn live(&mut self) {
        self.say("continuous");
        for _ in 0..=self.dice.below(3) {
            if self.dice.percent(40.0) {
                self.die();
            }
            self.put();
            if self.dice.percent(20.0) {
                self.reshard();
            }
            if self.dice.percent(30.0) {
                self.clock();
            }
            self.say("settle");
        }
        self.say("stop");
    }
}
