//! What a listing had to leave out though the path means it: told, because nobody would miss the files otherwise. Must not list.

use sluice_graph::{Input, ResolvedFlow};
use sluice_model::condition::source::{PATH_INVALID, PATH_NOT_ALLOWED};
use sluice_model::{Condition, Diagnostic, Origin};
use sluice_source::{Listing, SkipReason};

use crate::inputs::files::FileInput;
use crate::inputs::leaves::leaves;
use crate::update::Update;

/// What is never read of a call, however often it is listed.
pub(crate) fn left_out(input: &FileInput) -> Vec<Diagnostic> {
    let path = &input.source.path().written;
    warnings(&input.listing, path, &input.origin)
}

fn warnings(listing: &Listing, path: &str, call: &Origin) -> Vec<Diagnostic> {
    let mut warnings = vec![];
    for (reason, count, example) in listing.skipped.iter() {
        let Some((condition, what, help)) = words(reason) else {
            continue;
        };
        let entries = if count == 1 {
            "entry is"
        } else {
            "entries are"
        };
        let message = format!("{count} {entries} left out of `{path}`: {what}");
        warnings.push(
            Diagnostic::warning(condition, message)
                .at(call, "")
                .fact(format!("such as `{example}`"))
                .help(help),
        );
    }
    warnings
}

/// What is wrong with such entries, and the way out; `None` where a later listing takes them, or where nothing is missed.
fn words(reason: SkipReason) -> Option<(&'static Condition, &'static str, &'static str)> {
    Some(match reason {
        SkipReason::LinkOutside => (
            &PATH_NOT_ALLOWED,
            "a symbolic link leads out of the folder",
            "put the files into the folder, or read the folder that the link leads to by a path of its own",
        ),
        SkipReason::NameNotText => (
            &PATH_INVALID,
            "a name is not UTF-8",
            "rename it: plans and `_metadata` name files by text",
        ),
        SkipReason::Unfinished
        | SkipReason::Empty
        | SkipReason::TooYoung
        | SkipReason::TooOld
        | SkipReason::LinkLoop => return None,
    })
}

impl Update {
    /// Tells in the event log what the sources of a flow left out.
    pub(crate) fn warn_left_out(&self, flow: &ResolvedFlow) {
        for leaf in leaves(&self.prepared.graph, flow) {
            let Input::Files(call) = &leaf.input else {
                continue;
            };
            let input = self.prepared.files.get(&call.origin);
            for warning in input.iter().flat_map(left_out) {
                self.log.flow_warned(self.origin_of(&flow.id), &warning);
            }
        }
    }
}
