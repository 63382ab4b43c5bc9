//! THE table of error conditions: Spark's or Databricks' name and SQLSTATE where one exists, ours otherwise.
//!
//! One file per room that raises them. Each condition has a case under `tests/cases` (checked by `xtask tidy`)
//! and a page printed by `sluice explain NAME`. Must not hold messages of single occurrences: those are
//! [`crate::Diagnostic`]s.

pub mod command;
pub mod graph;
pub mod kinesis;
pub mod project;
pub mod query;
pub mod run;
pub mod s3;
pub mod serve;
pub mod source;
pub mod sql;
pub mod table;

/// Whose doing an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The project, the SQL or the data: the user can mend it.
    User,
    /// Something outside: disk, network, another engine, a foreign commit.
    External,
    /// A bug of ours.
    Internal,
}

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again until something is changed.
    No,
    /// It may pass by itself: retry with backoff.
    Backoff,
}

/// A named error condition.
#[derive(Debug)]
pub struct Condition {
    /// Name, `UPPER_CASE`, with a dot before a sub-condition.
    pub name: &'static str,
    /// SQLSTATE, five characters.
    pub sqlstate: &'static str,
    /// Whose doing it is.
    pub domain: Domain,
    /// Whether trying again can help.
    pub retry: Retry,
    /// What it means and what to do: the text of `sluice explain`, plain sentences.
    pub explanation: &'static str,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Condition {}

/// Declares the conditions of one room, and `ALL`, the list of them.
macro_rules! conditions {
    ($( $(#[doc = $doc:literal])* $constant:ident = $name:literal, $sqlstate:literal, $domain:ident, $retry:ident, $explanation:literal; )*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $explanation)]
            pub static $constant: $crate::condition::Condition = $crate::condition::Condition {
                name: $name,
                sqlstate: $sqlstate,
                domain: $crate::condition::Domain::$domain,
                retry: $crate::condition::Retry::$retry,
                explanation: $explanation,
            };
        )*
        /// Every condition of this room.
        pub static ALL: &[&$crate::condition::Condition] = &[$( &$constant ),*];
    };
}
pub(crate) use conditions;

/// Every condition there is, room by room.
pub fn all() -> impl Iterator<Item = &'static Condition> {
    [
        project::ALL,
        sql::ALL,
        graph::ALL,
        query::ALL,
        source::ALL,
        kinesis::ALL,
        s3::ALL,
        table::ALL,
        run::ALL,
        serve::ALL,
        command::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Finds a condition by its name, without regard to case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Condition> {
    all().find(|condition| condition.name.eq_ignore_ascii_case(name))
}
