//! `sluice validate --syntax FILE`: whether every statement of one file is one that we know, planned or not.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use sluice_model::{Diagnostic, Namespace};
use sluice_sql::project::{describe, interpolate, text_of};
use sluice_sql::statement::Statement;

use super::fail;
use crate::exit::Exit;
use crate::project_disk;
use crate::render::{Screen, diagnostics_json};
use crate::source_text::SourceTexts;

/// Parses the file.
pub(crate) fn run(screen: &Screen, file: &Path) -> Exit {
    let name = file.to_string_lossy();
    let mut texts = SourceTexts::default();
    let text = match project_disk::read(file).map_err(|error| describe(&name, &error)) {
        Ok(bytes) => {
            texts.give(&name, &String::from_utf8_lossy(&bytes));
            text_of(&name, bytes).map_err(|diagnostic| *diagnostic)
        }
        Err(diagnostic) => Err(diagnostic),
    };
    let text = match text {
        Ok(text) => text,
        Err(diagnostic) => return fail(screen, &[diagnostic], &texts),
    };
    let (statements, diagnostics) = parsed(&name, &text);
    let exit = Exit::of(&diagnostics);
    if screen.is_json {
        screen.object(&json!({
            "valid": exit == Exit::Success,
            "statements": statements.len(),
            "diagnostics": diagnostics_json(&diagnostics),
        }));
    } else {
        screen.diagnostics(&diagnostics, &texts);
        if exit == Exit::Success {
            screen.line(&format!("{name}: {} statements", statements.len()));
        }
    }
    exit
}

/// The statements of a file outside any project, with all that is wrong in its text.
pub(super) fn parsed(name: &str, text: &str) -> (Vec<Statement>, Vec<Diagnostic>) {
    let file: Arc<str> = name.into();
    let (text, replacements, mut diagnostics) = interpolate(name, text, &stand_ins(text));
    let (statements, found) =
        sluice_sql::parse_file(&file, &text, replacements, &Namespace::default());
    diagnostics.extend(found);
    (statements, diagnostics)
}

/// A name for every `${key}`: which value it has is not a question of syntax.
fn stand_ins(text: &str) -> BTreeMap<String, String> {
    text.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(key, _)| (key.trim().to_owned(), "x".to_owned()))
        .collect()
}
