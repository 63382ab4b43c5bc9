//! The options of Spark's CSV reader that have a meaning here, with Spark's defaults.

use crate::datetime::{Pattern, Zone};
use crate::json::{column, flag, mode, pattern, refused, zone};
use crate::record::{DecodeError, ParseMode};

/// How CSV is read; names follow Spark's options.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one of Spark's options"
)]
pub struct CsvOptions {
    /// `mode`.
    pub mode: ParseMode,
    /// `sep` or `delimiter`: one or more characters.
    pub separator: String,
    /// `quote`; `None` where it is set to the empty text.
    pub quote: Option<char>,
    /// `escape`; `None` where it is set to the empty text.
    pub escape: Option<char>,
    /// `comment`: lines that start with it are skipped.
    pub comment: Option<char>,
    /// `header`: the first line of each file names the columns.
    pub header: bool,
    /// `enforceSchema`: columns go by position even with a header; with a rescued data column they go by name.
    pub enforce_schema: bool,
    /// `nullValue`.
    pub null_value: String,
    /// `emptyValue`: what a quoted empty text stands for.
    pub empty_value: String,
    /// `nanValue`.
    pub nan_value: String,
    /// `positiveInf`.
    pub positive_infinity: String,
    /// `negativeInf`.
    pub negative_infinity: String,
    /// `multiLine`: quoted values may go over line ends.
    pub multi_line: bool,
    /// `ignoreLeadingWhiteSpace`.
    pub trim_start: bool,
    /// `ignoreTrailingWhiteSpace`.
    pub trim_end: bool,
    /// `skipRows`: lines at the head of each file that are skipped before the header.
    pub skip_rows: u64,
    /// `maxColumns`: a record with more is malformed.
    pub max_columns: usize,
    /// `maxCharsPerColumn`; `None` is no limit.
    pub max_chars_per_column: Option<usize>,
    /// `rescuedDataColumn`.
    pub rescued_column: Option<String>,
    /// `columnNameOfCorruptRecord`, where the schema has it.
    pub corrupt_column: Option<String>,
    /// `timestampFormat`; without it the rules of CAST.
    pub timestamp_format: Option<Pattern>,
    /// `timestampNTZFormat`.
    pub timestamp_ntz_format: Option<Pattern>,
    /// `dateFormat`.
    pub date_format: Option<Pattern>,
    /// `timeZone`.
    pub time_zone: Zone,
    /// `readerCaseSensitive`: whether header names match columns with regard to case.
    pub case_sensitive: bool,
    /// Whether the decoder collects columns that only the header has: see [`crate::csv::CsvDecoder::new_fields`].
    pub learn_new_fields: bool,
    /// `inferColumnTypes`, for inference: false makes every column a STRING.
    pub infer_column_types: bool,
    /// Rows of one batch.
    pub batch_rows: usize,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            mode: ParseMode::Permissive,
            separator: ",".to_string(),
            quote: Some('"'),
            escape: Some('\\'),
            comment: None,
            header: false,
            enforce_schema: true,
            null_value: String::new(),
            empty_value: String::new(),
            nan_value: "NaN".to_string(),
            positive_infinity: "Inf".to_string(),
            negative_infinity: "-Inf".to_string(),
            multi_line: false,
            trim_start: false,
            trim_end: false,
            skip_rows: 0,
            max_columns: 20_480,
            max_chars_per_column: None,
            rescued_column: None,
            corrupt_column: None,
            timestamp_format: None,
            timestamp_ntz_format: None,
            date_format: None,
            time_zone: Zone::UTC,
            case_sensitive: true,
            learn_new_fields: false,
            infer_column_types: true,
            batch_rows: 8192,
        }
    }
}

/// Reads one character, or none for the empty text and for `\0`.
fn character(name: &str, value: &str) -> Result<Option<char>, DecodeError> {
    let mut symbols = value.chars();
    match (symbols.next(), symbols.next()) {
        (None | Some('\0'), None) => Ok(None),
        (Some(symbol), None) => Ok(Some(symbol)),
        (Some('\\'), Some('0')) if value.len() == 2 => Ok(None),
        (Some('\\'), Some('t')) if value.len() == 2 => Ok(Some('\t')),
        (Some('\\'), Some(symbol @ ('\\' | '"' | '\''))) if value.len() == 2 => Ok(Some(symbol)),
        _ => Err(refused(
            name,
            format!("`{value}` is more than one character"),
        )),
    }
}

fn count<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, DecodeError> {
    value
        .parse()
        .map_err(|_| refused(name, format!("`{value}` is no number")))
}

impl CsvOptions {
    /// Sets one option by Spark's name, without regard to case; says whether the name is one of CSV's.
    ///
    /// # Errors
    /// The value has no meaning for the option.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        match name.to_ascii_lowercase().as_str() {
            "mode" => self.mode = mode(name, value)?,
            "sep" | "delimiter" => self.separator = separator(name, value)?,
            "quote" => self.quote = character(name, value)?,
            "escape" => self.escape = character(name, value)?,
            "comment" => self.comment = character(name, value)?,
            "header" => self.header = flag(name, value)?,
            "enforceschema" => self.enforce_schema = flag(name, value)?,
            "nullvalue" => self.null_value = value.to_string(),
            "emptyvalue" => self.empty_value = value.to_string(),
            "nanvalue" => self.nan_value = value.to_string(),
            "positiveinf" => self.positive_infinity = value.to_string(),
            "negativeinf" => self.negative_infinity = value.to_string(),
            "multiline" => self.multi_line = flag(name, value)?,
            "ignoreleadingwhitespace" => self.trim_start = flag(name, value)?,
            "ignoretrailingwhitespace" => self.trim_end = flag(name, value)?,
            "skiprows" => self.skip_rows = count(name, value)?,
            "maxcolumns" => self.max_columns = count(name, value)?,
            "maxcharspercolumn" => {
                self.max_chars_per_column = if value == "-1" {
                    None
                } else {
                    Some(count(name, value)?)
                }
            }
            "rescueddatacolumn" => self.rescued_column = column(value),
            "columnnameofcorruptrecord" => self.corrupt_column = column(value),
            _ => return self.set_rest(name, value),
        }
        Ok(true)
    }

    fn set_rest(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        match name.to_ascii_lowercase().as_str() {
            "timestampformat" => self.timestamp_format = pattern(name, value)?,
            "timestampntzformat" => self.timestamp_ntz_format = pattern(name, value)?,
            "dateformat" => self.date_format = pattern(name, value)?,
            "timezone" => self.time_zone = zone(name, value)?,
            "readercasesensitive" => self.case_sensitive = flag(name, value)?,
            "infercolumntypes" | "inferschema" => self.infer_column_types = flag(name, value)?,
            "unescapedquotehandling" if value.eq_ignore_ascii_case("STOP_AT_DELIMITER") => {}
            "unescapedquotehandling" => {
                return Err(refused(name, "only STOP_AT_DELIMITER is supported"));
            }
            "encoding" | "charset" if !value.eq_ignore_ascii_case("utf-8") => {
                return Err(refused(name, "only UTF-8 can be read"));
            }
            "encoding" | "charset" => {}
            "linesep" if !matches!(value, "\n" | "\r\n" | "\r" | "\\n" | "\\r\\n") => {
                return Err(refused(name, "only line ends can separate records"));
            }
            "linesep" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn separator(name: &str, value: &str) -> Result<String, DecodeError> {
    let text = value.replace("\\t", "\t").replace("\\|", "|");
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(refused(
            name,
            "a separator is one or more characters other than line ends",
        ));
    }
    Ok(text)
}
