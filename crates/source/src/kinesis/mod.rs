//! Kinesis streams as a source: which shards may be read, their records, and the same records again.
//!
//! One call of `read_kinesis` is one source, however many streams it names; its offset holds a position for each shard
//! of each stream. Must not know SQL, Delta or flows: whoever calls plans ranges, keeps them and commits.
//!
//! A caller does this: ask [`KinesisSource::fetch`] from the position of the last batch (`None` at the very first);
//! where the answer says so, write down the range `start..end` with count and digest; then use its batches. After a
//! restart a range that was written down and not committed comes again from [`KinesisSource::replay`].

mod client;
mod columns;
mod consumer;
mod deaggregate;
mod digest;
mod fetched;
mod initial;
mod loss;
mod open;
mod option;
mod option_value;
mod pace;
mod read;
mod replay;
mod settings;
mod shard;
mod source;
mod subscription;
mod take;
mod trouble;

pub use fetched::{FetchLimits, Fetched};
pub use initial::InitialPosition;
pub use option::{ConsumerMode, ConsumerOptions, KinesisOptions, RegisteredConsumer, StreamName};
pub use settings::KinesisSettings;
pub use source::KinesisSource;
