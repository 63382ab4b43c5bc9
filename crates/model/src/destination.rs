//! Destinations: where rows of alert tables, and what happened to updates, are told to people. Must not send anything.

use std::fmt;

use crate::Origin;
use crate::job::Placed;

/// One destination of sluice.yml.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name: the id of a notification destination at Databricks, an address, or any other word.
    pub name: String,
    /// Where it is declared.
    pub origin: Origin,
    /// What form its messages have.
    pub kind: DestinationKind,
    /// The address that messages go to.
    pub url: Placed<Secret>,
    /// The table whose new rows it hears of; `None`: it hears of updates only.
    pub table: Option<Placed<String>>,
    /// Columns that say which rows tell the same; empty: every row is its own.
    pub deduplication_key: Vec<Placed<String>>,
    /// Rows in one message at most.
    pub group_rows_max: u32,
    /// Seconds in which rows of one key are told once.
    pub cool_down_seconds: u64,
    /// The text of one row, with `{{column}}` for its values.
    pub template: Option<String>,
    /// Key of the signature of a webhook's messages.
    pub signing_secret: Option<Placed<Secret>>,
    /// What of updates it hears.
    pub alerts: Vec<PipelineAlert>,
    /// Attempts at one message before it is put aside.
    pub attempts_max: u32,
}

/// The form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationKind {
    /// Plain JSON.
    Webhook,
    /// What an incoming webhook of Slack takes.
    Slack,
}

/// A value that is not to be seen, or where it is kept. Never shown: its `Debug` says where it is kept only.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// It stands in the file itself.
    Plain(String),
    /// The environment variable of this name holds it.
    Environment(String),
    /// The file at this path holds it.
    File(String),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Where it is kept.
impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("plain"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

/// What of an update a destination hears, in Databricks' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PipelineAlert {
    /// It completed.
    UpdateSuccess,
    /// It failed.
    UpdateFailure,
    /// It failed with an error that trying again does not mend.
    UpdateFatalFailure,
    /// A flow of it failed.
    FlowFailure,
}

impl PipelineAlert {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::UpdateSuccess,
        Self::UpdateFailure,
        Self::UpdateFatalFailure,
        Self::FlowFailure,
    ];

    /// The word in project files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpdateSuccess => "on-update-success",
            Self::UpdateFailure => "on-update-failure",
            Self::UpdateFatalFailure => "on-update-fatal-failure",
            Self::FlowFailure => "on-flow-failure",
        }
    }
}

/// What a pipeline's `notifications` ask for: some alerts to some recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What they hear of.
    pub alerts: Vec<PipelineAlert>,
    /// Who hears of it: names of destinations, or addresses that stand for one.
    pub recipients: Vec<Placed<String>>,
}
