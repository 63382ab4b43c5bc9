//! Tests of pipelines: `.test` files, read, walked through a world of their own, and compared. Used by `sluice test` for
//! the tests of a project and by `tests/runner.rs` for our own cases; must not print.
//!
//! A file is a purpose (comment lines), then stations: `--- <verb> [arguments]` and the lines up to the next one.
//!
//! | station | does | answer |
//! |---|---|---|
//! | `put PATH` / `put-hex PATH` | writes an input file where the project reads PATH (in our cases also below `$input`) | |
//! | `rows PATH` | writes a table of values as an input file, JSON lines or CSV by its extension | |
//! | `kinesis STREAM [key=K] [shard=N]` / `kinesis-hex …` | puts a record per line into a stream; one of no bytes is `-` in hex | |
//! | `stream NAME [SHARDS]`, `delete-stream NAME`, `trim-stream NAME` | makes a stream, deletes it, lets go of its records | |
//! | `reshard STREAM 0 -> 1,2`, `reshard STREAM 1,2 -> 3` | splits a shard, merges two | |
//! | `given DATASET` | puts rows in the place of what fills a dataset: `name TYPE \| …`, then values | |
//! | `copy PATH` | takes over a file or folder of the project that is no SQL and no setting, such as sample data | |
//! | `file PATH` | writes a project file, or replaces it | |
//! | `remove PATH` | deletes a file or folder | |
//! | `target NAME`, `key NAME`, `spec FILE` | chooses the bundle target, the pipeline, its file | |
//! | `clock +10m`, `clock 2026-01-01T00:00:00Z` | moves the clock | |
//! | `memory BYTES`, `memory all` | limits what queries hold in memory from now on, or no longer | |
//! | `update [flags]` | runs an update | its flows; then `error` if it must fail, `note` for what it says beside |
//! | `continuous [flags]` | starts a continuous update, and waits until it has nothing left to do | |
//! | `settle` | lets it look at its sources, and waits again; after `clock` too | |
//! | `stop` | stops it | as `update` |
//! | `validate` | resolves the project | `error`, `note`, or nothing |
//! | `plan` | says what an update would do | its lines, or `error` |
//! | `query` | runs a query, or a statement such as DESCRIBE or OPTIMIZE | `expect`: the rows, or `error` |
//! | `events [types]` | lists events of the last update | its lines |
//! | `history TABLE` | lists commits | its lines |
//! | `describe TABLE` | lists comments and properties, under all regimes | its lines |
//! | `crash STEP FLOW` | the next update dies at that step | |
//! | `crash operation N before`, `crash operation N after` | it dies at its Nth writing operation, before its effect or after it | |
//! | `disturb STEP PATH TIMES [after]` | the store refuses so many operations of a kind, as `put.plan silver 2`; `after`: it does them all the same | |
//! | `disturb kinesis OPERATION MISHAP TIMES` | so many calls are throttled, expired, failing, lost, torn, silent, denied, unknown or skewed | |
//! | `overtaken STEP FLOW` | the next update waits at that step until another engine has done a whole one | |
//!
//! A line `...` in an answer stands for any further lines. An answer that nothing is held against is refused when
//! the file is read; `error` always means that the station fails.

mod answer;
mod argument;
mod bucket;
mod case;
mod difference;
mod failure;
mod fate;
mod fixture;
mod interference;
pub(crate) mod junit;
mod kinesis;
mod live;
mod regime;
mod rows;
mod sandbox;
mod settle;
mod show;
mod statement;
mod walk;
mod world;

pub use answer::{Answers, Layout};
pub use bucket::Buckets;
pub use case::{Case, Station};
pub use failure::{Failure, Trouble};
pub use fate::Fate;
pub use regime::{Crashes, Manners, Regime, run};
pub use walk::{Backstage, NoBackstage, Walk};
pub use world::{Loaded, Setting, World};
