//! The one place that turns what happened into words on a terminal or into JSON, and the only one that prints.
//! Must not decide anything.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin as SnippetOrigin, Renderer, Snippet,
    normalize_untrusted_str,
};
use serde_json::{Value, json};
use sluice_model::condition::command::OUTPUT_NOT_WRITABLE;
use sluice_model::{Diagnostic, Label, Origin, Severity};

use crate::arguments::{Color, Global};
use crate::source_text::SourceTexts;

/// Lines shown at most between two marks of one file; more are folded away anyway.
const LINES_MAX: usize = 400;
/// Longest line that is shown, in characters: beyond it a frame helps nobody.
const LINE_CHARS_MAX: usize = 2_000;
/// Diagnostics printed in full; the rest is counted.
const FRAMES_MAX: usize = 50;

/// How and what to print.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about two streams"
)]
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    /// One JSON object on stdout instead of text.
    pub(crate) is_json: bool,
    /// Whether stdout is a terminal.
    pub(crate) is_terminal: bool,
    /// Whether stderr is a terminal.
    pub(crate) is_progress_terminal: bool,
    is_styled: bool,
    /// Whether the result goes to stderr, because stdout holds a stream of something else.
    is_aside: bool,
    quiet: u8,
    verbose: u8,
    /// Whether a part of the result could not be written; one fact for all who print.
    is_result_lost: Arc<AtomicBool>,
    /// Whether the reader of the result has gone away (`| head`): nothing is wrong then.
    is_reader_gone: Arc<AtomicBool>,
}

impl Screen {
    /// Decides from the arguments and the streams.
    pub(crate) fn new(global: &Global) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_progress_terminal = io::stderr().is_terminal();
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            is_json: global.is_json(),
            is_terminal,
            is_progress_terminal,
            is_styled: match global.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => is_progress_terminal && !is_plain,
            },
            is_aside: false,
            quiet: global.quiet,
            verbose: global.verbose,
            is_result_lost: Arc::default(),
            is_reader_gone: Arc::default(),
        }
    }

    /// The same screen, with what goes wrong told to people on stderr, whatever the form of the result.
    pub(crate) fn for_people(&self) -> Self {
        Self {
            is_json: false,
            ..self.clone()
        }
    }

    /// The same screen, with its result on stderr: stdout holds a stream of something else.
    pub(crate) fn aside(&self) -> Self {
        Self {
            is_aside: true,
            is_terminal: self.is_progress_terminal,
            ..self.clone()
        }
    }

    /// Prints a piece of the result, as it is.
    pub(crate) fn result(&self, text: &str) {
        self.records(text.as_bytes());
    }

    /// Prints many records of the result; false when its reader has gone away (`| head`) or they cannot be written, so that
    /// nobody goes on.
    pub(crate) fn records(&self, bytes: &[u8]) -> bool {
        if self.is_result_lost() {
            // Once there is room again the result would go on, with a hole that nobody sees.
            return false;
        }
        let written = if self.is_aside {
            io::stderr().lock().write_all(bytes)
        } else {
            let mut stream = io::stdout().lock();
            stream.write_all(bytes).and_then(|()| stream.flush())
        };
        match written {
            Ok(()) => true,
            Err(error) => {
                self.lose_result(&error);
                false
            }
        }
    }

    /// Whether a part of the result could not be written: whatever else went well, the command did not.
    pub(crate) fn is_result_lost(&self) -> bool {
        self.is_result_lost.load(Ordering::Relaxed)
    }

    /// Whether what is printed still arrives anywhere: a command that prints for ever ends otherwise.
    pub(crate) fn is_read(&self) -> bool {
        !self.is_result_lost() && !self.is_reader_gone.load(Ordering::Relaxed)
    }

    /// Tells at once, and once, that the result cannot be written; a reader that has gone away wants no more of it.
    fn lose_result(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.is_reader_gone.store(true, Ordering::Relaxed);
            return;
        }
        if self.is_result_lost.swap(true, Ordering::Relaxed) {
            return;
        }
        let diagnostic = result_not_writable(error);
        // Also where the result is JSON: it has no place for this any more.
        let text = frame(&diagnostic, &SourceTexts::default(), self.is_styled);
        write_to(&mut io::stderr().lock(), &format!("{text}\n\n"));
    }

    /// Prints a line of the result.
    pub(crate) fn line(&self, text: &str) {
        self.result(&format!("{text}\n"));
    }

    /// Prints the result as JSON.
    pub(crate) fn object(&self, value: &Value) {
        let text = if self.is_terminal {
            format!("{value:#}")
        } else {
            value.to_string()
        };
        self.line(&text);
    }

    /// Prints a line of progress, unless quiet.
    pub(crate) fn say(&self, text: &str) {
        if self.quiet == 0 {
            write_to(&mut io::stderr().lock(), &format!("{text}\n"));
        }
    }

    /// Whether progress is wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet > 0
    }

    /// Prints diagnostics for people on stderr; as JSON they are part of the result instead.
    pub(crate) fn diagnostics(&self, diagnostics: &[Diagnostic], texts: &SourceTexts) {
        if self.is_json {
            return;
        }
        let mut text = String::new();
        let wanted: Vec<&Diagnostic> = diagnostics.iter().filter(|d| self.is_wanted(d)).collect();
        for diagnostic in wanted.iter().take(FRAMES_MAX) {
            text.push_str(&frame(diagnostic, texts, self.is_styled));
            text.push_str("\n\n");
        }
        if let Some(more) = wanted
            .len()
            .checked_sub(FRAMES_MAX)
            .filter(|more| *more > 0)
        {
            let _ = writeln!(text, "… and {more} more");
        }
        write_to(&mut io::stderr().lock(), &text);
    }

    /// One diagnostic as text of the result.
    pub(crate) fn frame(&self, diagnostic: &Diagnostic, texts: &SourceTexts) -> String {
        frame(diagnostic, texts, self.is_styled && self.is_terminal)
    }

    /// Errors always; warnings unless very quiet; notes when asked.
    fn is_wanted(&self, diagnostic: &Diagnostic) -> bool {
        match diagnostic.severity {
            Severity::Error => true,
            Severity::Warning => self.quiet < 2,
            Severity::Note => self.verbose > 0,
        }
    }
}

/// What people read when stdout takes nothing.
fn result_not_writable(error: &io::Error) -> Diagnostic {
    let message = format!("cannot write the result to stdout: {error}");
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
        .fact("what was printed before is not the whole result")
        .help("make room where stdout goes, or send it elsewhere: add `> FILE`")
}

/// Writes for people; when stderr takes nothing, there is nobody left to tell.
fn write_to(stream: &mut dyn io::Write, text: &str) {
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
}

/// Tells a bug. Called while panicking: nothing here may fail.
pub(crate) fn bug(what: &str, place: &str) {
    let text = format!(
        "error[INTERNAL_ERROR]: this is a bug in sluice {}\n  = {what}\n  = at {place}\n  \
         = whatever was committed stays; the next update goes on from there\nhelp: please report it with this text and what you did\n",
        env!("CARGO_PKG_VERSION")
    );
    write_to(&mut io::stderr().lock(), &text);
}

/// One diagnostic as people read it, without a line break at its end.
pub(crate) fn frame(diagnostic: &Diagnostic, texts: &SourceTexts, is_styled: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level
        .primary_title(normalize_untrusted_str(&diagnostic.message))
        .id(diagnostic.condition.name);
    let mut group = Group::with_title(title);
    for (file, labels) in by_file(&diagnostic.labels) {
        group = match texts.text(&file).and_then(|text| shown(&text, &labels)) {
            Some(shown) => group.element(shown.snippet(&file)),
            None => group.element(place(labels.first().map(|label| &label.origin))),
        };
    }
    for fact in &diagnostic.facts {
        group = group.element(Level::NOTE.no_name().message(normalize_untrusted_str(fact)));
    }
    let renderer = if is_styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let mut text = renderer.render(&[group]);
    for help in &diagnostic.helps {
        // Each by itself: one report would join them with a rule that leads nowhere.
        let title = Level::HELP.secondary_title(normalize_untrusted_str(help));
        text.push('\n');
        text.push_str(&renderer.render(&[Group::with_title(title)]));
    }
    text
}

/// `--> file:line:column` without source.
fn place(origin: Option<&Origin>) -> SnippetOrigin<'static> {
    match origin {
        Some(origin) => SnippetOrigin::path(origin.file.to_string())
            .line(origin.line as usize)
            .char_column(origin.column as usize),
        None => SnippetOrigin::path(""),
    }
}

/// Labels file by file, the main one's first.
fn by_file(labels: &[Label]) -> Vec<(String, Vec<&Label>)> {
    let mut files: Vec<(String, Vec<&Label>)> = vec![];
    for label in labels {
        match files
            .iter_mut()
            .find(|(file, _)| **file == *label.origin.file)
        {
            Some((_, of_file)) => of_file.push(label),
            None => files.push((label.origin.file.to_string(), vec![label])),
        }
    }
    files
}

/// The lines of a file that its labels need, with marks in bytes.
struct Shown {
    first_line: usize,
    text: String,
    marks: Vec<(Range<usize>, String)>,
}

impl Shown {
    fn snippet(self, file: &str) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
        let mut snippet = Snippet::source(self.text)
            .line_start(self.first_line)
            .path(file.to_owned());
        for (index, (range, text)) in self.marks.into_iter().enumerate() {
            let kind = if index == 0 {
                AnnotationKind::Primary
            } else {
                AnnotationKind::Context
            };
            let annotation = kind.span(range);
            snippet = snippet.annotation(if text.is_empty() {
                annotation
            } else {
                annotation.label(normalize_untrusted_str(&text))
            });
        }
        snippet
    }
}

/// `None` when no useful lines can be shown: a mark for the file as a whole, a place outside the text, giant lines.
fn shown(text: &str, labels: &[&Label]) -> Option<Shown> {
    let is_whole_file = labels
        .iter()
        .all(|l| (l.origin.line, l.origin.length) == (1, 0) && l.text.is_empty());
    if is_whole_file {
        return None;
    }
    let first = labels.iter().map(|label| label.origin.line).min()?.max(1) as usize;
    let last = labels.iter().map(|label| label.origin.line).max()? as usize;
    if last - first > LINES_MAX {
        return shown(
            text,
            labels.get(..1).filter(|one| one.len() < labels.len())?,
        );
    }
    let lines: Vec<&str> = text
        .split('\n')
        .skip(first - 1)
        .take(last - first + 1)
        .collect();
    if lines.len() <= last - first || lines.iter().any(|line| line.len() > LINE_CHARS_MAX * 4) {
        return None;
    }
    let mut starts = vec![];
    let mut shown = String::new();
    for line in &lines {
        starts.push(shown.len());
        shown.push_str(line.trim_end_matches('\r'));
        shown.push('\n');
    }
    let marks = labels
        .iter()
        .filter_map(|label| {
            let index = (label.origin.line as usize).checked_sub(first)?;
            let (line, start) = (lines.get(index)?, starts.get(index)?);
            let range = bytes_of(
                line,
                label.origin.column as usize,
                label.origin.length as usize,
            );
            Some((start + range.start..start + range.end, label.text.clone()))
        })
        .collect();
    Some(Shown {
        first_line: first,
        text: shown,
        marks,
    })
}

/// Byte range of `length` characters from `column` (from 1) of a line; a point marks the character it stands at.
fn bytes_of(line: &str, column: usize, length: usize) -> Range<usize> {
    let line = line.trim_end_matches('\r');
    let at = |index: usize| {
        line.char_indices()
            .nth(index)
            .map_or(line.len(), |(byte, _)| byte)
    };
    let start = at(column.saturating_sub(1));
    let end = at(column.saturating_sub(1) + length.max(1));
    start..end
}

/// One diagnostic as JSON.
pub(crate) fn diagnostic_json(diagnostic: &Diagnostic) -> Value {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let place = |origin: &Origin| {
        json!({
            "file": &*origin.file,
            "line": origin.line,
            "col": origin.column,
            "end_col": origin.column.saturating_add(origin.length),
        })
    };
    let mut object = json!({
        "code": diagnostic.condition.name,
        "sqlstate": diagnostic.condition.sqlstate,
        "severity": severity,
        "message": diagnostic.message,
        "facts": diagnostic.facts,
        "help": diagnostic.helps,
    });
    if let (Some(object), Some(origin)) = (object.as_object_mut(), diagnostic.origin()) {
        if let Value::Object(main) = place(origin) {
            object.extend(main);
        }
        let labels: Vec<Value> = diagnostic
            .labels
            .iter()
            .map(|label| {
                let mut label_place = place(&label.origin);
                label_place["text"] = json!(label.text);
                label_place
            })
            .collect();
        object.insert("labels".to_owned(), Value::Array(labels));
    }
    object
}

/// Diagnostics as a JSON array.
pub(crate) fn diagnostics_json(diagnostics: &[Diagnostic]) -> Value {
    Value::Array(diagnostics.iter().map(diagnostic_json).collect())
}

/// `3 errors, 1 warning`; `None` when there is neither.
pub(crate) fn count(diagnostics: &[Diagnostic]) -> Option<String> {
    let of = |severity: Severity| {
        diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    };
    let words = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        count => Some(format!("{count} {word}s")),
    };
    let parts: Vec<String> = [
        words(of(Severity::Error), "error"),
        words(of(Severity::Warning), "warning"),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
