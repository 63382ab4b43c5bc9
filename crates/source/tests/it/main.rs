//! Sources, end to end: real folders, real formats, an object store in memory, and a Kinesis in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod discovery;
mod evolution;
mod kinesis;
mod readers;
mod support;
mod text_formats;
mod typed_formats;
mod unlucky;
