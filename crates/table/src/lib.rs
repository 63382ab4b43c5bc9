//! One Delta table: open, create, read, append, replace, look back, maintain; and the store that tables lie in.
//!
//! Lives here: durable local storage, the commit with its reconciliation, Parquet files with statistics, the changes
//! between versions, self-heal and log checkpoints. Must not live here: flows, graphs, SQL, Kinesis: a caller says
//! *what* to commit under which transaction, never why.
//!
//! Three rules that everything here keeps. Every commit of an engine carries a `txn`, and an error of a commit means
//! *unknown*, never *failed*. Data is durable before the commit that names it. Nothing is deleted that a reader could need.

mod changes;
mod codec;
mod commit;
mod data_file;
mod durable_local;
mod error;
mod evolve;
mod exchange;
mod file_scan;
mod history;
mod hook;
mod hooked;
mod location;
mod log;
mod log_listing;
mod log_store;
mod maintain;
mod optimize;
mod property;
mod read;
mod request;
mod restore;
mod sample;
mod schema;
mod spill;
mod stats;
mod store;
mod table;
mod tagged;
mod text_bounds;
mod vacuum;
mod write;
mod z_order;

pub use changes::{ChangeKind, CommitChanges, DataFile};
pub use codec::Codec;
pub use durable_local::{Durability, DurableLocal};
pub use error::TableError;
pub use hook::{NoHook, Step, StepAction, StepHook};
pub use location::Location;
pub use maintain::{Repair, RepairPolicy, Repaired};
pub use optimize::{FileSizes, OptimizeRequest, Optimized, PartitionValues};
pub use property::{CONSTRAINT_PREFIX, PropertyVerdict, canonical_property, judge_property};
pub use request::{CommitOutcome, CommitRequest, Conflict, Removes};
pub use restore::Restored;
pub use schema::{MetadataChange, TableDefinition};
pub use spill::SpillFiles;
pub use store::{NoOtherStores, OtherStores, PutOutcome, Store, StoreOptions};
pub use table::DeltaTable;
pub use tagged::Replaced;
pub use text_bounds::TextBounds;
pub use vacuum::{RETENTION_MS, Vacuumed};
pub use write::{DataWriter, WriteOptions};

pub use deltalake::kernel::{Add, Remove};
