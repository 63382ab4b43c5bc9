//! From positions in the text that was parsed to places in the file that the user wrote.
//!
//! The two differ where `${…}` was replaced. Must not read files.

use std::sync::Arc;

use sluice_model::Origin;
use sqlparser::tokenizer::{Location, Span};

/// Maps spans of one parsed file to origins. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SourceMap {
    file: Arc<str>,
    /// Replacements in order of position in the parsed text.
    replacements: Arc<[Replacement]>,
}

/// One `${…}` that was replaced, all positions from 1, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// Where the value begins in the parsed text.
    pub parsed: (u64, u64),
    /// Where the value ends in the parsed text (exclusive).
    pub parsed_end: (u64, u64),
    /// Where `${` begins in the file.
    pub written: (u64, u64),
    /// Where `}` ends in the file (exclusive).
    pub written_end: (u64, u64),
}

impl SourceMap {
    /// Makes a map for a file.
    #[must_use]
    pub fn new(file: impl Into<Arc<str>>, replacements: Vec<Replacement>) -> Self {
        Self {
            file: file.into(),
            replacements: replacements.into(),
        }
    }

    /// The file's path.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The place of a span; a span without position maps to line 1, column 1, length 0.
    #[must_use]
    pub fn origin(&self, span: Span) -> Origin {
        let start = self.written(span.start, false);
        let end = self.written(span.end, true);
        let length = if start.0 == end.0 {
            end.1.saturating_sub(start.1)
        } else {
            1
        };
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Origin::new(
            Arc::clone(&self.file),
            narrow(start.0.max(1)),
            narrow(start.1.max(1)),
            narrow(length),
        )
    }

    /// The written position of a parsed one; inside a replaced value, the edge of its `${…}`.
    fn written(&self, at: Location, is_end: bool) -> (u64, u64) {
        let at = (at.line, at.column);
        let before = self.replacements.partition_point(|r| r.parsed <= at);
        let Some(last) = before
            .checked_sub(1)
            .and_then(|index| self.replacements.get(index))
        else {
            return at;
        };
        if at < last.parsed_end {
            return if is_end && at > last.parsed {
                last.written_end
            } else {
                last.written
            };
        }
        let line = at.0 - last.parsed_end.0 + last.written_end.0;
        if at.0 == last.parsed_end.0 {
            (line, at.1 - last.parsed_end.1 + last.written_end.1)
        } else {
            (line, at.1)
        }
    }
}
