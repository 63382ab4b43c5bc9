//! The `sluice` binary: everything is in the library beside it, where the cases of `tests/` reach it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice::main()
}
