//! Tests of one Delta table on memory and on disk, in one binary. Must not know flows.

mod support;

mod append;
mod read;
