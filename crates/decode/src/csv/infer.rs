//! Types from CSV texts by Spark's `CSVInferSchema`: int, bigint, decimal, double, date, timestamp, boolean, string.

use sluice_model::limits::INFERRED_COLUMNS_MAX;
use sluice_model::{SparkField, SparkType};

use super::options::CsvOptions;
use super::split::Values;
use super::value::{double, is_null};
use crate::datetime::{Pattern, parse_timestamp};
use crate::json::{decimal_type, wider_decimal};

/// Learns the columns of CSV files; names come from the first header, or are `_c0`, `_c1`, ….
#[derive(Debug)]
pub struct CsvInference {
    options: CsvOptions,
    names: Vec<String>,
    types: Vec<SparkType>,
    skipped: u64,
    in_file: bool,
    default_date: Option<Pattern>,
}

impl CsvInference {
    /// Starts with no column.
    pub fn new(options: CsvOptions) -> Self {
        let default_date = Pattern::new("yyyy-MM-dd").ok();
        Self {
            options,
            names: vec![],
            types: vec![],
            skipped: 0,
            in_file: false,
            default_date,
        }
    }

    /// Starts a file: its first lines are skipped rows and the header again.
    pub fn start_file(&mut self) {
        self.in_file = false;
        self.skipped = 0;
    }

    /// Learns from whole records; bytes that are no UTF-8 are replaced.
    pub fn push(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut values = Values::default();
        let mut at = 0;
        while at < text.len() {
            let (end, _) = values.read(text, at, &self.options);
            let line = text.get(at..end).unwrap_or_default();
            at = end.max(at + 1);
            if self.skipped < self.options.skip_rows {
                self.skipped += 1;
            } else if !skips(line, &self.options) {
                self.record(&values);
            }
        }
    }

    /// The columns; those that never had a value are STRING.
    pub fn finish(self) -> Vec<SparkField> {
        self.names
            .into_iter()
            .zip(self.types)
            .map(|(name, data_type)| match data_type {
                SparkType::Null => SparkField::new(name, SparkType::String),
                _ if !self.options.infer_column_types => SparkField::new(name, SparkType::String),
                known => SparkField::new(name, known),
            })
            .collect()
    }

    pub(super) fn record(&mut self, values: &Values) {
        let first = !std::mem::replace(&mut self.in_file, true);
        if self.names.is_empty() {
            self.names = if self.options.header {
                header(values, &self.options)
            } else {
                (0..values.len()).map(unnamed).collect()
            };
            self.names.truncate(INFERRED_COLUMNS_MAX);
            self.types = vec![SparkType::Null; self.names.len()];
        }
        if first && self.options.header {
            return;
        }
        for index in 0..self.types.len() {
            if let Some((value, quoted)) = values.get(index) {
                let known = self.types[index].clone();
                self.types[index] = self.learn(known, value, quoted);
            }
        }
    }

    fn learn(&self, known: SparkType, value: &str, quoted: bool) -> SparkType {
        learn(
            known,
            value,
            quoted,
            &self.options,
            self.default_date.as_ref(),
        )
    }
}

pub(super) fn unnamed(index: usize) -> String {
    format!("_c{index}")
}

/// Lines without a value, and comments.
pub(super) fn skips(line: &str, options: &CsvOptions) -> bool {
    let trimmed = line.trim_matches(|symbol: char| symbol <= ' ');
    trimmed.is_empty()
        || options
            .comment
            .is_some_and(|comment| line.starts_with(comment))
}

/// The names in a header: empty ones are numbered, equal ones get their position behind them.
pub(super) fn header(values: &Values, options: &CsvOptions) -> Vec<String> {
    let names: Vec<String> = (0..values.len())
        .filter_map(|index| values.get(index).map(|(name, _)| name.to_string()))
        .collect();
    // Tables do not tell names apart by case.
    let fold = str::to_lowercase;
    names
        .iter()
        .enumerate()
        .map(|(index, name)| {
            if name.is_empty() || *name == options.null_value {
                return unnamed(index);
            }
            let repeated = names
                .iter()
                .filter(|other| fold(other) == fold(name))
                .count()
                > 1;
            if repeated {
                format!("{name}{index}")
            } else {
                name.clone()
            }
        })
        .collect()
}

/// The type after one more value.
pub(super) fn learn(
    known: SparkType,
    value: &str,
    quoted: bool,
    options: &CsvOptions,
    date: Option<&Pattern>,
) -> SparkType {
    if value.is_empty() || is_null(value, quoted, options) || known == SparkType::String {
        return known;
    }
    let rank = rank(&known);
    let found = guess(value, rank, options, date);
    compatible(known, found)
}

/// How far along the list of tries a type stands.
fn rank(data_type: &SparkType) -> u8 {
    match data_type {
        SparkType::Long => 1,
        SparkType::Decimal(..) => 2,
        SparkType::Double => 3,
        SparkType::Date => 4,
        SparkType::Timestamp => 5,
        SparkType::Boolean => 6,
        _ => 0,
    }
}

fn guess(value: &str, from: u8, options: &CsvOptions, date: Option<&Pattern>) -> SparkType {
    if from == 0 && value.parse::<i32>().is_ok() {
        return SparkType::Int;
    }
    if from <= 1 && value.parse::<i64>().is_ok() {
        return SparkType::Long;
    }
    let whole = value.strip_prefix(['-', '+']).unwrap_or(value);
    let whole = whole.strip_suffix('.').unwrap_or(whole);
    if from <= 2
        && !whole.is_empty()
        && whole.bytes().all(|byte| byte.is_ascii_digit())
        && let Some(decimal) = decimal_type(value)
    {
        return decimal;
    }
    if from <= 3 && double(value, options).is_some() {
        return SparkType::Double;
    }
    let date = options.date_format.as_ref().or(date);
    if from <= 4 && date.is_some_and(|pattern| pattern.parse_date(value).is_some()) {
        return SparkType::Date;
    }
    let is_timestamp = match &options.timestamp_format {
        Some(pattern) => pattern.parse_timestamp(value, &options.time_zone).is_some(),
        None => parse_timestamp(value, &options.time_zone).is_some(),
    };
    if from <= 5 && is_timestamp {
        return SparkType::Timestamp;
    }
    if value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false") {
        return SparkType::Boolean;
    }
    SparkType::String
}

fn compatible(left: SparkType, right: SparkType) -> SparkType {
    use SparkType::{Date, Decimal, Double, Int, Long, Null, String, Timestamp};
    let digits = |data_type: &SparkType| match data_type {
        Int => Some((10, 0)),
        Long => Some((20, 0)),
        Decimal(p, s) => Some((*p, *s)),
        _ => None,
    };
    match (left, right) {
        (left, right) if left == right => left,
        (Null, other) | (other, Null) => other,
        (Int, Long) | (Long, Int) => Long,
        (Date, Timestamp) | (Timestamp, Date) => Timestamp,
        (Double, other) | (other, Double) => {
            if digits(&other).is_some() {
                Double
            } else {
                String
            }
        }
        (left, right) => match (digits(&left), digits(&right)) {
            (Some(left), Some(right)) => wider_decimal(left, right),
            _ => String,
        },
    }
}
