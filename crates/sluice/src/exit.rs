//! Exit codes, documented and stable, and what happens when we have a bug. Nobody else ends the process.

use std::process::ExitCode;

use sluice_model::Diagnostic;
use sluice_model::condition::run::{INTERNAL_ERROR, PIPELINE_ALREADY_RUNNING};

use crate::render;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: it did what was asked.
    Success,
    /// 1: an error in the project or the data, a failed update; it was reported.
    Failure,
    /// 2: the command line or the project's settings do not make sense.
    Usage,
    /// 2, of `plan --detailed-exitcode`: there is something to do.
    Changes,
    /// 3: the update completed, and rows broke expectations, with `--fail-on-violations`.
    Violations,
    /// 4: another engine runs this pipeline and target.
    AlreadyRunning,
    /// 70: a bug of ours.
    Bug,
    /// 99: nothing was new, with `--skip-code`.
    NothingNew,
    /// 130: interrupted, after everything begun was brought to a clean end.
    Interrupted,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage | Self::Changes => 2,
            Self::Violations => 3,
            Self::AlreadyRunning => 4,
            Self::Bug => 70,
            Self::NothingNew => 99,
            Self::Interrupted => 130,
        }
    }

    /// What it becomes when the result could not be written: whatever else went well, nobody has it.
    pub(crate) fn without_result(self) -> Self {
        match self {
            Self::Success | Self::Changes | Self::Violations | Self::NothingNew => Self::Failure,
            Self::Failure | Self::Usage | Self::AlreadyRunning | Self::Bug | Self::Interrupted => {
                self
            }
        }
    }

    /// What errors mean for the exit code; [`Exit::Success`] when none of them is an error.
    pub(crate) fn of(diagnostics: &[Diagnostic]) -> Self {
        let mut errors = diagnostics.iter().filter(|d| d.is_error()).peekable();
        if errors.peek().is_none() {
            return Self::Success;
        }
        errors.fold(Self::Failure, |exit, error| {
            if error.condition == &INTERNAL_ERROR {
                Self::Bug
            } else if error.condition == &PIPELINE_ALREADY_RUNNING && exit != Self::Bug {
                Self::AlreadyRunning
            } else {
                exit
            }
        })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A panic is a bug: it is told as one, and the process ends with 70.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        let what = info
            .payload()
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| info.payload().downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no words".to_owned());
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        render::bug(&what, &place);
        #[allow(
            clippy::exit,
            reason = "a panic in any thread must end the process with the code of a bug"
        )]
        std::process::exit(i32::from(Exit::Bug.code()));
    }));
}

#[cfg(test)]
mod tests {
    use sluice_model::condition::project::PROJECT_NOT_FOUND;

    use super::*;

    #[test]
    fn nothing_goes_well_without_its_result() {
        for (exit, expected) in [
            (Exit::Success, 1),
            (Exit::NothingNew, 1),
            (Exit::Usage, 2),
            (Exit::AlreadyRunning, 4),
        ] {
            assert_eq!(exit.without_result().code(), expected, "{exit:?}");
        }
    }

    #[test]
    fn errors_decide_the_code() {
        let note = Diagnostic::note(&PROJECT_NOT_FOUND, "");
        let error = Diagnostic::error(&PROJECT_NOT_FOUND, "");
        let running = Diagnostic::error(&PIPELINE_ALREADY_RUNNING, "");
        let bug = Diagnostic::error(&INTERNAL_ERROR, "");
        for (diagnostics, code) in [
            (vec![], 0),
            (vec![note.clone()], 0),
            (vec![note, error.clone()], 1),
            (vec![running.clone(), error.clone()], 4),
            (vec![bug.clone(), running.clone()], 70),
            (vec![running, bug], 70),
        ] {
            assert_eq!(Exit::of(&diagnostics).code(), code, "{diagnostics:?}");
        }
    }
}
