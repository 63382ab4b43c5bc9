//! One occurrence of a condition: what the binary renders for people and machines. Must not format for a terminal.

use std::fmt;

use crate::{Condition, Origin};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Probably not what was meant; the update goes on.
    Warning,
    /// The update, or the flow concerned, does not go on.
    Error,
}

/// A marked place in a project file with a short remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub origin: Origin,
    /// The remark beside the mark; may be empty.
    pub text: String,
}

/// An error, warning or note for people: condition, message, places, facts and helps.
///
/// Wording: lower-case start, no final period, literals in backticks. `facts` are the `= …` lines (what was
/// found, what was expected, what is safe now); `helps` are things to type or change next.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The named condition.
    pub condition: &'static Condition,
    /// One sentence: what happened, to what.
    pub message: String,
    /// Places, the main one first.
    pub labels: Vec<Label>,
    /// Further facts, one line each.
    pub facts: Vec<String>,
    /// What to do next, one line each.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(condition: &'static Condition, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, condition, message)
    }

    /// A warning.
    #[must_use]
    pub fn warning(condition: &'static Condition, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, condition, message)
    }

    /// A note.
    #[must_use]
    pub fn note(condition: &'static Condition, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, condition, message)
    }

    fn new(severity: Severity, condition: &'static Condition, message: impl Into<String>) -> Self {
        Self {
            severity,
            condition,
            message: message.into(),
            labels: vec![],
            facts: vec![],
            helps: vec![],
        }
    }

    /// Adds a place with a remark.
    #[must_use]
    pub fn at(mut self, origin: &Origin, text: impl Into<String>) -> Self {
        self.labels.push(Label {
            origin: origin.clone(),
            text: text.into(),
        });
        self
    }

    /// Names a place, unless it has one.
    #[must_use]
    pub fn at_least_at(self, origin: &Origin) -> Self {
        if self.labels.is_empty() {
            self.at(origin, "")
        } else {
            self
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, text: impl Into<String>) -> Self {
        self.facts.push(text.into());
        self
    }

    /// Adds a help.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// The main place, if any.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.labels.first().map(|label| &label.origin)
    }

    /// Whether this is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// One line, for logs and `Error` chains: `[CONDITION] message`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.condition.name, self.message)
    }
}

impl std::error::Error for Diagnostic {}
