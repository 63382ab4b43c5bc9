//! Folders of files as a source: what is there, what is new, what it means, and its rows.

mod assemble;
mod bad_records;
mod choose;
mod clean;
mod entry;
mod evolve;
mod file_list;
mod list;
mod partition;
mod read;
mod schema;
mod seen;
mod source;
mod stored;
mod walk;

pub use bad_records::{BadRow, BadRowKeeper};
pub use choose::choose;
pub use clean::{CleanAction, CleanOutcome, plan_clean};
pub use entry::FileEntry;
pub use file_list::{
    EncodedFileList, TakenFile, compact_file_lists, decode_file_list, encode_file_list,
};
pub use list::{Listing, SkipReason, Skipped};
pub use read::{FileStream, ReadCounters, ReadProgress};
pub use schema::{METADATA_COLUMN, SourceSchema};
pub(crate) use schema::{apply_hints, merge_fields, widened};
pub use seen::SeenIndex;
pub use source::{FileSource, ReadSession, local_store};
pub use stored::StoredSchema;
