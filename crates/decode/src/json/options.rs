//! The options of Spark's JSON reader that have a meaning here, with Spark's defaults.

use crate::datetime::{Pattern, Zone};
use crate::json::Grammar;
use crate::record::{DecodeError, ParseMode};

/// How JSON is read; names follow Spark's options.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one of Spark's options"
)]
pub struct JsonOptions {
    /// `mode`.
    pub mode: ParseMode,
    /// `allowComments`, `allowSingleQuotes` and so on.
    pub grammar: Grammar,
    /// `multiLine`: the whole input is one document, an object or an array of objects.
    pub multi_line: bool,
    /// `rescuedDataColumn`: values that do not fit go there, and no type mismatch is an error any more.
    pub rescued_column: Option<String>,
    /// `columnNameOfCorruptRecord`, where the schema has it: the text of bad records.
    pub corrupt_column: Option<String>,
    /// `timestampFormat`; without it the rules of CAST.
    pub timestamp_format: Option<Pattern>,
    /// `timestampNTZFormat`.
    pub timestamp_ntz_format: Option<Pattern>,
    /// `dateFormat`.
    pub date_format: Option<Pattern>,
    /// `timeZone`: holds for timestamps that name no zone.
    pub time_zone: Zone,
    /// `readerCaseSensitive`.
    pub case_sensitive: bool,
    /// Whether the decoder collects unknown fields with inferred types: see [`crate::json::JsonDecoder::new_fields`].
    pub learn_new_fields: bool,
    /// `primitivesAsString`, for inference.
    pub primitives_as_string: bool,
    /// `prefersDecimal`, for inference.
    pub prefers_decimal: bool,
    /// `inferTimestamp`, for inference.
    pub infer_timestamp: bool,
    /// `inferColumnTypes`, for inference: false makes every column a STRING.
    pub infer_column_types: bool,
    /// `dropFieldIfAllNull`, for inference.
    pub drop_field_if_all_null: bool,
    /// Rows of one batch.
    pub batch_rows: usize,
}

impl Default for JsonOptions {
    fn default() -> Self {
        Self {
            mode: ParseMode::Permissive,
            grammar: Grammar::default(),
            multi_line: false,
            rescued_column: None,
            corrupt_column: None,
            timestamp_format: None,
            timestamp_ntz_format: None,
            date_format: None,
            time_zone: Zone::UTC,
            case_sensitive: true,
            learn_new_fields: false,
            primitives_as_string: false,
            prefers_decimal: false,
            infer_timestamp: false,
            infer_column_types: true,
            drop_field_if_all_null: false,
            batch_rows: 8192,
        }
    }
}

/// Reads `true` or `false` in any case.
pub(crate) fn flag(name: &str, value: &str) -> Result<bool, DecodeError> {
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(refused(
            name,
            format!("`{value}` is neither true nor false"),
        ))
    }
}

pub(crate) fn refused(name: &str, reason: impl Into<String>) -> DecodeError {
    DecodeError::Option {
        name: name.to_string(),
        reason: reason.into(),
    }
}

pub(crate) fn pattern(name: &str, value: &str) -> Result<Option<Pattern>, DecodeError> {
    Pattern::new(value)
        .map(Some)
        .map_err(|error| refused(name, error.to_string()))
}

pub(crate) fn zone(name: &str, value: &str) -> Result<Zone, DecodeError> {
    Zone::parse(value).ok_or_else(|| refused(name, format!("`{value}` is no time zone")))
}

pub(crate) fn mode(name: &str, value: &str) -> Result<ParseMode, DecodeError> {
    ParseMode::parse(value).ok_or_else(|| {
        refused(
            name,
            format!("`{value}` is none of PERMISSIVE, DROPMALFORMED, FAILFAST"),
        )
    })
}

pub(crate) fn column(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_string())
}

impl JsonOptions {
    /// Sets one option by Spark's name, without regard to case; says whether the name is one of JSON's.
    ///
    /// # Errors
    /// The value has no meaning for the option.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        match name.to_ascii_lowercase().as_str() {
            "mode" => self.mode = mode(name, value)?,
            "multiline" => self.multi_line = flag(name, value)?,
            "rescueddatacolumn" => self.rescued_column = column(value),
            "columnnameofcorruptrecord" => self.corrupt_column = column(value),
            "timestampformat" => self.timestamp_format = pattern(name, value)?,
            "timestampntzformat" => self.timestamp_ntz_format = pattern(name, value)?,
            "dateformat" => self.date_format = pattern(name, value)?,
            "timezone" => self.time_zone = zone(name, value)?,
            "readercasesensitive" => self.case_sensitive = flag(name, value)?,
            "primitivesasstring" => self.primitives_as_string = flag(name, value)?,
            "prefersdecimal" => self.prefers_decimal = flag(name, value)?,
            "infertimestamp" => self.infer_timestamp = flag(name, value)?,
            "infercolumntypes" => self.infer_column_types = flag(name, value)?,
            "dropfieldifallnull" => self.drop_field_if_all_null = flag(name, value)?,
            "encoding" | "charset" if !value.eq_ignore_ascii_case("utf-8") => {
                return Err(refused(name, "only UTF-8 can be read"));
            }
            "encoding" | "charset" => {}
            "linesep" if !matches!(value, "\n" | "\r\n" | "\r" | "\\n" | "\\r\\n") => {
                return Err(refused(name, "only line ends can separate records"));
            }
            "linesep" => {}
            _ => return self.grammar.set(name, value),
        }
        Ok(true)
    }
}

impl Grammar {
    fn set(&mut self, name: &str, value: &str) -> Result<bool, DecodeError> {
        let target = match name.to_ascii_lowercase().as_str() {
            "allowcomments" => &mut self.comments,
            "allowsinglequotes" => &mut self.single_quotes,
            "allowunquotedfieldnames" => &mut self.unquoted_names,
            "allownonnumericnumbers" => &mut self.non_numeric_numbers,
            "allowbackslashescapinganycharacter" => &mut self.any_escape,
            "allowunquotedcontrolchars" => &mut self.control_characters,
            "allownumericleadingzeros" => &mut self.leading_zeros,
            _ => return Ok(false),
        };
        *target = flag(name, value)?;
        Ok(true)
    }
}
