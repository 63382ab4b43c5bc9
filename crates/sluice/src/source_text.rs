//! Texts that diagnostics point into, by the name that origins carry. Must not read anything but project files.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::project_disk;

/// Where the text of a file comes from.
#[derive(Debug, Default)]
pub(crate) struct SourceTexts {
    folder: Option<PathBuf>,
    given: HashMap<String, String>,
}

impl SourceTexts {
    /// Texts of a project folder.
    pub(crate) fn of_folder(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: Some(folder.into()),
            given: HashMap::new(),
        }
    }

    /// Adds a text that is in no file, such as SQL from the command line.
    pub(crate) fn give(&mut self, name: &str, text: &str) {
        self.given.insert(name.to_owned(), text.to_owned());
    }

    /// The text behind a name; `None` when it cannot be shown.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        if let Some(text) = self.given.get(name) {
            return Some(text.clone());
        }
        let bytes = project_disk::read(&self.folder.as_ref()?.join(name)).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(
            text.strip_prefix('\u{feff}')
                .map(ToOwned::to_owned)
                .unwrap_or(text),
        )
    }
}
