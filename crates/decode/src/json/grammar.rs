//! What a JSON text may contain beyond the standard, as options of the readers name it. Must not read.

/// What the grammar allows beyond JSON: Spark's reader options of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one of Spark's options"
)]
pub struct Grammar {
    /// `/* … */` and `// …`.
    pub comments: bool,
    /// Strings in single quotes.
    pub single_quotes: bool,
    /// Names without quotes.
    pub unquoted_names: bool,
    /// `NaN`, `Infinity`, `-INF`.
    pub non_numeric_numbers: bool,
    /// `\q` for `q`.
    pub any_escape: bool,
    /// Control characters inside strings.
    pub control_characters: bool,
    /// `007`.
    pub leading_zeros: bool,
}

impl Default for Grammar {
    fn default() -> Self {
        Self {
            comments: false,
            single_quotes: true,
            unquoted_names: false,
            non_numeric_numbers: true,
            any_escape: false,
            control_characters: false,
            leading_zeros: false,
        }
    }
}

impl Grammar {
    /// What functions over paths read: strings may hold control characters, numbers are numbers (Spark's `SharedFactory` of JSON
    /// expressions).
    pub(crate) fn of_paths() -> Self {
        Self {
            non_numeric_numbers: false,
            control_characters: true,
            ..Self::default()
        }
    }
}
