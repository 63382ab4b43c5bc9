//! What can go wrong with a source of files, and its words for people.

use std::io::ErrorKind;

use sluice_model::condition::{Condition, source as condition};
use sluice_model::{Diagnostic, SparkField};

use crate::files::StoredSchema;

/// An error of a source. Paths are as `_metadata.file_path` would show them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// Nothing is at the path.
    #[error("there is no file or folder `{path}`")]
    PathNotFound {
        /// The path as written.
        path: String,
        /// Where it was looked for.
        looked_at: String,
    },
    /// The operating system or store refuses to open it.
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable {
        /// The folder or file.
        path: String,
        /// The system's own words.
        reason: String,
    },
    /// A schema was to be inferred from no file at all.
    #[error("`{path}` holds no file to infer a schema from")]
    EmptyForInference {
        /// The path as written.
        path: String,
    },
    /// A schema could not be inferred from what the files hold.
    #[error("no schema can be inferred from `{path}`: {reason}")]
    NoSchema {
        /// The path as written, or the file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A planned file is gone.
    #[error("file `{path}` is gone")]
    Missing {
        /// The file.
        path: String,
    },
    /// A planned file is not the one that was listed.
    #[error("file `{path}` changed after it was listed")]
    Changed {
        /// The file.
        path: String,
        /// Size and time when it was listed.
        planned: String,
        /// Size and time now.
        found: String,
    },
    /// A file is damaged or of another format.
    #[error("file `{path}` cannot be read as {format}: {reason}")]
    Corrupt {
        /// The file.
        path: String,
        /// The format it was read as.
        format: &'static str,
        /// What is wrong with it; never bytes of the file.
        reason: String,
    },
    /// A file, or what it unpacks to, passes a limit.
    #[error("file `{path}` is refused: {reason}")]
    TooLarge {
        /// The file.
        path: String,
        /// Which limit.
        reason: String,
    },
    /// A record cannot be parsed and the mode is FAILFAST.
    #[error("a record of file `{path}` cannot be parsed: {reason}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A column of a file has a type that the schema does not take, and nothing rescues it.
    #[error("column `{column}` of file `{path}` is {found}, the schema says {expected}")]
    TypeMismatch {
        /// The file.
        path: String,
        /// The column.
        column: String,
        /// The file's type.
        found: String,
        /// The schema's type.
        expected: String,
    },
    /// Files hold columns that the schema does not know: store the wider schema and read again.
    #[error("file `{}` holds new columns: {}", .0.path, .0.names().join(", "))]
    NewColumns(Box<NewColumns>),
    /// The list of files that a micro-batch took is damaged.
    #[error("the list of files `{name}` is damaged: {reason}")]
    ListDamaged {
        /// Which list.
        name: String,
        /// How.
        reason: String,
    },
    /// The storage failed otherwise.
    #[error("{doing} `{path}` failed: {source}")]
    Storage {
        /// What was done to it, as in `reading`.
        doing: &'static str,
        /// The file or folder.
        path: String,
        /// The storage's error.
        source: object_store::Error,
    },
    /// Something of ours went wrong.
    #[error("internal error in a source: {0}")]
    Internal(String),
    /// A refusal that already has its words.
    #[error("{0}")]
    Refused(Box<Diagnostic>),
}

/// Columns that files hold and the schema does not know.
#[derive(Debug, Clone)]
pub struct NewColumns {
    /// The first file with one of them: its identity, as [`crate::FileEntry::path`].
    pub path: String,
    /// The new columns with their inferred types; nested ones as the whole column with its wider type.
    pub columns: Vec<SparkField>,
    /// The schema that knows them: store it, then read again. `None` where the mode is `failOnNewColumns`.
    pub wider: Option<StoredSchema>,
}

impl NewColumns {
    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.columns
            .iter()
            .map(|field| field.name.as_str())
            .collect()
    }
}

impl SourceError {
    /// The named condition.
    #[must_use]
    pub fn condition(&self) -> &'static Condition {
        match self {
            Self::PathNotFound { .. } => &condition::PATH_NOT_FOUND,
            Self::Unreadable { .. } => &condition::FILE_UNREADABLE,
            Self::EmptyForInference { .. } => &condition::CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE,
            Self::NoSchema { .. } => &condition::UNABLE_TO_INFER_SCHEMA,
            Self::Missing { .. } => &condition::FILE_NOT_EXIST,
            Self::Changed { .. } => &condition::FILE_CHANGED,
            Self::Corrupt {
                format: "parquet",
                reason,
                ..
            } if reason.contains("footer") => &condition::CANNOT_READ_FILE_FOOTER,
            Self::Corrupt { .. } => &condition::FAILED_READ_FILE,
            Self::TooLarge { .. } => &condition::FILE_TOO_LARGE,
            Self::Malformed { .. } => &condition::MALFORMED_RECORD_IN_PARSING,
            Self::TypeMismatch { .. } => &condition::PARQUET_TYPE_MISMATCH,
            Self::NewColumns(_) => &condition::UNKNOWN_FIELD_EXCEPTION,
            Self::ListDamaged { .. } => &condition::FILE_LIST_DAMAGED,
            Self::Storage { .. } => &condition::SOURCE_STORAGE_FAILED,
            Self::Internal(_) => &sluice_model::condition::run::INTERNAL_ERROR,
            Self::Refused(diagnostic) => diagnostic.condition,
        }
    }

    /// Whether `ignoreCorruptFiles` covers it.
    #[must_use]
    pub fn is_corrupt_file(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::TooLarge { .. })
    }

    /// The error with its facts and helps; the caller adds the place of the query.
    #[must_use]
    pub fn to_diagnostic(&self) -> Diagnostic {
        if let Self::Refused(diagnostic) = self {
            return (**diagnostic).clone();
        }
        let error = Diagnostic::error(self.condition(), self.to_string());
        match self {
            Self::PathNotFound { looked_at, .. } => {
                error.fact(format!("looked at: {looked_at}")).help("create the folder, or correct the path; volumes and buckets are mapped in sluice.yml")
            }
            Self::Unreadable { reason, .. } if reason == "permission denied" => {
                error.help("give the user that runs the pipeline the right to read it")
            }
            Self::EmptyForInference { .. } => error.help("put a file there, or declare the columns: `schema => 'id BIGINT, …'`"),
            Self::NoSchema { .. } => error.help("declare the columns: `schema => 'id BIGINT, …'`"),
            Self::Missing { .. } => error.fact("nothing of this micro-batch was written").help("put the file back, or run again: the micro-batch is planned again without it, with a warning"),
            Self::Changed { planned, found, .. } => error
                .fact(format!("when listed: {planned}"))
                .fact(format!("now: {found}"))
                .fact("nothing of this micro-batch was written")
                .help("write files once, under another name, and rename them when they are complete")
                .help("run again when it is complete: the micro-batch is planned again with the file as it is then"),
            Self::Corrupt { .. } | Self::TooLarge { .. } => error.help("mend or remove the file, or write `ignoreCorruptFiles => true` to leave such files out"),
            Self::Malformed { .. } => error.help("write `mode => 'PERMISSIVE'` to keep such rows, or `mode => 'DROPMALFORMED'` to leave them out"),
            Self::TypeMismatch { .. } => error.help("add a rescued data column: `rescuedDataColumn => '_rescued_data'`"),
            Self::NewColumns(new) if new.wider.is_some() => error.fact("the wider schema is stored; the next attempt reads them"),
            Self::NewColumns(_) => error.help("add the columns to `schema` or `schemaHints`, or write `schemaEvolutionMode => 'addNewColumns'`"),
            _ => error,
        }
    }

    /// A storage error while something is done to a file, as in `deleting`.
    pub(crate) fn while_doing(
        doing: &'static str,
        path: &str,
        source: object_store::Error,
    ) -> Self {
        if let Some(diagnostic) = crate::s3::carried(&source) {
            let told = diagnostic.clone().fact(format!("while {doing} `{path}`"));
            return Self::Refused(Box::new(told));
        }
        Self::Storage {
            doing,
            path: path.to_string(),
            source,
        }
    }

    /// A storage error while a file is read, with absence and refusal told apart.
    pub(crate) fn of_store(path: &str, source: object_store::Error) -> Self {
        if crate::s3::carried(&source).is_some() {
            return Self::while_doing("reading", path, source);
        }
        match source {
            object_store::Error::NotFound { .. } => Self::Missing {
                path: path.to_string(),
            },
            object_store::Error::PermissionDenied { .. }
            | object_store::Error::Unauthenticated { .. } => Self::Unreadable {
                path: path.to_string(),
                reason: "permission denied".into(),
            },
            object_store::Error::Precondition { .. } => Self::Changed {
                path: path.to_string(),
                planned: "the listed version".into(),
                found: "another version".into(),
            },
            other if comes_of(&other, ErrorKind::PermissionDenied) => Self::Unreadable {
                path: path.to_string(),
                reason: "permission denied".into(),
            },
            other => Self::while_doing("reading", path, other),
        }
    }
}

/// Whether the operating system gave this answer behind a storage error.
pub(crate) fn comes_of(error: &object_store::Error, kind: ErrorKind) -> bool {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| {
        error.source()
    })
    .filter_map(|error| error.downcast_ref::<std::io::Error>())
    .any(|error| error.kind() == kind)
}
