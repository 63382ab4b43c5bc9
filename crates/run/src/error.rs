//! How work in this room ends early: with something to say, or because a failpoint ended the engine.

use sluice_model::{Diagnostic, Origin, Retry};

/// Why a step did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Something to tell the user.
    #[error("{}", said(.0))]
    Said(Vec<Diagnostic>),
    /// A failpoint ended the engine: nothing more may be written, as after a kill.
    #[error("the engine was ended at a failpoint")]
    Killed,
}

fn said(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

impl Failure {
    /// Whether trying again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Said(diagnostics) => {
                let mut errors = diagnostics.iter().filter(|d| d.is_error()).peekable();
                errors.peek().is_some() && errors.all(|d| d.condition.retry == Retry::Backoff)
            }
            Self::Killed => false,
        }
    }

    /// The same, each with a place.
    pub(crate) fn placed(self, origin: &Origin) -> Self {
        match self {
            Self::Said(diagnostics) => {
                let diagnostics = diagnostics.into_iter();
                Self::Said(diagnostics.map(|d| d.at_least_at(origin)).collect())
            }
            Self::Killed => Self::Killed,
        }
    }

    /// What there is to say.
    #[must_use]
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        match self {
            Self::Said(diagnostics) => diagnostics,
            Self::Killed => vec![],
        }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Said(vec![diagnostic])
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self::Said(diagnostics)
    }
}

/// The result of a step.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<sluice_table::TableError> for Failure {
    fn from(error: sluice_table::TableError) -> Self {
        match error {
            sluice_table::TableError::Stopped { .. } => Self::Killed,
            other => Self::Said(vec![other.diagnostic()]),
        }
    }
}

/// The error for what cannot be.
pub(crate) fn internal(what: &str) -> Diagnostic {
    Diagnostic::error(&sluice_model::condition::run::INTERNAL_ERROR, what)
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::Said(vec![*diagnostic])
    }
}
