//! What a streaming flow remembers from one micro-batch to the next, as data: watermarks, and which files hold the
//! state of its operators. Must not read or write those files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a streaming flow knows when a micro-batch begins.
///
/// The plan of a batch holds it, so that the batch can be done again; the commit of a batch tells what the next one
/// begins with. All times are microseconds since 1970 UTC; a watermark that never moved stands at 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// The watermark in force: state at or before it is closed by this batch.
    pub watermark_us: i64,
    /// The watermark of the batch before: rows at or before it are late.
    pub late_us: i64,
    /// The `WATERMARK` clauses of the query, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clauses: BTreeMap<String, WatermarkState>,
    /// The operators with state, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub operators: BTreeMap<String, OperatorState>,
}

impl StreamState {
    /// Whether there is nothing to remember: the flow has neither watermark nor state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty() && self.operators.is_empty()
    }

    /// Whether the watermark has moved past where the last batch used it, so that a batch without rows closes something.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        self.watermark_us > self.late_us && self.operators.values().any(|state| state.closes)
    }

    /// What this becomes when no row has come for so long that event time moves on with the clock: each watermark by as
    /// much as the clock has moved since it last saw a row, or since `quiet_since_us` if that is later. `None` as long as
    /// a row came within `timeout_us`, and when nothing would be closed.
    ///
    /// Whoever plans a batch from it takes no rows into that batch: they would be judged by a watermark that was moved
    /// because there were none.
    #[must_use]
    pub fn moved_by_clock(
        &self,
        now_us: i64,
        quiet_since_us: i64,
        timeout_us: i64,
    ) -> Option<Self> {
        let mut clauses = self.clauses.clone();
        for clause in clauses.values_mut() {
            let since_us = clause.as_of_us?.max(quiet_since_us);
            let quiet_us = now_us.saturating_sub(since_us);
            if quiet_us < timeout_us {
                return None;
            }
            // Watermarks are whole milliseconds, as Spark's.
            clause.watermark_us = clause.watermark_us.saturating_add(quiet_us / 1000 * 1000);
            clause.as_of_us = Some(now_us);
        }
        let watermark_us = clauses.values().map(|clause| clause.watermark_us).min()?;
        // Rows that the watermark has passed may still lie in a file: then only its last ones say what is open.
        let closes = |file: &StateFile| match file.first_us {
            Some(first_us) if first_us > self.watermark_us => first_us <= watermark_us,
            Some(_) => file.last_us.is_none_or(|last_us| last_us <= watermark_us),
            None => false,
        };
        let closes = |state: &OperatorState| state.closes && state.files.iter().any(closes);
        if watermark_us <= self.watermark_us || !self.operators.values().any(closes) {
            return None;
        }
        Some(Self {
            watermark_us,
            late_us: self.watermark_us,
            clauses,
            operators: self.operators.clone(),
        })
    }

    /// Whether there is state that a watermark will close.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let mut operators = self.operators.values();
        operators.any(|state| state.closes && !state.files.is_empty())
    }

    /// The files that hold the state.
    pub fn files(&self) -> impl Iterator<Item = &StateFile> {
        self.operators.values().flat_map(|state| &state.files)
    }
}

/// What one `WATERMARK` clause has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatermarkState {
    /// Event time and delay in words: another one is another clause.
    pub definition: String,
    /// The latest event time less the delay; 0 until a row was seen.
    pub watermark_us: i64,
    /// The clock when it last saw a row, or was moved on by the clock; `None` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of_us: Option<i64>,
}

/// The state of one operator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorState {
    /// What the state is made of, a line for each part: state of another shape cannot be gone on with.
    pub shape: Vec<String>,
    /// Whether a watermark closes state, and lets results out.
    pub closes: bool,
    /// The files, oldest first; together they are the state.
    pub files: Vec<StateFile>,
}

/// One immutable file of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateFile {
    /// Its name in the folder of its operator.
    pub name: String,
    /// The batch that wrote it.
    pub batch: i64,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// The first event time in it, `None` where its rows have none.
    pub first_us: Option<i64>,
    /// The last event time in it; `None` where some row has none, which no watermark closes.
    pub last_us: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000_000;

    /// A watermark at minute 10, seen at minute 1000 of the clock, over a window that ends at minute 20.
    fn open() -> StreamState {
        let clause = WatermarkState {
            definition: "ts".into(),
            watermark_us: 10 * MINUTE,
            as_of_us: Some(1000 * MINUTE),
        };
        let file = StateFile {
            name: "f".into(),
            batch: 3,
            rows: 1,
            bytes: 1,
            first_us: Some(20 * MINUTE),
            last_us: Some(20 * MINUTE),
        };
        let operator = OperatorState {
            shape: vec![],
            closes: true,
            files: vec![file],
        };
        StreamState {
            watermark_us: 10 * MINUTE,
            late_us: 10 * MINUTE,
            clauses: [("0".into(), clause)].into(),
            operators: [("aggregate-0".into(), operator)].into(),
        }
    }

    #[test]
    fn a_watermark_moves_by_the_clock_when_that_closes_something() {
        let state = open();
        for (clock, quiet_since, expected) in [
            (1004, 0, None),
            // Long enough, but the window is open.
            (1009, 0, None),
            (1010, 0, Some(20)),
            (1100, 0, Some(110)),
            // Who reads the source was not there before.
            (1100, 1096, None),
            (1100, 1095, None),
            (1105, 1095, Some(20)),
        ] {
            let moved = state.moved_by_clock(clock * MINUTE, quiet_since * MINUTE, 5 * MINUTE);
            let watermark = moved.as_ref().map(|moved| moved.watermark_us / MINUTE);
            assert_eq!(watermark, expected, "{clock} {quiet_since}");
            if let Some(moved) = moved {
                assert_eq!(moved.late_us, 10 * MINUTE, "what is late was so before");
                assert!(moved.has_moved());
                let again = moved.moved_by_clock(clock * MINUTE + 1, 0, 0);
                assert_eq!(again.map(|again| again.watermark_us), None, "not twice");
            }
        }
    }

    #[test]
    fn rows_that_are_gone_close_nothing() {
        let mut state = open();
        let operator = state.operators.get_mut("aggregate-0").unwrap();
        operator.files[0].first_us = Some(5 * MINUTE);
        let moved = |state: &StreamState, clock: i64| {
            let moved = state.moved_by_clock(clock * MINUTE, 0, MINUTE);
            moved.map(|moved| moved.watermark_us / MINUTE)
        };
        assert_eq!(moved(&state, 1009), None);
        assert_eq!(moved(&state, 1010), Some(20));
    }

    #[test]
    fn a_clause_that_never_saw_a_row_holds_the_others() {
        let mut state = open();
        let never = WatermarkState {
            definition: "other".into(),
            watermark_us: 0,
            as_of_us: None,
        };
        state.clauses.insert("1".into(), never);
        assert_eq!(state.moved_by_clock(i64::MAX, 0, MINUTE), None);
    }
}
