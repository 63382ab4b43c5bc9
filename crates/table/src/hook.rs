//! Where tests interrupt storage: each mutating operation asks a hook before it acts. Must not know any test.

use std::fmt;

use object_store::path::Path;

/// A mutating operation of the store, or a named point of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is done to what: `put.plan`, `put.files`, `put.state`, `put.data`, `put.commit`, `put.create`, `put.checkpoint`,
    /// `put.other`, `delete`, or a name given to [`crate::Store::step`].
    pub name: &'a str,
    /// The object, or empty.
    pub path: &'a str,
}

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepAction {
    /// It is done as always.
    Proceed,
    /// It is not done, and the caller sees an error.
    FailBefore,
    /// It is done, and the caller sees an error all the same: a lost answer.
    FailAfter,
    /// Only so many bytes of the object appear, and the caller sees an error: power loss on a store without fsync.
    /// Means [`StepAction::FailBefore`] for steps that put nothing.
    Torn(usize),
}

/// Decides what becomes of each step. Must be cheap: it is asked before every mutating operation.
pub trait StepHook: fmt::Debug + Send + Sync {
    /// Is asked once for each step, in the order in which steps begin.
    fn on(&self, step: Step<'_>) -> StepAction;
}

/// Lets everything happen.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHook;

impl StepHook for NoHook {
    fn on(&self, _step: Step<'_>) -> StepAction {
        StepAction::Proceed
    }
}

/// The name of the step that puts an object there.
pub(crate) fn put_step(path: &Path) -> &'static str {
    let text = path.as_ref();
    let name = path.filename().unwrap_or_default();
    if text.contains("_delta_log/") || name == "_last_checkpoint" {
        if name == "00000000000000000000.json" {
            "put.create"
        } else if path.extension() == Some("json") && name.len() == 25 {
            "put.commit"
        } else {
            "put.checkpoint"
        }
    } else if text.contains("_sluice/") {
        if text.contains("/offsets/") {
            "put.plan"
        } else if text.contains("/files/") {
            "put.files"
        } else if text.contains("/state/") {
            "put.state"
        } else {
            "put.other"
        }
    } else if text.ends_with(".parquet") {
        "put.data"
    } else {
        "put.other"
    }
}

/// The error that a step gives when a hook makes it fail.
pub(crate) fn failed(step: &str) -> object_store::Error {
    object_store::Error::Generic {
        store: "hook",
        source: format!("interrupted at {step}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_named_by_what_they_put() {
        for (path, expected) in [
            (
                "w/main/s/t/_delta_log/00000000000000000000.json",
                "put.create",
            ),
            (
                "w/main/s/t/_delta_log/00000000000000000012.json",
                "put.commit",
            ),
            (
                "w/main/s/t/_delta_log/00000000000000000012.checkpoint.parquet",
                "put.checkpoint",
            ),
            ("w/main/s/t/_delta_log/_last_checkpoint", "put.checkpoint"),
            ("w/main/s/t/part-0.parquet", "put.data"),
            (
                "w/main/s/t/_sluice/f/0/offsets/00000000000000000000.json",
                "put.plan",
            ),
            ("w/main/s/t/_sluice/f/0/files/x.parquet", "put.files"),
            ("w/_sluice/p/dev/lease.json", "put.other"),
        ] {
            assert_eq!(put_step(&Path::from(path)), expected, "{path}");
        }
    }
}
