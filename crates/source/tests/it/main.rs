//! Sources of files, end to end: real folders, real formats, and an object store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod discovery;
mod evolution;
mod readers;
mod support;
mod text_formats;
mod typed_formats;
mod unlucky;
