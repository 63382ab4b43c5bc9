//! What is wrong with a test: a file that nobody understands, an answer that differs, a station that could not be done.
//! Must not print.

use std::fmt;
use std::sync::Arc;

use sluice_model::condition::command::{
    TEST_ANSWER_DIFFERS, TEST_STATION_FAILED, TEST_SYNTAX_ERROR,
};
use sluice_model::{Diagnostic, Origin};

use super::case::Station;

/// What goes wrong at a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The file says what no test can say.
    Misspelled {
        /// What is wrong.
        message: String,
        /// What to write.
        help: String,
        /// How many lines below the station; 0: its own line.
        below: usize,
    },
    /// An answer is not the one that was found.
    Differs {
        /// Station that holds the answer.
        station: usize,
        /// Both, side by side.
        difference: String,
    },
    /// The station could not be done.
    Failed(String),
}

impl Trouble {
    /// Something that no test can say.
    pub fn misspelled(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::misspelled_below(0, message, help)
    }

    /// Something that no test can say, so many lines below the station.
    pub(super) fn misspelled_below(
        below: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::Misspelled {
            message: message.into(),
            help: help.into(),
            below,
        }
    }
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self::Failed(message)
    }
}

impl From<&str> for Trouble {
    fn from(message: &str) -> Self {
        Self::Failed(message.to_owned())
    }
}

/// Why a test does not hold, with its place in the file.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Condition, place, help.
    pub diagnostic: Box<Diagnostic>,
    /// Expected and found, where they differ.
    pub difference: Option<String>,
}

impl Failure {
    /// A line of a file that nobody understands.
    #[must_use]
    pub fn misspelled(file: &str, line: usize, text: &str, message: &str, help: &str) -> Self {
        let diagnostic = Diagnostic::error(&TEST_SYNTAX_ERROR, message)
            .at(&place(file, line, text), "")
            .help(help);
        Self {
            diagnostic: Box::new(diagnostic),
            difference: None,
        }
    }

    /// What went wrong at a station of a file.
    #[must_use]
    pub fn at(file: &str, stations: &[Station], index: usize, trouble: Trouble) -> Self {
        let head = |index: usize| stations.get(index).map(Station::head).unwrap_or_default();
        let line = |index: usize| stations.get(index).map_or(1, |station| station.line);
        match trouble {
            Trouble::Misspelled {
                message,
                help,
                below,
            } => {
                let text = match below {
                    0 => head(index),
                    below => {
                        let body = stations.get(index).map_or("", |s| s.body.as_str());
                        body.lines().nth(below - 1).unwrap_or_default().to_owned()
                    }
                };
                Self::misspelled(file, line(index) + below, &text, &message, &help)
            }
            Trouble::Differs {
                station,
                difference,
            } => {
                let what = stations.get(index).map_or("", |s| s.verb.as_str());
                let message = format!("`{what}` does not answer what the test expects");
                let diagnostic = Diagnostic::error(&TEST_ANSWER_DIFFERS, message)
                    .at(&place(file, line(station), &head(station)), "");
                Self {
                    diagnostic: Box::new(diagnostic),
                    difference: Some(difference),
                }
            }
            Trouble::Failed(message) => {
                let mut lines = message.lines();
                let first = lines.next().unwrap_or_default().to_owned();
                let rest: Vec<&str> = lines.collect();
                let diagnostic = Diagnostic::error(&TEST_STATION_FAILED, first)
                    .at(&place(file, line(index), &head(index)), "");
                Self {
                    diagnostic: Box::new(diagnostic),
                    difference: (!rest.is_empty()).then(|| rest.join("\n")),
                }
            }
        }
    }

    /// Says under what the test ran when it failed.
    #[must_use]
    pub fn under(mut self, circumstance: &str) -> Self {
        self.diagnostic.facts.push(circumstance.to_owned());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.diagnostic.origin().map_or(0, |origin| origin.line);
        write!(f, "line {line}: {}", self.diagnostic)?;
        for text in self.diagnostic.facts.iter().chain(&self.diagnostic.helps) {
            write!(f, "\n  {text}")?;
        }
        match &self.difference {
            Some(difference) => write!(f, "\n{difference}"),
            None => Ok(()),
        }
    }
}

fn place(file: &str, line: usize, text: &str) -> Origin {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Origin::new(
        Arc::from(file),
        number(line),
        1,
        number(text.chars().count()),
    )
}
