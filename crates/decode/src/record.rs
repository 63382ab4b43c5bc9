//! What every record decoder gives back: batches, and the records that did not fit. Must not know a format.

use arrow_array::RecordBatch;

/// What happens to a record that does not fit: Spark's option `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParseMode {
    /// Keep it: what did not fit is NULL, its text goes to the corrupt record column where there is one.
    #[default]
    Permissive,
    /// Leave it out, counted.
    DropMalformed,
    /// Stop with [`DecodeError::Malformed`].
    FailFast,
}

impl ParseMode {
    /// Reads the option's text, without regard to case; `None` when it is none of the three.
    pub fn parse(text: &str) -> Option<Self> {
        [
            ("PERMISSIVE", Self::Permissive),
            ("DROPMALFORMED", Self::DropMalformed),
            ("FAILFAST", Self::FailFast),
        ]
        .into_iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
        .map(|(_, mode)| mode)
    }
}

/// A record that did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Line of the file on which it starts, from 1.
    pub line: u64,
    /// Why, as a short sentence without a full stop.
    pub reason: String,
    /// Its text, cut to [`BadRecord::TEXT_MAX`] bytes.
    pub text: String,
}

impl BadRecord {
    /// Longest text that a [`BadRecord`] carries, in bytes.
    pub const TEXT_MAX: usize = 512;

    pub(crate) fn new(line: u64, reason: impl Into<String>, text: &str) -> Self {
        let mut end = text.len().min(Self::TEXT_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            line,
            reason: reason.into(),
            text: text.get(..end).unwrap_or_default().to_string(),
        }
    }
}

/// One batch of decoded rows.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// Declared columns in their order, then the rescued data column, then the corrupt record column, where asked for.
    pub batch: RecordBatch,
    /// The first bad records since the last batch, at most [`Decoded::BAD_RECORDS_MAX`].
    pub bad_records: Vec<BadRecord>,
    /// Bad records since the last batch, all of them.
    pub bad_count: u64,
    /// Rows of them that were left out (`DROPMALFORMED`).
    pub dropped: u64,
    /// Lines with something after the first value, which Spark ignores and so do we: counted, never silent.
    pub ignored_tails: u64,
    /// Lines read since the last batch, empty ones included.
    pub lines: u64,
}

impl Decoded {
    /// How many bad records are carried one by one.
    pub const BAD_RECORDS_MAX: usize = 100;
}

/// Why decoding stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// `FAILFAST` met a record that does not fit (`MALFORMED_RECORD_IN_PARSING`).
    #[error("line {} does not fit: {}", .0.line, .0.reason)]
    Malformed(BadRecord),
    /// An option cannot be used as written.
    #[error("option `{name}` cannot be used: {reason}")]
    Option {
        /// Its name, as the user writes it.
        name: String,
        /// Why.
        reason: String,
    },
    /// A type that the format cannot carry.
    #[error("{format} cannot carry column `{column}` of type {data_type}")]
    Type {
        /// `JSON` or `CSV`.
        format: &'static str,
        /// The column.
        column: String,
        /// Its type, as Spark shows it.
        data_type: String,
    },
    /// A limit on what comes from outside was met.
    #[error("line {line}: {what} exceeds the limit of {limit}")]
    Limit {
        /// Line of the file, from 1.
        line: u64,
        /// What was too large.
        what: &'static str,
        /// The limit, in bytes or pieces.
        limit: usize,
    },
    /// The columns could not be put together: a bug of ours.
    #[error("columns do not fit together: {0}")]
    Internal(String),
}

impl From<arrow_schema::ArrowError> for DecodeError {
    fn from(error: arrow_schema::ArrowError) -> Self {
        Self::Internal(error.to_string())
    }
}

/// Counts of one batch in the making.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bad_records: Vec<BadRecord>,
    pub(crate) bad_count: u64,
    pub(crate) dropped: u64,
    pub(crate) ignored_tails: u64,
    pub(crate) lines: u64,
}

impl Tally {
    pub(crate) fn bad(&mut self, line: u64, reason: &str, text: &str) {
        self.bad_count += 1;
        if self.bad_records.len() < Decoded::BAD_RECORDS_MAX {
            self.bad_records.push(BadRecord::new(line, reason, text));
        }
    }

    /// Cuts the rows into batches of at most `size` rows; the counts go with the first.
    pub(crate) fn into_decoded(self, whole: &RecordBatch, size: usize) -> Vec<Decoded> {
        let mut out = vec![Decoded {
            batch: whole.slice(0, whole.num_rows().min(size)),
            bad_records: self.bad_records,
            bad_count: self.bad_count,
            dropped: self.dropped,
            ignored_tails: self.ignored_tails,
            lines: self.lines,
        }];
        for start in (size..whole.num_rows()).step_by(size.max(1)) {
            out.push(Decoded {
                batch: whole.slice(start, (whole.num_rows() - start).min(size)),
                bad_records: vec![],
                bad_count: 0,
                dropped: 0,
                ignored_tails: 0,
                lines: 0,
            });
        }
        out
    }
}
