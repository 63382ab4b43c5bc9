//! Bounds of texts in no order, of a whole file, gathered while its rows pass. Must not read files.
//!
//! Parquet compares every text with the smallest and the largest of its page. Where texts come in no order, every page and row
//! group holds about all of them and such bounds exclude nothing, so only those of the file are kept, and most texts are
//! told by their first bytes.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::DataType;
use parquet::schema::types::ColumnPath;

use crate::sample::SAMPLE_ROWS;
use crate::stats::{INDEXED_COLUMNS, STRING_BOUND_BYTES};

/// What footers say of texts in no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextBounds {
    /// Nothing: the log has the bounds of each file.
    OfFiles,
    /// The bounds of each row group and page, for files that are rewritten once and read for long.
    OfRowGroups,
}

/// Bounds of the texts of a file, by column.
#[derive(Debug, Default)]
pub(crate) struct FileTexts {
    columns: Vec<(String, TextBound)>,
}

/// Bounds of one column.
#[derive(Debug, Default)]
pub(crate) struct TextBound {
    /// NULLs.
    pub(crate) nulls: u64,
    /// The smallest and the largest text.
    range: Option<(String, String)>,
}

impl FileTexts {
    /// Gathers for the columns whose texts come in no order in a file's first rows; too few rows tell nothing.
    pub(crate) fn of_unordered(rows: &RecordBatch) -> Self {
        if rows.num_rows() < SAMPLE_ROWS {
            return Self::default();
        }
        let schema = rows.schema();
        let columns = schema
            .fields()
            .iter()
            .zip(rows.columns())
            .take(INDEXED_COLUMNS)
            .filter(|(_, column)| is_unordered(column))
            .map(|(field, _)| (field.name().clone(), TextBound::default()));
        Self {
            columns: columns.collect(),
        }
    }

    /// The columns.
    pub(crate) fn paths(&self) -> impl Iterator<Item = ColumnPath> {
        let names = self.columns.iter().map(|(name, _)| name.clone());
        names.map(|name| ColumnPath::new(vec![name]))
    }

    /// The bounds of a column, if they are gathered.
    pub(crate) fn get(&self, name: &str) -> Option<&TextBound> {
        let found = self.columns.iter().find(|(column, _)| column == name);
        found.map(|(_, bound)| bound)
    }

    pub(crate) fn add(&mut self, rows: &RecordBatch) {
        for (name, bound) in &mut self.columns {
            if let Some(column) = rows.column_by_name(name) {
                bound.add(column.as_string());
            }
        }
    }
}

fn is_unordered(column: &ArrayRef) -> bool {
    if column.data_type() != &DataType::Utf8 {
        return false;
    }
    let sample = column.slice(0, SAMPLE_ROWS);
    let texts = || sample.as_string::<i32>().iter().flatten();
    !texts().is_sorted() && !texts().is_sorted_by(|one, next| one >= next)
}

impl TextBound {
    fn add(&mut self, column: &StringArray) {
        self.nulls += column.null_count() as u64;
        if column.null_count() > 0 {
            column.iter().flatten().for_each(|text| self.widen(text));
            return;
        }
        let heads = || heads(column.value_offsets(), column.value_data());
        let (least, most) = heads().fold((u128::MAX, 0), |(least, most), head| {
            (head.min(least), head.max(most))
        });
        for extreme in [Some(least), (most != least).then_some(most)] {
            let Some(extreme) = extreme.filter(|head| self.may_reach(*head)) else {
                continue;
            };
            for (row, _) in heads().enumerate().filter(|(_, head)| *head == extreme) {
                self.widen(column.value(row));
                if is_whole(extreme) {
                    break;
                }
            }
        }
    }

    /// Whether a text with this head may lie outside: texts are in the order of their heads, but for long ones whose heads
    /// are equal.
    fn may_reach(&self, head: u128) -> bool {
        let Some((min, max)) = &self.range else {
            return true;
        };
        let (min, max) = (head_of(min), head_of(max));
        head < min || head > max || ((head == min || head == max) && !is_whole(head))
    }

    fn widen(&mut self, text: &str) {
        match &mut self.range {
            None => self.range = Some((text.to_owned(), text.to_owned())),
            Some((min, _)) if text < min.as_str() => text.clone_into(min),
            Some((_, max)) if text > max.as_str() => text.clone_into(max),
            Some(_) => {}
        }
    }

    /// Bounds that are no longer than a log should hold, as Parquet shortens them: the lower one is cut, the upper one is
    /// cut and raised.
    pub(crate) fn shortened(&self) -> Option<(String, String)> {
        let (min, max) = self.range.as_ref()?;
        let cut = |text: &str| text.floor_char_boundary(STRING_BOUND_BYTES);
        let low = min.get(..cut(min)).unwrap_or(min).to_owned();
        if max.len() <= STRING_BOUND_BYTES {
            return Some((low, max.clone()));
        }
        let raised = raised(max.get(..cut(max)).unwrap_or(max));
        Some((low, raised.unwrap_or_else(|| max.clone())))
    }
}

/// A text after all that begin with this one: its last character that can be raised is. `None` if none can be.
fn raised(text: &str) -> Option<String> {
    text.char_indices().rev().find_map(|(at, last)| {
        let next = char::from_u32(u32::from(last) + 1)?;
        Some(format!("{}{next}", text.get(..at)?))
    })
}

/// Bytes of a text in its head.
const HEAD: usize = 15;

/// The first bytes of each text as one number, with zeros behind those that are shorter and the length below: a text that
/// goes on with zeros comes after one that ends. Texts that are longer share one length.
fn heads<'a>(offsets: &'a [i32], data: &'a [u8]) -> impl Iterator<Item = u128> + 'a {
    let at = |offset: &i32| usize::try_from(*offset).unwrap_or_default();
    let pairs = offsets.iter().zip(offsets.iter().skip(1));
    pairs.map(move |(start, end)| {
        let (start, length) = (at(start), at(end) - at(start));
        let rest = data.get(start..).unwrap_or_default();
        match rest.first_chunk() {
            // What follows belongs to the next text.
            Some(chunk) => head(u128::from_be_bytes(*chunk), length),
            None => head_of_bytes(rest.get(..length).unwrap_or(rest)),
        }
    })
}

/// The head of a text that begins with these sixteen bytes and has this length.
fn head(chunk: u128, length: usize) -> u128 {
    let kept = length.min(HEAD + 1);
    let bytes = chunk & !(u128::MAX >> (8 * kept.min(HEAD)));
    bytes | kept as u128
}

fn head_of(text: &str) -> u128 {
    head_of_bytes(text.as_bytes())
}

fn head_of_bytes(text: &[u8]) -> u128 {
    let mut chunk = [0; HEAD + 1];
    for (to, from) in chunk.iter_mut().zip(text) {
        *to = *from;
    }
    head(u128::from_be_bytes(chunk), text.len())
}

/// Whether the head says all of its text.
fn is_whole(head: u128) -> bool {
    head & 0xFF <= HEAD as u128
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Texts of every length around that of a head, that share beginnings, with zeros among them.
    fn texts(seed: u64) -> Vec<Option<String>> {
        let mut state = seed;
        let mut draw = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        };
        let mut text = || {
            let letters = ["a", "b", "\0", "é", "\u{10FFFF}"];
            let begins = ["", "device-", "a long beginning of all"];
            let begin = usize::try_from(draw(3)).unwrap();
            let tail: String = (0..draw(12))
                .map(|_| letters[usize::try_from(draw(5)).unwrap()])
                .collect();
            format!("{}{tail}", begins[begin])
        };
        let mut all: Vec<_> = (0..40).map(|_| Some(text())).collect();
        if seed.is_multiple_of(2) {
            all[7] = None;
        }
        all
    }

    #[test]
    fn bounds_are_those_of_every_text() {
        for seed in 0..400 {
            let texts = texts(seed);
            let mut bound = TextBound::default();
            let column = StringArray::from(texts.clone());
            for start in [0, 10, 20, 30] {
                bound.add(&column.slice(start, 10));
            }
            let there = || texts.iter().flatten().cloned();
            let expected = there().min().zip(there().max());
            assert_eq!(bound.range, expected, "seed {seed}");
            assert_eq!(bound.nulls, u64::from(seed % 2 == 0));
        }
    }

    #[test]
    fn long_bounds_are_shortened_outward() {
        let shortened = |min: &str, max: &str| {
            let range = Some((min.to_owned(), max.to_owned()));
            TextBound { nulls: 0, range }.shortened().unwrap()
        };
        let bytes = |text: &str, count: usize| text.repeat(count);
        let long = bytes("a", 70);
        let (low, high) = shortened(&long, &long);
        assert_eq!((low, high), (bytes("a", 64), bytes("a", 63) + "b"));
        let (low, high) = shortened("x", &(bytes("y", 63) + "é"));
        assert_eq!((low.as_str(), high), ("x", bytes("y", 62) + "z"));
        let last = bytes("\u{10FFFF}", 20);
        assert_eq!(shortened(&last, &last).1, last);
    }

    #[test]
    fn only_texts_in_no_order_are_gathered() {
        let column = |text: fn(usize) -> String| -> ArrayRef {
            Arc::new(StringArray::from_iter_values((0..5000).map(text)))
        };
        let rows = RecordBatch::try_from_iter([
            ("same", column(|_| "x".into())),
            ("rising", column(|row| format!("{row:05}"))),
            ("falling", column(|row| format!("{:05}", 9999 - row))),
            ("any", column(|row| format!("{}", row * 7919 % 5003))),
        ])
        .unwrap();
        let names = |rows: &RecordBatch| {
            let found = FileTexts::of_unordered(rows);
            found.paths().map(|path| path.string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&rows), ["any"]);
        assert!(names(&rows.slice(0, 100)).is_empty());
    }
}
