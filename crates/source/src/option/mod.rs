//! The options of `read_files` and `cloud_files`, typed and with Spark's and Databricks' defaults.
//!
//! Lives here: what each option means and its default. Must not live here: the text of SQL, reading of files.

mod apply;
mod groups;
mod hint;
pub(crate) mod value;

use sluice_model::{Diagnostic, Origin, SparkField, SparkType};

pub use hint::SchemaHint;

/// How a query calls the reader; decides defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceCall {
    /// `read_files(…)`: stateless, all files each time.
    ReadFiles,
    /// `STREAM read_files(…)`: each file once.
    StreamReadFiles,
    /// `cloud_files(…)`: Auto Loader's own defaults (types are not inferred, folders are walked).
    CloudFiles,
}

impl SourceCall {
    /// Whether the call tracks which files it has read.
    #[must_use]
    pub fn is_stream(self) -> bool {
        self != Self::ReadFiles
    }
}

/// A file format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileFormat {
    /// JSON lines, or one value per file with `multiLine`.
    Json,
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Avro object container files.
    Avro,
    /// One row per line, or per file with `wholeText`.
    Text,
    /// One row per file with its bytes.
    BinaryFile,
}

impl FileFormat {
    /// The name as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Avro => "avro",
            Self::Text => "text",
            Self::BinaryFile => "binaryFile",
        }
    }

    /// The format that a file name tells by its extension, below a compression extension.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let bare = [".gz", ".zst", ".gzip", ".zstd"]
            .iter()
            .find_map(|end| lower.strip_suffix(end))
            .unwrap_or(&lower);
        Some(match bare.rsplit_once('.')?.1 {
            "json" | "jsonl" | "ndjson" => Self::Json,
            "csv" | "tsv" => Self::Csv,
            "parquet" => Self::Parquet,
            "avro" => Self::Avro,
            "txt" | "text" | "log" => Self::Text,
            _ => return None,
        })
    }

    /// Whether rows are text that is parsed, so that a single record can be bad.
    #[must_use]
    pub fn is_parsed_text(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }
}

/// What happens when files hold columns that the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvolutionMode {
    /// The schema widens and the read is tried again.
    AddNewColumns,
    /// The schema stays; unknown values go to the rescued data column.
    Rescue,
    /// The update stops until the schema is changed by hand.
    FailOnNewColumns,
    /// Unknown columns are ignored.
    None,
}

impl EvolutionMode {
    /// The name as users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddNewColumns => "addNewColumns",
            Self::Rescue => "rescue",
            Self::FailOnNewColumns => "failOnNewColumns",
            Self::None => "none",
        }
    }
}

/// What happens to a record that cannot be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseMode {
    /// The row stays, with NULLs and its text in the corrupt record column if that is declared.
    Permissive,
    /// The row goes, counted.
    DropMalformed,
    /// The update stops.
    FailFast,
}

/// Which Hive-style folders (`date=2026-01-01`) become columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionColumns {
    /// All that are found.
    Detect,
    /// Only these, in this order; an empty list ignores the folders.
    Only(Vec<String>),
}

/// What happens to files after their micro-batch has been committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanSource {
    /// They stay.
    Off,
    /// They are deleted once the retention has passed.
    Delete,
    /// They are moved to a folder once the retention has passed.
    Move {
        /// The folder, as written.
        destination: String,
    },
}

/// Options that concern the bytes of one format.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent option of Spark with its own name"
)]
pub struct FormatOptions {
    /// `mode`; `None` is the format's default (`FAILFAST` for Avro, `PERMISSIVE` for text formats).
    pub mode: Option<ParseMode>,
    /// `columnNameOfCorruptRecord`
    pub corrupt_record_column: String,
    /// `multiLine`
    pub multi_line: bool,
    /// `dateFormat`
    pub date_format: Option<String>,
    /// `timestampFormat`
    pub timestamp_format: Option<String>,
    /// `timestampNTZFormat`
    pub timestamp_ntz_format: Option<String>,
    /// `timeZone`; `None` is the session's.
    pub time_zone: Option<String>,
    /// `inferTimestamp` (JSON) and, for CSV, whether timestamps and dates are inferred.
    pub infer_timestamp: Option<bool>,
    /// `lineSep`
    pub line_separator: Option<String>,
    /// `encoding` / `charset`, upper case; only UTF-8 and ISO-8859-1/US-ASCII are taken.
    pub encoding: Encoding,
    /// `readerCaseSensitive`
    pub case_sensitive: bool,
    /// `primitivesAsString`
    pub primitives_as_string: bool,
    /// `prefersDecimal`
    pub prefers_decimal: bool,
    /// `allowComments`
    pub allow_comments: bool,
    /// `allowSingleQuotes`
    pub allow_single_quotes: bool,
    /// `allowUnquotedFieldNames`
    pub allow_unquoted_field_names: bool,
    /// `allowNonNumericNumbers`
    pub allow_non_numeric_numbers: bool,
    /// `allowNumericLeadingZeros`
    pub allow_numeric_leading_zeros: bool,
    /// `allowBackslashEscapingAnyCharacter`
    pub allow_backslash_escaping_any_character: bool,
    /// `allowUnquotedControlChars`
    pub allow_unquoted_control_chars: bool,
    /// `dropFieldIfAllNull`
    pub drop_field_if_all_null: bool,
    /// `sep` / `delimiter`
    pub separator: String,
    /// `header`
    pub header: bool,
    /// `quote`; `None` turns quoting off.
    pub quote: Option<char>,
    /// `escape`; `None` turns escaping off.
    pub escape: Option<char>,
    /// `comment`
    pub comment: Option<char>,
    /// `nullValue`
    pub null_value: String,
    /// `emptyValue`
    pub empty_value: String,
    /// `nanValue`
    pub nan_value: String,
    /// `positiveInf`
    pub positive_inf: String,
    /// `negativeInf`
    pub negative_inf: String,
    /// `ignoreLeadingWhiteSpace`
    pub ignore_leading_white_space: bool,
    /// `ignoreTrailingWhiteSpace`
    pub ignore_trailing_white_space: bool,
    /// `maxColumns`
    pub max_columns: usize,
    /// `maxCharsPerColumn`; `None` is no limit beyond the engine's own.
    pub max_chars_per_column: Option<usize>,
    /// `skipRows`
    pub skip_rows: usize,
    /// `enforceSchema`
    pub enforce_schema: bool,
    /// `wholeText`
    pub whole_text: bool,
}

/// A character encoding of text files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, a byte order mark is skipped.
    Utf8,
    /// ISO-8859-1; US-ASCII is read as this.
    Latin1,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self {
            mode: None,
            corrupt_record_column: "_corrupt_record".into(),
            multi_line: false,
            date_format: None,
            timestamp_format: None,
            timestamp_ntz_format: None,
            time_zone: None,
            infer_timestamp: None,
            line_separator: None,
            encoding: Encoding::Utf8,
            case_sensitive: true,
            primitives_as_string: false,
            prefers_decimal: false,
            allow_comments: false,
            allow_single_quotes: true,
            allow_unquoted_field_names: false,
            allow_non_numeric_numbers: true,
            allow_numeric_leading_zeros: false,
            allow_backslash_escaping_any_character: false,
            allow_unquoted_control_chars: false,
            drop_field_if_all_null: false,
            separator: ",".into(),
            header: false,
            quote: Some('"'),
            escape: Some('\\'),
            comment: None,
            null_value: String::new(),
            empty_value: String::new(),
            nan_value: "NaN".into(),
            positive_inf: "Inf".into(),
            negative_inf: "-Inf".into(),
            ignore_leading_white_space: false,
            ignore_trailing_white_space: false,
            max_columns: 20_480,
            max_chars_per_column: None,
            skip_rows: 0,
            enforce_schema: true,
            whole_text: false,
        }
    }
}

/// Every option of one call of `read_files`, checked.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an independent option with its own name"
)]
pub struct ReadFilesOptions {
    /// How the query calls the reader.
    pub call: SourceCall,
    /// `format`; `None` is told by the extension of the files.
    pub format: Option<FileFormat>,
    /// `schema`
    pub schema: Option<Vec<SparkField>>,
    /// `schemaHints`
    pub schema_hints: Vec<SchemaHint>,
    /// `inferColumnTypes`
    pub infer_column_types: bool,
    /// `schemaEvolutionMode`, defaulted as Databricks does.
    pub evolution: EvolutionMode,
    /// `rescuedDataColumn`, defaulted; `None` where there is no such column.
    pub rescued_column: Option<String>,
    /// `partitionColumns`
    pub partition_columns: PartitionColumns,
    /// `fileNamePattern` / `pathGlobFilter`
    pub file_name_pattern: Option<String>,
    /// Whether sub-folders that are no Hive partitions are walked.
    pub recursive: bool,
    /// `modifiedAfter`, microseconds UTC, exclusive.
    pub modified_after_us: Option<i64>,
    /// `modifiedBefore`, microseconds UTC, exclusive.
    pub modified_before_us: Option<i64>,
    /// `ignoreCorruptFiles`
    pub ignore_corrupt_files: bool,
    /// `ignoreMissingFiles`
    pub ignore_missing_files: bool,
    /// `ignoredPathSegmentRegex`
    pub ignored_segment: String,
    /// `useStrictGlobber`
    pub strict_globber: bool,
    /// `allowOverwrites`
    pub allow_overwrites: bool,
    /// `maxFilesPerTrigger`
    pub max_files_per_trigger: usize,
    /// `maxBytesPerTrigger`; soft: at least one file is taken.
    pub max_bytes_per_trigger: Option<u64>,
    /// `maxFileAge` in microseconds: files older than this at listing time are left out.
    pub max_file_age_us: Option<i64>,
    /// `minFileAge` in microseconds, an option of ours: younger files wait for the next update. Default 0.
    pub min_file_age_us: i64,
    /// `cleanSource`
    pub clean_source: CleanSource,
    /// `cleanSource.retentionDuration` in microseconds; default 30 days.
    pub clean_retention_us: i64,
    /// `badRecordsPath`
    pub bad_records_path: Option<String>,
    /// Options of the format.
    pub format_options: FormatOptions,
    /// Where `format` was written, or the call itself.
    pub origins: OptionOrigins,
    /// Options that were accepted and have no effect here, with the reason.
    pub notes: Vec<Diagnostic>,
}

/// Where options were written, for messages that arise later than parsing.
#[derive(Debug, Clone, Default)]
pub struct OptionOrigins {
    list: Vec<(String, Origin)>,
}

impl OptionOrigins {
    /// The place of an option, by its name in any case and with or without `cloudFiles.`.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Origin> {
        let key = value::key(name);
        self.list
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, origin)| origin)
    }

    pub(crate) fn insert(&mut self, key: String, origin: Origin) {
        self.list.push((key, origin));
    }
}

const DAY_US: i64 = 86_400_000_000;

impl ReadFilesOptions {
    /// The options of a call without any.
    #[must_use]
    pub fn defaults(call: SourceCall) -> Self {
        Self {
            call,
            format: None,
            schema: None,
            schema_hints: vec![],
            infer_column_types: call != SourceCall::CloudFiles,
            evolution: EvolutionMode::AddNewColumns,
            rescued_column: Some("_rescued_data".into()),
            partition_columns: PartitionColumns::Detect,
            file_name_pattern: None,
            recursive: call.is_stream(),
            modified_after_us: None,
            modified_before_us: None,
            ignore_corrupt_files: false,
            ignore_missing_files: false,
            ignored_segment: "^[._]".into(),
            strict_globber: call != SourceCall::CloudFiles,
            allow_overwrites: false,
            max_files_per_trigger: 1000,
            max_bytes_per_trigger: None,
            max_file_age_us: None,
            min_file_age_us: 0,
            clean_source: CleanSource::Off,
            clean_retention_us: 30 * DAY_US,
            bad_records_path: None,
            format_options: FormatOptions::default(),
            origins: OptionOrigins::default(),
            notes: vec![],
        }
    }

    /// Reads the named arguments of a call: names in any case, with or without `cloudFiles.`.
    ///
    /// # Errors
    /// Every unknown option (with the nearest known name), refused option and bad value, each with its place.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = (String, String, Origin)>,
        call: SourceCall,
    ) -> Result<Self, Vec<Diagnostic>> {
        apply::from_arguments(arguments, call)
    }

    /// The mode for bad records that holds for a format.
    #[must_use]
    pub fn parse_mode(&self, format: FileFormat) -> ParseMode {
        self.format_options
            .mode
            .unwrap_or(if format == FileFormat::Avro {
                ParseMode::FailFast
            } else {
                ParseMode::Permissive
            })
    }

    /// Whether columns that the schema does not know stop the read.
    #[must_use]
    pub fn stops_for_new_columns(&self) -> bool {
        !matches!(self.evolution, EvolutionMode::Rescue | EvolutionMode::None)
    }

    /// The folders that the engine shall write to, each with its option.
    pub fn written_folders(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let moved = match &self.clean_source {
            CleanSource::Move { destination } => Some(destination.as_str()),
            CleanSource::Off | CleanSource::Delete => None,
        };
        let bad = self.bad_records_path.as_deref();
        bad.map(|folder| ("badRecordsPath", folder))
            .into_iter()
            .chain(moved.map(|folder| ("cleanSource.moveDestination", folder)))
    }

    /// The hinted type of a top-level column.
    #[must_use]
    pub fn hinted_type(&self, column: &str) -> Option<&SparkType> {
        self.schema_hints
            .iter()
            .find(|hint| hint.is_column(column))
            .map(|hint| &hint.data_type)
    }
}
