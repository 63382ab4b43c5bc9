//! Templates of the Amazon Kinesis Data Generator: text with `{{module.method(argument)}}` inside. Read once into
//! pieces; a record is the pieces written one after the other. Line breaks are left out, as there, so that a record is
//! one line. Must not know the helpers one by one: those are in `catalog` and `resolve`.

mod argument;
mod catalog;
mod fleet;
mod helper;
mod resolve;
// A table of words, several to a line.
#[rustfmt::skip]
mod words;

use super::device::Reading;
use super::random::Random;
use super::row::RecordForm;
use helper::{Helper, Output};
use sluice_model::limits::{
    SIMULATION_EXPRESSIONS_MAX, SIMULATION_RECORD_REPEATS_MAX, SIMULATION_TEMPLATE_BYTES_MAX,
};

/// How many mistakes are told at once.
const ERRORS_MAX: usize = 20;

/// A template, read.
#[derive(Debug)]
pub struct Template {
    pieces: Vec<Piece>,
    /// Values of `walk`, which go on from record to record.
    walks: Vec<Option<f64>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Literal(Vec<u8>),
    Helper(Helper),
}

/// A mistake in a template and its place, counted from 1 in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// Characters concerned, within the line.
    pub length: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// A mistake whose place is not known yet: bytes from the start of the expression.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) start: usize,
    pub(crate) length: usize,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Template {
    /// Reads a template, or tells all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<TemplateError>> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() as u64 > SIMULATION_TEMPLATE_BYTES_MAX {
            let message = format!("a template has at most {SIMULATION_TEMPLATE_BYTES_MAX} bytes");
            return Err(vec![located(text, 0, 0, message, None)]);
        }
        let mut template = Self {
            pieces: vec![],
            walks: vec![],
        };
        let mut errors = vec![];
        template.read(text, &mut errors);
        if errors.is_empty() && text.trim().is_empty() {
            errors.push(located(
                text,
                0,
                0,
                "the template is empty".to_owned(),
                None,
            ));
        }
        errors.truncate(ERRORS_MAX);
        if errors.is_empty() {
            Ok(template)
        } else {
            Err(errors)
        }
    }

    /// How its records look from outside: JSON when they begin like an object or an array.
    #[must_use]
    pub fn form(&self) -> RecordForm {
        match self.pieces.first() {
            Some(Piece::Literal(text)) if matches!(text.first(), Some(b'{' | b'[')) => {
                RecordForm::Json
            }
            _ => RecordForm::Csv,
        }
    }

    /// Whether its records begin as JSON objects, so that a field can be added.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.pieces.first(), Some(Piece::Literal(text)) if text.first() == Some(&b'{'))
    }

    /// Whether anything in it makes an anomaly.
    #[must_use]
    pub fn has_anomalies(&self) -> bool {
        self.pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Helper(Helper::Anomaly { .. })))
    }

    pub(crate) fn write(&mut self, reading: &Reading, random: &mut Random, out: &mut Vec<u8>) {
        let mut output = Output {
            reading,
            random,
            walks: &mut self.walks,
            out,
        };
        output.pieces(&self.pieces);
    }

    fn read(&mut self, text: &str, errors: &mut Vec<TemplateError>) {
        let end = text.trim_end().len();
        let mut at = text.len() - text.trim_start().len();
        let mut expressions = 0;
        let mut repeats = 0;
        while at < end {
            let rest = &text[at..end];
            let Some(start) = rest.find("{{") else {
                self.literal(rest);
                return;
            };
            self.literal(&rest[..start]);
            // `{{{` is an object's brace before an expression.
            let extra = rest[start..].bytes().take_while(|b| *b == b'{').count() - 2;
            self.literal(&rest[start..start + extra]);
            let start = start + extra;
            let Some(length) = length_of_expression(&rest[start + 2..]) else {
                errors.push(located(
                    text,
                    at + start,
                    2,
                    "`{{` is not closed: its `}}` is missing, or a bracket or quote before it is open"
                        .to_owned(),
                    None,
                ));
                return;
            };
            let inner = &rest[start + 2..start + 2 + length];
            expressions += 1;
            if expressions > SIMULATION_EXPRESSIONS_MAX {
                let message =
                    format!("a template has at most {SIMULATION_EXPRESSIONS_MAX} expressions");
                errors.push(located(text, at + start, 2, message, None));
                return;
            }
            match resolve::resolve(inner, &mut self.walks) {
                Ok(helper) => {
                    repeats += helper.repeats();
                    self.pieces.push(Piece::Helper(helper));
                }
                Err(mistake) => errors.push(located(
                    text,
                    at + start + 2 + mistake.start,
                    mistake.length,
                    mistake.message,
                    mistake.help,
                )),
            }
            if repeats > SIMULATION_RECORD_REPEATS_MAX {
                let message = format!(
                    "all expressions together repeat at most {SIMULATION_RECORD_REPEATS_MAX} times"
                );
                errors.push(located(text, at + start, 2, message, None));
                return;
            }
            at += start + length + 4;
        }
    }

    fn literal(&mut self, text: &str) {
        let bytes = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r'));
        if let Some(Piece::Literal(last)) = self.pieces.last_mut() {
            last.extend(bytes);
        } else {
            let bytes: Vec<u8> = bytes.collect();
            if !bytes.is_empty() {
                self.pieces.push(Piece::Literal(bytes));
            }
        }
    }
}

/// Bytes up to the `}}` that closes an expression: the first one outside of brackets and quotes.
fn length_of_expression(text: &str) -> Option<usize> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    let bytes = text.as_bytes();
    for (index, byte) in bytes.iter().enumerate() {
        if is_quoted {
            is_quoted = is_escaped || *byte != b'"';
            is_escaped = !is_escaped && *byte == b'\\';
            continue;
        }
        match byte {
            b'}' if depth == 0 && bytes.get(index + 1) == Some(&b'}') => return Some(index),
            b'"' if depth > 0 => is_quoted = true,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn located(
    text: &str,
    start: usize,
    length: usize,
    message: String,
    help: Option<String>,
) -> TemplateError {
    let before = &text[..start];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
    let marked = text[start..start + length].lines().next().unwrap_or("");
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    TemplateError {
        line: number(line),
        column: number(column),
        length: number(marked.chars().count()),
        message,
        help,
    }
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
