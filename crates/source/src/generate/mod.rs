//! The simulator: a source that invents records, from the template of an Amazon Kinesis Data Generator or from a
//! preset fleet, with faults on the way. The same seed and the same times give the same bytes. Must not ask for the
//! time or for randomness: both are handed in.

mod device;
mod fault;
mod folder;
mod moment;
mod partition_key;
mod preset;
mod random;
mod row;
mod simulator;
mod stream_calls;
mod stream_writer;
mod template;
mod timeline;

pub use fault::Faults;
pub use folder::{FolderOptions, RollingFiles};
pub use partition_key::PartitionKey;
pub use preset::Preset;
pub use row::RecordForm;
pub use simulator::{Counts, Outlet, Record, Simulation, Simulator};
pub use stream_writer::{StreamPlace, StreamWriteError, StreamWriter};
pub use template::{Template, TemplateError};
pub use timeline::Rate;
