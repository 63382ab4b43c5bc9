//! Tests of one Delta table on memory and on disk, in one binary. Must not know flows.

mod support;

mod append;
mod faults;
mod foreign;
mod read;
mod repair;
mod schema;
mod store;
mod types;
