//! The verbs, one file each. A command wires and renders; what it shows is computed below.

mod completion;
mod explain;
mod syntax;
mod version;

use sluice_model::Diagnostic;

use crate::arguments::{Arguments, Command};
use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;

/// Runs the command that was asked for.
pub(crate) fn dispatch(arguments: Arguments) -> Exit {
    let screen = Screen::new(&arguments.global);
    match arguments.command {
        Command::Validate(validate) => match &validate.syntax {
            Some(file) => syntax::run(&screen, file),
            None => Exit::Usage,
        },
        Command::Explain(explain) => explain::run(&screen, explain.condition.as_deref()),
        Command::Completion(completion) => completion::run(&screen, completion.shell),
        Command::Version => version::run(&screen),
        _ => Exit::Usage,
    }
}

/// Reports what went wrong and gives the code for it.
pub(crate) fn fail(screen: &Screen, diagnostics: &[Diagnostic], texts: &SourceTexts) -> Exit {
    if screen.is_json {
        screen.object(
            &serde_json::json!({ "diagnostics": crate::render::diagnostics_json(diagnostics) }),
        );
    }
    screen.diagnostics(diagnostics, texts);
    Exit::of(diagnostics)
}
