//! The end of each station of a walk: what it answered, and what it said beside, against what the test expects.

use sluice_model::{Diagnostic, Severity};

use super::answer::{Answers, Form, Layout, compare};
use super::case::Case;
use super::failure::Trouble;
use super::walk::Walk;
use crate::source_text::SourceTexts;

impl Walk {
    /// Errors and notes of the last station against the stations behind it.
    pub(super) fn compare_said(&mut self, case: &mut Case, index: usize) -> Result<(), Trouble> {
        if self.answers.is_rows_only() {
            return Ok(());
        }
        let errors = self.rendered(Severity::Error, "");
        let notes = self.rendered(Severity::Warning, "");
        let mut error_answer = case.answer(index, "error").map(|(answer, _)| answer);
        let note_answer = match error_answer {
            Some(answer) => case.answer(answer, "note").map(|(answer, _)| answer),
            None => {
                let note = case.answer(index, "note").map(|(answer, _)| answer);
                if let Some(note) = note {
                    error_answer = case.answer(note, "error").map(|(answer, _)| answer);
                }
                note
            }
        };
        match error_answer {
            Some(answer) if errors.is_empty() => return Err(must_fail(answer)),
            Some(answer) => self.settle(case, answer, &errors, Form::Lines)?,
            None if !errors.is_empty() => {
                return Err(Trouble::Failed(format!(
                    "the pipeline reports errors that the test does not expect\n{errors}"
                )));
            }
            None => {}
        }
        match note_answer {
            Some(answer) => self.settle(case, answer, &notes, Form::Lines),
            None => Ok(()),
        }
    }

    pub(super) fn rendered(&self, severity: Severity, query: &str) -> String {
        let mut texts = SourceTexts::of_folder(self.world.project_folder());
        texts.give("query", query);
        let wanted = |d: &&Diagnostic| (severity == Severity::Error) == d.is_error();
        let frames: Vec<String> = self
            .said
            .iter()
            .filter(wanted)
            .map(|d| {
                crate::render::frame(d, &texts, false)
                    .trim_end()
                    .to_string()
            })
            .collect();
        self.world.mask(&frames.join("\n\n"))
    }

    /// Settles what flows did. Written by hand, an update with nothing below it only has to succeed: it stays so.
    pub(super) fn compare_flows(
        &self,
        case: &mut Case,
        index: usize,
        shown: &str,
    ) -> Result<(), Trouble> {
        let is_asked = self.layout == Layout::Exact
            || case
                .stations
                .get(index)
                .is_some_and(|station| !station.answer_text().trim().is_empty());
        if is_asked {
            self.compare(case, index, shown, Form::Set)
        } else {
            Ok(())
        }
    }

    /// Settles an answer that is no rows, where such are compared.
    pub(super) fn compare(
        &self,
        case: &mut Case,
        index: usize,
        shown: &str,
        form: Form,
    ) -> Result<(), Trouble> {
        if self.answers.is_rows_only() {
            Ok(())
        } else {
            self.settle(case, index, shown, form)
        }
    }

    /// Holds what was found against the station that says what was expected, or writes it there.
    pub(super) fn settle(
        &self,
        case: &mut Case,
        index: usize,
        shown: &str,
        form: Form,
    ) -> Result<(), Trouble> {
        let shown = self.world.mask(shown);
        let Some(station) = case.stations.get_mut(index) else {
            return Ok(());
        };
        let Some(difference) = compare(station.answer_text(), &shown, form, self.layout) else {
            return Ok(());
        };
        if self.answers == Answers::Fill {
            station.set_answer(&shown);
            return Ok(());
        }
        Err(Trouble::Differs {
            station: index,
            difference,
        })
    }
}

/// What is wrong with a station that succeeds, where the one at `answer` says that it fails.
pub(super) fn must_fail(answer: usize) -> Trouble {
    Trouble::Differs {
        station: answer,
        difference: "  `--- error` says that it fails; it succeeds".to_owned(),
    }
}
