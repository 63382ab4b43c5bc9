//! Structs to CSV text as Spark's `to_csv` writes them. Must not read CSV.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_schema::{DataType, TimeUnit};

use super::options::CsvOptions;
use crate::cast::{CastError, value_text};
use crate::datetime::Zone;
use crate::json::{flag, push_big_decimal, push_instant};
use crate::record::DecodeError;

/// How CSV is written, besides what reading and writing share.
#[derive(Debug, Clone)]
pub struct CsvForm {
    /// Separator, quotes, escapes, NULL, and the patterns of dates and times.
    pub options: CsvOptions,
    /// `quoteAll`.
    pub quote_all: bool,
    /// `escapeQuotes`: a value that holds a quote is put in quotes.
    pub escape_quotes: bool,
    /// `emptyValue`, as it stands in the text.
    pub empty_value: String,
}

impl CsvForm {
    /// Spark's defaults, in a time zone.
    pub fn new(time_zone: Zone) -> Self {
        Self {
            options: CsvOptions {
                time_zone,
                trim_start: true,
                trim_end: true,
                ..CsvOptions::default()
            },
            quote_all: false,
            escape_quotes: true,
            empty_value: "\"\"".to_string(),
        }
    }

    /// Sets one option by Spark's name, without regard to case; says whether the name is one of CSV's.
    ///
    /// # Errors
    /// The value has no meaning for the option.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        match name.to_ascii_lowercase().as_str() {
            "quoteall" => self.quote_all = flag(name, value)?,
            "escapequotes" => self.escape_quotes = flag(name, value)?,
            "emptyvalue" => self.empty_value = value.to_string(),
            _ => return self.options.set(name, value),
        }
        Ok(true)
    }

    /// Each struct as one record; NULL stays NULL.
    ///
    /// # Errors
    /// A field has a type that Spark has not.
    pub fn write(&self, array: &ArrayRef) -> Result<StringArray, CastError> {
        let mut out = arrow_array::builder::StringBuilder::new();
        let columns = array.as_struct().columns();
        let mut record = String::new();
        for row in 0..array.len() {
            // A record of one field that is NULL would be an empty line.
            let empty =
                columns.iter().all(|column| is_null(column.as_ref(), row)) && columns.len() == 1;
            if array.is_null(row) || (empty && self.options.null_value.is_empty()) {
                out.append_null();
                continue;
            }
            record.clear();
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    record.push_str(&self.options.separator);
                }
                if is_null(column.as_ref(), row) {
                    record.push_str(&self.options.null_value);
                } else {
                    let text = self.text(column.as_ref(), row)?;
                    self.push(&mut record, &text, at == 0);
                }
            }
            out.append_value(&record);
        }
        Ok(out.finish())
    }

    /// One value, in quotes where it needs them.
    fn push(&self, out: &mut String, text: &str, first: bool) {
        let blank = |symbol: char| symbol <= ' ';
        let text = match (self.options.trim_start, self.options.trim_end) {
            (true, true) => text.trim_matches(blank),
            (true, false) => text.trim_start_matches(blank),
            (false, true) => text.trim_end_matches(blank),
            (false, false) => text,
        };
        if text.is_empty() {
            out.push_str(&self.empty_value);
            return;
        }
        let Some(quote) = self.options.quote else {
            out.push_str(text);
            return;
        };
        let needed = self.quote_all
            || text.contains(self.options.separator.as_str())
            || text.contains(['\n', '\r'])
            || (self.escape_quotes && text.contains(quote))
            || (first && text.starts_with(self.options.comment.unwrap_or('#')));
        if !needed {
            out.push_str(text);
            return;
        }
        out.push(quote);
        for symbol in text.chars() {
            if symbol == quote || Some(symbol) == self.options.escape {
                out.extend(self.options.escape);
            }
            out.push(symbol);
        }
        out.push(quote);
    }

    /// The text of a value that is not NULL.
    fn text(&self, array: &dyn Array, row: usize) -> Result<String, CastError> {
        let zone = &self.options.time_zone;
        Ok(match array.data_type() {
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>().value(row);
                match &self.options.date_format {
                    Some(pattern) => pattern.format_date(days),
                    None => value_text(array, row, zone),
                }
            }
            DataType::Timestamp(TimeUnit::Microsecond, named) => {
                let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
                let pattern = match named {
                    Some(_) => &self.options.timestamp_format,
                    None => &self.options.timestamp_ntz_format,
                };
                let zone = named.as_ref().map(|_| zone);
                match pattern {
                    Some(pattern) => pattern.format_timestamp(micros, zone.unwrap_or(&Zone::UTC)),
                    None => {
                        let mut out = String::new();
                        push_instant(&mut out, micros, zone);
                        out
                    }
                }
            }
            DataType::Decimal128(_, scale) => {
                let value = array.as_primitive::<Decimal128Type>().value(row);
                let mut out = String::new();
                push_big_decimal(&mut out, value, *scale);
                out
            }
            DataType::Binary => {
                let bytes = array.as_binary::<i32>().value(row);
                let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                format!("[{}]", digits.join(" "))
            }
            DataType::List(_) => {
                let items = array.as_list::<i32>().value(row);
                let places = (0..items.len()).map(|at| (items.as_ref(), at));
                format!("[{}]", self.joined(places)?)
            }
            DataType::Struct(_) => {
                let columns = array.as_struct().columns();
                let places = columns.iter().map(|column| (column.as_ref(), row));
                format!("{{{}}}", self.joined(places)?)
            }
            DataType::Map(..) => {
                let entries = array.as_map().value(row);
                let mut pairs = vec![];
                for at in 0..entries.len() {
                    let key = self.text(entries.column(0).as_ref(), at)?;
                    let value = entries.column(1);
                    pairs.push(if is_null(value.as_ref(), at) {
                        format!("{key} ->")
                    } else {
                        format!("{key} -> {}", self.text(value.as_ref(), at)?)
                    });
                }
                format!("{{{}}}", pairs.join(", "))
            }
            other => match sluice_model::SparkType::from_arrow(other) {
                Some(_) => value_text(array, row, zone),
                None => return Err(CastError::unknown_type(other)),
            },
        })
    }

    /// Values inside of another: a NULL leaves its place empty.
    fn joined<'a>(
        &self,
        places: impl Iterator<Item = (&'a dyn Array, usize)>,
    ) -> Result<String, CastError> {
        let mut out = String::new();
        for (step, (array, row)) in places.enumerate() {
            if step > 0 {
                out.push(',');
            }
            if is_null(array, row) {
                continue;
            }
            if step > 0 {
                out.push(' ');
            }
            out.push_str(&self.text(array, row)?);
        }
        Ok(out)
    }
}

fn is_null(column: &dyn Array, row: usize) -> bool {
    column.is_null(row) || column.data_type().is_null()
}
