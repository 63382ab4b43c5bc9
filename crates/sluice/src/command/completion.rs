//! `sluice completion SHELL`.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::render::Screen;

/// Prints the completion script of a shell.
pub(crate) fn run(screen: &Screen, shell: Shell) -> Exit {
    let mut script = vec![];
    generate(shell, &mut Arguments::command(), "sluice", &mut script);
    screen.result(&String::from_utf8_lossy(&script));
    Exit::Success
}
