//! The door: arguments in, exit code out. What a command does is in `command`, one file each; what people read is made
//! in `render`; what walks through `.test` files is in [`testing`]. Must not hold logic of pipelines: that is below, in
//! `run`, `graph` and `sql`.

mod allocator;
mod arguments;
mod command;
mod delivering;
mod describe;
mod edge;
pub mod embedded_kinesis;
mod exit;
mod maintenance;
mod memory;
mod progress;
mod project_disk;
mod render;
mod rows;
mod s3;
mod source_text;
mod statement;
mod template;
pub mod testing;
mod warehouse;
mod watching;
mod workplace;

use std::process::ExitCode;

use clap::Parser as _;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    allocator::share_arenas();
    exit::report_panics();
    let arguments = arguments::Arguments::parse_from(arguments::told_apart(std::env::args_os()));
    command::dispatch(arguments).into()
}
