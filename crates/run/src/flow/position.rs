//! Where the inputs of a materialized view stand, as its refresh records them. Must not choose a technique.

use std::sync::Arc;

use sluice_checkpoint::{SourceIdentity, SourceOffset};
use sluice_graph::Input;
use sluice_source::Listing;
use sluice_table::DeltaTable;

use crate::error::Result;
use crate::event_log::definitions::input_name;
use crate::inputs::leaves::Leaf;
use crate::inputs::stream::Taken;
use crate::update::Update;

/// Where an input stands.
#[derive(Debug)]
pub(crate) enum Position {
    Table {
        table: DeltaTable,
        version: u64,
    },
    Files {
        listing: Arc<Listing>,
        digest: String,
    },
    Unversioned,
}

impl Position {
    /// Looks where an input stands now.
    pub(crate) async fn of(update: &Update, leaf: &Leaf) -> Result<Self> {
        match &leaf.input {
            Input::Dataset(name) | Input::External(name) => match update.tables.open(name).await? {
                Some(table) => {
                    table.refresh().await?;
                    Ok(Self::Table {
                        version: table.version(),
                        table,
                    })
                }
                None => Ok(Self::Unversioned),
            },
            Input::Files(function) => {
                let Some(input) = update.prepared.files.get(&function.origin) else {
                    return Ok(Self::Unversioned);
                };
                let files = &input.listing.files;
                let mut digest = 0_u32;
                for file in files {
                    let entry = format!(
                        "{}|{}|{}|{:?}",
                        file.path, file.size, file.modified_us, file.etag
                    );
                    digest = crc32c::crc32c_append(digest, entry.as_bytes());
                }
                Ok(Self::Files {
                    digest: format!("{digest:08x}"),
                    listing: input.listing,
                })
            }
            Input::Kinesis(_) | Input::EventLog(_) | Input::Path { .. } => Ok(Self::Unversioned),
        }
    }

    /// Everything of an input at its position.
    pub(crate) fn whole(&self) -> Taken {
        match self {
            Self::Table { table, version } => Taken::Whole {
                version: *version,
                bytes: table.size().1,
            },
            Self::Files { listing, .. } => Taken::Files(listing.files.clone()),
            Self::Unversioned => Taken::Unpinned,
        }
    }

    /// What a refresh records of its input: who it is, where it stood, how many files, their digest. `None` where there
    /// is nothing to tell a later state from this one.
    pub(crate) fn recorded(
        &self,
        leaf: &Leaf,
    ) -> Option<(SourceIdentity, SourceOffset, u64, String)> {
        Some(match self {
            Self::Table { table, version } => (
                SourceIdentity::Table {
                    table_id: table.id(),
                },
                SourceOffset::Table {
                    table_id: table.id(),
                    version: *version,
                    index: None,
                    initial_snapshot: false,
                },
                0,
                String::new(),
            ),
            Self::Files { listing, digest } => (
                SourceIdentity::Files {
                    root: input_name(&leaf.input),
                    format: String::new(),
                },
                SourceOffset::Files {
                    files: listing.files.len() as u64,
                    bytes: listing.files.iter().map(|file| file.size).sum(),
                    digest: digest.clone(),
                },
                listing.files.len() as u64,
                digest.clone(),
            ),
            Self::Unversioned => return None,
        })
    }
}
