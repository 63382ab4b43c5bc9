//! What a commit is asked to do, and what can become of it. Must not do it.

use std::collections::BTreeMap;

use deltalake::kernel::Add;
use serde_json::Value;

use crate::TableError;
use crate::schema::MetadataChange;

/// Which files of the table a commit takes out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Removes {
    /// None: an append.
    #[default]
    None,
    /// All that are there when the commit is made: the table becomes what is added.
    All,
    /// These paths, each of which must still be there.
    Files(Vec<String>),
    /// These paths, each of which must still be there, whose rows are all in what is added: no row changes.
    Rearranged(Vec<String>),
    /// Whatever was added after this version, while what was taken out since then comes back, and columns and properties
    /// too. The files that come back must be there: see [`crate::DeltaTable::require_files`].
    Since(u64),
}

/// What to commit.
#[derive(Debug, Clone, Default)]
pub struct CommitRequest {
    /// Files written by a [`crate::DataWriter`] of this table.
    pub adds: Vec<Add>,
    /// Files that go.
    pub removes: Removes,
    /// Application id and version, at least one, ids unique. A version that the log has already means: done before.
    pub txns: Vec<(String, i64)>,
    /// Change of columns, comment or properties.
    pub metadata: Option<MetadataChange>,
    /// The version that the rows were computed from, for [`Removes::Files`] and wherever a change of schema since then
    /// matters; `None`: the handle's version.
    pub base_version: Option<u64>,
    /// `WRITE`, `STREAMING UPDATE`, … as DESCRIBE HISTORY shows it.
    pub operation: String,
    /// Parameters of the operation, for DESCRIBE HISTORY; an object.
    pub parameters: Value,
    /// Metrics of the operation, for DESCRIBE HISTORY.
    pub metrics: Option<Value>,
    /// Further entries of `commitInfo`, such as the echo of the plan.
    pub info: BTreeMap<String, Value>,
}

/// Why a commit was not made although nothing failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Columns, partitions or properties changed since the base version: read them again and begin anew.
    MetadataChanged {
        /// Version found.
        version: u64,
    },
    /// A file that was to go is gone already: compute again from the newest version.
    FilesChanged {
        /// Version found.
        version: u64,
        /// One of the files.
        path: String,
    },
    /// Some of the transactions were committed and others not.
    PartlyCommitted {
        /// Version found.
        version: u64,
    },
    /// The log stands before the batch that came before: someone set it back.
    RolledBack {
        /// Version found.
        version: u64,
    },
}

/// What became of a commit.
#[derive(Debug)]
pub enum CommitOutcome {
    /// It is the given version now, durable, whatever was answered on the way.
    Committed {
        /// Version made.
        version: u64,
    },
    /// The same transactions were committed before, by this or another engine. The request's files are not part of the table.
    AlreadyCommitted {
        /// Version at which this was seen.
        version: u64,
    },
    /// It was not made and must not be as it is.
    Conflict(Conflict),
    /// Nobody can tell: the table could not be read after the error. Open it again later and look.
    Unknown(TableError),
}
