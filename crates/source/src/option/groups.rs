//! Each option by its name: what its value may be and where it goes.

use sluice_model::data_type::parse_schema;

use super::value::{
    boolean, bytes, character, count, duration_us, instant_us, positive, separator,
};
use super::{
    Encoding, EvolutionMode, FileFormat, ParseMode, PartitionColumns, ReadFilesOptions, SchemaHint,
};

/// Names in the spelling of the documentation: what did-you-mean chooses from.
pub(super) const NAMES: &[&str] = &[
    "format",
    "schema",
    "schemaHints",
    "inferColumnTypes",
    "inferSchema",
    "schemaEvolutionMode",
    "rescuedDataColumn",
    "partitionColumns",
    "fileNamePattern",
    "pathGlobFilter",
    "recursiveFileLookup",
    "modifiedAfter",
    "modifiedBefore",
    "ignoreCorruptFiles",
    "ignoreMissingFiles",
    "ignoredPathSegmentRegex",
    "useStrictGlobber",
    "allowOverwrites",
    "includeExistingFiles",
    "maxFilesPerTrigger",
    "maxBytesPerTrigger",
    "maxFileAge",
    "minFileAge",
    "schemaLocation",
    "useIncrementalListing",
    "backfillInterval",
    "validateOptions",
    "cleanSource",
    "cleanSource.retentionDuration",
    "cleanSource.moveDestination",
    "badRecordsPath",
    "mode",
    "columnNameOfCorruptRecord",
    "multiLine",
    "dateFormat",
    "timestampFormat",
    "timestampNTZFormat",
    "timeZone",
    "locale",
    "inferTimestamp",
    "lineSep",
    "encoding",
    "charset",
    "readerCaseSensitive",
    "primitivesAsString",
    "prefersDecimal",
    "allowComments",
    "allowSingleQuotes",
    "allowUnquotedFieldNames",
    "allowNonNumericNumbers",
    "allowNumericLeadingZeros",
    "allowBackslashEscapingAnyCharacter",
    "allowUnquotedControlChars",
    "dropFieldIfAllNull",
    "sep",
    "delimiter",
    "header",
    "quote",
    "escape",
    "comment",
    "nullValue",
    "emptyValue",
    "nanValue",
    "positiveInf",
    "negativeInf",
    "ignoreLeadingWhiteSpace",
    "ignoreTrailingWhiteSpace",
    "maxColumns",
    "maxCharsPerColumn",
    "skipRows",
    "enforceSchema",
    "unescapedQuoteHandling",
    "wholeText",
    "mergeSchema",
    "datetimeRebaseMode",
    "int96RebaseMode",
];

/// What one argument did.
pub(super) enum Applied {
    /// The name is known here and its value taken.
    Done,
    /// The name is known and has no effect here, for the reason given.
    Noted(&'static str),
    /// The name belongs to another group.
    NotMine,
}

/// Why a value was not taken.
pub(super) enum Refusal {
    Invalid(String),
    Unsupported(String, &'static str),
}

impl From<String> for Refusal {
    fn from(expected: String) -> Self {
        Self::Invalid(expected)
    }
}

impl From<&str> for Refusal {
    fn from(expected: &str) -> Self {
        Self::Invalid(expected.into())
    }
}

/// Values that decide others once all arguments are known.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) evolution: Option<EvolutionMode>,
    pub(super) rescued: Option<String>,
    pub(super) clean_mode: Option<String>,
    pub(super) clean_destination: Option<String>,
}

/// Takes one option, by its lower-case name without prefix.
pub(super) fn apply(
    options: &mut ReadFilesOptions,
    pending: &mut Pending,
    key: &str,
    text: &str,
) -> Result<Applied, Refusal> {
    for group in [discovery, stream] {
        match group(options, key, text)? {
            Applied::NotMine => {}
            done => return Ok(done),
        }
    }
    match schema(options, pending, key, text)? {
        Applied::NotMine => {}
        done => return Ok(done),
    }
    match format(options, key, text)? {
        Applied::NotMine => csv(options, key, text),
        done => Ok(done),
    }
}

fn discovery(options: &mut ReadFilesOptions, key: &str, text: &str) -> Result<Applied, Refusal> {
    match key {
        "filenamepattern" | "pathglobfilter" => {
            crate::glob::SegmentGlob::parse(text)
                .map_err(|reason| format!("expected a pattern such as *.json; {reason}"))?;
            options.file_name_pattern = Some(text.to_string());
        }
        "recursivefilelookup" => options.recursive = boolean(text)? || options.call.is_stream(),
        "modifiedafter" => options.modified_after_us = Some(instant_us(text)?),
        "modifiedbefore" => options.modified_before_us = Some(instant_us(text)?),
        "ignorecorruptfiles" => options.ignore_corrupt_files = boolean(text)?,
        "ignoremissingfiles" => options.ignore_missing_files = boolean(text)?,
        "ignoredpathsegmentregex" => {
            regex::Regex::new(text).map_err(|_| "expected a regular expression")?;
            options.ignored_segment = text.to_string();
        }
        "usestrictglobber" => options.strict_globber = boolean(text)?,
        "partitioncolumns" => {
            let names = text
                .split(',')
                .map(|name| name.trim().trim_matches('`').to_string())
                .filter(|name| !name.is_empty());
            options.partition_columns = PartitionColumns::Only(names.collect());
        }
        "badrecordspath" => {
            options.bad_records_path =
                Some(text.to_string()).filter(|path| !path.trim().is_empty());
        }
        _ => return Ok(Applied::NotMine),
    }
    Ok(Applied::Done)
}

fn stream(options: &mut ReadFilesOptions, key: &str, text: &str) -> Result<Applied, Refusal> {
    match key {
        "allowoverwrites" => options.allow_overwrites = boolean(text)?,
        "includeexistingfiles" => {
            if !boolean(text)? {
                return Err(Refusal::Unsupported(
                    "`includeExistingFiles => false` is not supported: the first update would have to remember what it left out".into(),
                    "leave older files out with `modifiedAfter => '2026-01-01T00:00:00Z'`",
                ));
            }
        }
        "maxfilespertrigger" => options.max_files_per_trigger = positive(text)?,
        "maxbytespertrigger" => options.max_bytes_per_trigger = Some(bytes(text)?),
        "maxfileage" => options.max_file_age_us = Some(duration_us(text)?),
        "minfileage" => options.min_file_age_us = duration_us(text)?,
        "cleansource.retentionduration" => options.clean_retention_us = duration_us(text)?,
        "schemalocation" => {
            return Ok(Applied::Noted("the inferred schema is kept with the table"));
        }
        "useincrementallisting" => {
            return Ok(Applied::Noted(
                "each update lists all files, so that none is missed",
            ));
        }
        "backfillinterval" => {
            return Ok(Applied::Noted(
                "each update lists all files, so nothing needs a backfill",
            ));
        }
        "validateoptions" => return Ok(Applied::Noted("options are always checked")),
        "usenotifications" | "usemanagedfileevents" => {
            if boolean(text)? {
                return Err(Refusal::Unsupported(
                    "file notifications are not supported".into(),
                    "leave the option out: each update lists all files, and misses none",
                ));
            }
        }
        _ => return Ok(Applied::NotMine),
    }
    Ok(Applied::Done)
}

fn schema(
    options: &mut ReadFilesOptions,
    pending: &mut Pending,
    key: &str,
    text: &str,
) -> Result<Applied, Refusal> {
    match key {
        "format" => options.format = Some(file_format(text)?),
        "schema" => {
            let fields = parse_schema(text)
                .map_err(|error| format!("{} at character {}", error.message, error.offset + 1))?;
            options.schema = Some(fields);
        }
        "schemahints" => options.schema_hints = SchemaHint::parse_list(text)?,
        "infercolumntypes" | "inferschema" => options.infer_column_types = boolean(text)?,
        "schemaevolutionmode" => {
            pending.evolution = Some(match text.trim().to_ascii_lowercase().as_str() {
                "addnewcolumns" => EvolutionMode::AddNewColumns,
                "addnewcolumnswithtypewidening" => {
                    return Err(Refusal::Unsupported(
                        "tables do not widen types (`delta.enableTypeWidening`), so `addNewColumnsWithTypeWidening` is not supported".into(),
                        "write `addNewColumns`, and give columns that may grow a wide type with `schemaHints => 'id BIGINT'`",
                    ));
                }
                "rescue" => EvolutionMode::Rescue,
                "failonnewcolumns" => EvolutionMode::FailOnNewColumns,
                "none" => EvolutionMode::None,
                _ => return Err("expected addNewColumns, rescue, failOnNewColumns or none".into()),
            });
        }
        "rescueddatacolumn" => pending.rescued = Some(text.trim().to_string()),
        "cleansource" => pending.clean_mode = Some(text.trim().to_ascii_lowercase()),
        "cleansource.movedestination" => pending.clean_destination = Some(text.to_string()),
        "singlevariantcolumn" => {
            return Err(Refusal::Unsupported(
                "the type VARIANT is not supported, so `singleVariantColumn` is not either".into(),
                "read the lines with `format => 'text'` and parse them with `from_json`",
            ));
        }
        _ => return Ok(Applied::NotMine),
    }
    Ok(Applied::Done)
}

fn file_format(text: &str) -> Result<FileFormat, Refusal> {
    Ok(match text.trim().to_ascii_lowercase().as_str() {
        "json" => FileFormat::Json,
        "csv" => FileFormat::Csv,
        "parquet" => FileFormat::Parquet,
        "avro" => FileFormat::Avro,
        "text" => FileFormat::Text,
        "binaryfile" => FileFormat::BinaryFile,
        "orc" | "xml" | "delta" | "kafka" | "excel" => {
            return Err(Refusal::Unsupported(
                format!("files of format `{text}` are not supported"),
                "formats that are read: json, csv, parquet, avro, text, binaryFile",
            ));
        }
        _ => return Err("expected json, csv, parquet, avro, text or binaryFile".into()),
    })
}

fn format(options: &mut ReadFilesOptions, key: &str, text: &str) -> Result<Applied, Refusal> {
    let format = &mut options.format_options;
    match key {
        "mode" => {
            format.mode = Some(match text.trim().to_ascii_uppercase().as_str() {
                "PERMISSIVE" => ParseMode::Permissive,
                "DROPMALFORMED" => ParseMode::DropMalformed,
                "FAILFAST" => ParseMode::FailFast,
                _ => return Err("expected PERMISSIVE, DROPMALFORMED or FAILFAST".into()),
            });
        }
        "columnnameofcorruptrecord" => format.corrupt_record_column = text.to_string(),
        "multiline" => format.multi_line = boolean(text)?,
        "dateformat" => format.date_format = Some(text.to_string()),
        "timestampformat" => format.timestamp_format = Some(text.to_string()),
        "timestampntzformat" => format.timestamp_ntz_format = Some(text.to_string()),
        "timezone" => format.time_zone = Some(text.to_string()),
        "locale" if text.to_ascii_lowercase().starts_with("en") => {}
        "locale" => {
            return Err(Refusal::Unsupported(
                format!("locale `{text}` is not supported"),
                "only English names of months and days are read",
            ));
        }
        "infertimestamp" => format.infer_timestamp = Some(boolean(text)?),
        "linesep" => format.line_separator = Some(separator(text)).filter(|line| !line.is_empty()),
        "encoding" | "charset" => format.encoding = encoding(text)?,
        "readercasesensitive" => format.case_sensitive = boolean(text)?,
        "primitivesasstring" => format.primitives_as_string = boolean(text)?,
        "prefersdecimal" => format.prefers_decimal = boolean(text)?,
        "allowcomments" => format.allow_comments = boolean(text)?,
        "allowsinglequotes" => format.allow_single_quotes = boolean(text)?,
        "allowunquotedfieldnames" => format.allow_unquoted_field_names = boolean(text)?,
        "allownonnumericnumbers" => format.allow_non_numeric_numbers = boolean(text)?,
        "allownumericleadingzeros" => format.allow_numeric_leading_zeros = boolean(text)?,
        "allowbackslashescapinganycharacter" => {
            format.allow_backslash_escaping_any_character = boolean(text)?;
        }
        "allowunquotedcontrolchars" => format.allow_unquoted_control_chars = boolean(text)?,
        "dropfieldifallnull" => format.drop_field_if_all_null = boolean(text)?,
        "wholetext" => format.whole_text = boolean(text)?,
        "mergeschema" => {
            boolean(text)?;
            return Ok(Applied::Noted(
                "the schemas of all sampled files are merged",
            ));
        }
        "datetimerebasemode" | "int96rebasemode" => {
            if text.eq_ignore_ascii_case("legacy") {
                return Err(Refusal::Unsupported(
                    "dates in the calendar of Spark 2 are not supported".into(),
                    "write the option as CORRECTED or EXCEPTION",
                ));
            }
        }
        "avroschema" => {
            return Err(Refusal::Unsupported(
                "`avroSchema` is not supported".into(),
                "write the columns with `schema => '…'`",
            ));
        }
        _ => return Ok(Applied::NotMine),
    }
    Ok(Applied::Done)
}

fn encoding(text: &str) -> Result<Encoding, Refusal> {
    Ok(match text.trim().to_ascii_uppercase().as_str() {
        "UTF-8" | "UTF8" => Encoding::Utf8,
        "ISO-8859-1" | "LATIN1" | "US-ASCII" | "ASCII" => Encoding::Latin1,
        _ => {
            return Err(Refusal::Unsupported(
                format!("encoding `{text}` is not supported"),
                "encodings that are read: UTF-8, ISO-8859-1, US-ASCII",
            ));
        }
    })
}

fn csv(options: &mut ReadFilesOptions, key: &str, text: &str) -> Result<Applied, Refusal> {
    let format = &mut options.format_options;
    match key {
        "sep" | "delimiter" => {
            format.separator = separator(text);
            if format.separator.is_empty() {
                return Err("expected at least one character".into());
            }
        }
        "header" => format.header = boolean(text)?,
        "quote" => format.quote = character(text)?,
        "escape" => format.escape = character(text)?,
        "comment" => format.comment = character(text)?,
        "nullvalue" => format.null_value = text.to_string(),
        "emptyvalue" => format.empty_value = text.to_string(),
        "nanvalue" => format.nan_value = text.to_string(),
        "positiveinf" => format.positive_inf = text.to_string(),
        "negativeinf" => format.negative_inf = text.to_string(),
        "ignoreleadingwhitespace" => format.ignore_leading_white_space = boolean(text)?,
        "ignoretrailingwhitespace" => format.ignore_trailing_white_space = boolean(text)?,
        "maxcolumns" => format.max_columns = positive(text)?,
        "maxcharspercolumn" => {
            format.max_chars_per_column = if text.trim() == "-1" {
                None
            } else {
                Some(positive(text)?)
            }
        }
        "skiprows" => format.skip_rows = count(text)?,
        "enforceschema" => format.enforce_schema = boolean(text)?,
        "unescapedquotehandling" => {
            if !text.eq_ignore_ascii_case("STOP_AT_DELIMITER") {
                return Err(Refusal::Unsupported(
                    format!("`unescapedQuoteHandling => '{text}'` is not supported"),
                    "only STOP_AT_DELIMITER, the default, is",
                ));
            }
        }
        _ => return Ok(Applied::NotMine),
    }
    Ok(Applied::Done)
}
