//! What can go wrong with a table, and the condition that names it for people. Must not print.

use sluice_model::condition::table as condition;
use sluice_model::{Condition, Diagnostic};

/// An error of a table or its store.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The store did not do what it was asked.
    #[error("cannot {action} {path}: {source}")]
    Storage {
        /// What was tried: `read`, `write`, `list`, `delete`.
        action: &'static str,
        /// The object or folder.
        path: String,
        /// What the store said.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The store does not refuse to write what exists: two writers would overwrite each other's commits.
    #[error("the store at {url} overwrites objects that must only be created once")]
    UnsafeStore {
        /// Base of the store.
        url: String,
    },
    /// There is no table at the place.
    #[error("there is no Delta table at {path}")]
    NotFound {
        /// The place.
        path: String,
    },
    /// The log of the table does not read.
    #[error("the log of the table at {path} cannot be read: {reason}")]
    Unreadable {
        /// The place.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The table needs features that this engine does not have.
    #[error("the table at {path} needs {} to {purpose} it", features.join(", "))]
    UnsupportedFeatures {
        /// The place.
        path: String,
        /// `read` or `write`.
        purpose: &'static str,
        /// Names of the features, as in the Delta protocol.
        features: Vec<String>,
    },
    /// A definition or change of schema that cannot be.
    #[error("{message}")]
    Schema {
        /// What is wrong with which column or property.
        message: String,
    },
    /// NULL in a column that is NOT NULL.
    #[error("NULL in column `{column}`, which is NOT NULL")]
    NotNull {
        /// The column, with dots inside structs.
        column: String,
        /// A row that shows it, as JSON-like text.
        row: String,
    },
    /// A file that is to be committed is not there, or has another size.
    #[error("the data file {path} is not there as it was written: {reason}")]
    DataFile {
        /// Path of the file.
        path: String,
        /// What was found.
        reason: String,
    },
    /// A request that no caller may make.
    #[error("{0}")]
    Invalid(String),
    /// A version that the log does not hold any more, or not yet.
    #[error("version {version} of the table at {path} is not in its log")]
    VersionNotFound {
        /// The place.
        path: String,
        /// The version.
        version: u64,
    },
    /// Files of a version are not on disk any more, so that it cannot be read or come back.
    #[error("version {version} of the table at {path} is not whole any more: {} of its files are gone", files.len())]
    FilesVacuumed {
        /// The place.
        path: String,
        /// The version.
        version: u64,
        /// The files.
        files: Vec<String>,
    },
    /// Other writers kept replacing what a change was made from.
    #[error("other writers keep replacing files of the table at {path}")]
    Disturbed {
        /// The place.
        path: String,
    },
    /// Rows would go from a table that only takes new ones.
    #[error("the table at {path} only takes new rows: its property `delta.appendOnly` is true")]
    AppendOnly {
        /// The place.
        path: String,
    },
    /// The Delta library failed.
    #[error("{0}")]
    Delta(Box<deltalake::DeltaTableError>),
    /// Reading or writing Parquet failed.
    #[error("{0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A columnar operation failed.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The query engine failed, in a query whose rows are written.
    #[error("{0}")]
    Query(Box<datafusion::error::DataFusionError>),
    /// A test stopped the engine at a named step.
    #[error("stopped at {step}")]
    Stopped {
        /// Name of the step.
        step: String,
    },
}

impl From<deltalake::DeltaTableError> for TableError {
    fn from(error: deltalake::DeltaTableError) -> Self {
        Self::Delta(Box::new(error))
    }
}

impl From<datafusion::error::DataFusionError> for TableError {
    fn from(error: datafusion::error::DataFusionError) -> Self {
        Self::Query(Box::new(error))
    }
}

impl TableError {
    pub(crate) fn storage(
        action: &'static str,
        path: &crate::location::Location,
    ) -> impl FnOnce(object_store::Error) -> Self {
        let path = path.to_string();
        move |source| Self::Storage {
            action,
            path,
            source: Box::new(source),
        }
    }

    /// The condition that names this error.
    #[must_use]
    pub fn condition(&self) -> &'static Condition {
        match self {
            Self::Storage { .. } | Self::Stopped { .. } => &condition::STORAGE_ERROR,
            Self::UnsafeStore { .. } => &condition::STORAGE_UNSAFE,
            Self::NotFound { .. } => &condition::DELTA_TABLE_NOT_FOUND,
            Self::Unreadable { .. } | Self::DataFile { .. } => &condition::DELTA_TABLE_DAMAGED,
            Self::UnsupportedFeatures {
                purpose: "read", ..
            } => &condition::DELTA_UNSUPPORTED_FEATURES_FOR_READ,
            Self::UnsupportedFeatures { .. } => &condition::DELTA_UNSUPPORTED_FEATURES_FOR_WRITE,
            Self::Schema { .. } => &condition::DELTA_FAILED_TO_MERGE_FIELDS,
            Self::NotNull { .. } => &condition::DELTA_NOT_NULL_CONSTRAINT_VIOLATED,
            Self::VersionNotFound { .. } => &condition::DELTA_VERSION_NOT_FOUND,
            Self::FilesVacuumed { .. } => &condition::DELTA_FILES_VACUUMED,
            Self::Disturbed { .. } => &condition::DELTA_CONCURRENT_WRITE,
            Self::AppendOnly { .. } => &condition::DELTA_CANNOT_MODIFY_APPEND_ONLY,
            Self::Delta(_)
            | Self::Parquet(_)
            | Self::Arrow(_)
            | Self::Query(_)
            | Self::Invalid(_) => &condition::DELTA_OPERATION_FAILED,
        }
    }

    /// The words that the store itself has for what went wrong.
    fn carried(&self) -> Option<Diagnostic> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = match self {
            Self::Delta(error) => Some(error.as_ref()),
            Self::Query(error) => Some(error.as_ref()),
            Self::Storage { source, .. } => Some(source.as_ref()),
            Self::Parquet(error) => Some(error),
            Self::Arrow(error) => Some(error),
            _ => None,
        };
        while let Some(error) = cause {
            if let Some(diagnostic) = error.downcast_ref::<Diagnostic>() {
                return Some(diagnostic.clone());
            }
            cause = error.source();
        }
        None
    }

    /// The error for people: condition, sentence, and what to do next.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        if let Some(known) = self.carried() {
            return match self {
                Self::Storage { action, path, .. } => {
                    known.fact(format!("while trying to {action} `{path}`"))
                }
                _ => known,
            };
        }
        let diagnostic = Diagnostic::error(self.condition(), self.to_string());
        match self {
            Self::NotNull { row, .. } => diagnostic.fact(format!("row: {row}")),
            Self::FilesVacuumed { .. } => diagnostic
                .fact("nothing was changed")
                .help("choose a later version: VACUUM deleted files that only older versions need"),
            Self::AppendOnly { .. } => diagnostic.fact("nothing was changed").help(
                "drop the property from the declaration and from the table, or leave the rows",
            ),
            Self::Disturbed { .. } => diagnostic
                .fact("nothing was changed")
                .help("try again when the update that runs has ended"),
            Self::Unreadable { .. } | Self::DataFile { .. } => diagnostic
                .fact("nothing was changed")
                .help("bring the file back from a backup of the table")
                .help("or move the folder of the table away and fill it anew, if its sources still hold everything"),
            Self::VersionNotFound { .. } => {
                diagnostic.help("`DESCRIBE HISTORY` of the table lists the versions that are there")
            }
            Self::UnsafeStore { .. } => {
                diagnostic.help("use a store with conditional writes (`If-None-Match: *`)")
            }
            Self::UnsupportedFeatures { .. } => diagnostic.help(
                "drop the feature from the table, or let the engine that made it go on writing it",
            ),
            _ => diagnostic,
        }
    }
}

/// The error for features of the protocol that we do not have.
pub(crate) fn unsupported(
    location: &crate::location::Location,
    purpose: &'static str,
    features: &[impl ToString],
) -> TableError {
    let mut features: Vec<_> = features.iter().map(ToString::to_string).collect();
    features.sort();
    TableError::UnsupportedFeatures {
        path: location.to_string(),
        purpose,
        features,
    }
}

/// What an error of the library about a log is.
pub(crate) fn unreadable(
    location: &crate::location::Location,
    error: deltalake::DeltaTableError,
) -> TableError {
    match error {
        deltalake::DeltaTableError::NotATable(_) => TableError::NotFound {
            path: location.to_string(),
        },
        deltalake::DeltaTableError::ObjectStore { source } => {
            TableError::storage("read", location)(source)
        }
        other => {
            let reason = other.to_string();
            match of_store(&reason) {
                Some(source) => TableError::storage("read", location)(source),
                None => unreadable_log(location, reason),
            }
        }
    }
}

/// What the store said, where the library passes it on as text only: a log that was not read is not damaged. What our
/// stores say for people begins with the name of its condition.
fn of_store(reason: &str) -> Option<object_store::Error> {
    let (_, said) = reason.split_once("Error interacting with object store: ")?;
    let named = said.split_once('[').and_then(|(_, rest)| {
        let (name, message) = rest.split_once("] ")?;
        Some(Diagnostic::error(
            sluice_model::condition::find(name)?,
            message,
        ))
    });
    let source: Box<dyn std::error::Error + Send + Sync> = match named {
        Some(named) => Box::new(named),
        None => said.into(),
    };
    Some(object_store::Error::Generic {
        store: "store",
        source,
    })
}

/// The library names features that it does not know in a sentence only.
fn unreadable_log(location: &crate::location::Location, reason: String) -> TableError {
    let lower = reason.to_lowercase();
    if lower.contains("feature") && (lower.contains("unsupported") || lower.contains("unknown")) {
        unsupported(location, "read", &[reason])
    } else {
        TableError::Unreadable {
            path: location.to_string(),
            reason: without_dumps(&reason),
        }
    }
}

/// The library prints a file of the log with everything that it knows of it: its name tells enough.
fn without_dumps(reason: &str) -> String {
    let mut text = String::new();
    let mut rest = reason;
    while let Some((before, dump)) = rest.split_once("ParsedLogPath {") {
        let named = dump.split_once("filename: \"");
        let Some((name, tail)) = named.and_then(|(_, tail)| tail.split_once('"')) else {
            break;
        };
        text.push_str(before);
        text.push_str(name);
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_log_is_told_by_its_name() {
        let dump = |name: &str| {
            format!(
                "ParsedLogPath {{ location: FileMeta {{ location: Url {{ path: \"/t/_delta_log/{name}\" }}, size: 7 }}, filename: \"{name}\", extension: \"json\", version: 0, file_type: Commit }}"
            )
        };
        let told = without_dumps(&format!(
            "found gap: {} -> {}",
            dump("0.json"),
            dump("2.json")
        ));
        assert_eq!(told, "found gap: 0.json -> 2.json");
        assert_eq!(without_dumps("no dump"), "no dump");
    }
}
