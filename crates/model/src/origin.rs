//! Where something was written in the user's own files. Carried unchanged from the parser to the error message.

use std::sync::Arc;

/// A place in a project file: what `file:line:column` in a message means.
///
/// Lines and columns count from 1; columns and `length` count characters, not bytes. A `length` of 0 marks a
/// point. Positions always refer to the file as the user wrote it, before `${…}` was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Path relative to the project folder, `/`-separated; `<command line>` for SQL given with `-c`.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Characters marked, within the line.
    pub length: u32,
}

impl Origin {
    /// Makes an origin.
    #[must_use]
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32, length: u32) -> Self {
        Self {
            file: file.into(),
            line,
            column,
            length,
        }
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
