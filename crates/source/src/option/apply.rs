//! From named arguments to [`ReadFilesOptions`]: every known name, its value checked; every other name refused.

use sluice_model::condition::source as condition;
use sluice_model::{Diagnostic, Origin, data_type::parse_schema};

use super::value::{
    self, boolean, bytes, character, count, duration_us, instant_us, positive, separator,
};
use super::{
    CleanSource, Encoding, EvolutionMode, FileFormat, ParseMode, PartitionColumns,
    ReadFilesOptions, SchemaHint, SourceCall,
};

/// Names in the spelling of the documentation: what did-you-mean chooses from.
const NAMES: &[&str] = &[
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

/// Databricks deletes source files after more than this.
const DELETE_RETENTION_US_MIN: i64 = 7 * 86_400_000_000;

/// What one argument did.
enum Applied {
    /// The name is known here and its value taken.
    Done,
    /// The name is known and has no effect here, for the reason given.
    Noted(&'static str),
    /// The name belongs to another group.
    NotMine,
}

/// Why a value was not taken.
enum Refusal {
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
struct Pending {
    evolution: Option<EvolutionMode>,
    rescued: Option<String>,
    clean_mode: Option<String>,
    clean_destination: Option<String>,
}

pub(super) fn from_arguments(
    arguments: impl IntoIterator<Item = (String, String, Origin)>,
    call: SourceCall,
) -> Result<ReadFilesOptions, Vec<Diagnostic>> {
    let mut options = ReadFilesOptions::defaults(call);
    let mut pending = Pending::default();
    let mut errors = vec![];
    for (name, text, origin) in arguments {
        let key = value::key(&name);
        if options.origins.of(&key).is_some() {
            let message = format!("option `{name}` is given twice");
            errors.push(
                Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message)
                    .at(&origin, "the second one"),
            );
            continue;
        }
        options.origins.insert(key.clone(), origin.clone());
        match apply(&mut options, &mut pending, &key, &text) {
            Ok(Applied::Done) => {}
            Ok(Applied::Noted(reason)) => {
                let note = Diagnostic::note(
                    &condition::READ_FILES_UNSUPPORTED_OPTION,
                    format!("option `{name}` has no effect: {reason}"),
                );
                options.notes.push(note.at(&origin, ""));
            }
            Ok(Applied::NotMine) => errors.push(unknown(&name, &origin)),
            Err(Refusal::Invalid(expected)) => {
                let message = format!("option `{name}` cannot be `{text}`: {expected}");
                errors.push(
                    Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message)
                        .at(&origin, ""),
                );
            }
            Err(Refusal::Unsupported(what, help)) => {
                let refused = Diagnostic::error(&condition::READ_FILES_UNSUPPORTED_OPTION, what)
                    .at(&origin, "");
                errors.push(if help.is_empty() {
                    refused
                } else {
                    refused.help(help)
                });
            }
        }
    }
    settle(&mut options, pending, &mut errors);
    if errors.is_empty() {
        Ok(options)
    } else {
        Err(errors)
    }
}

fn unknown(name: &str, origin: &Origin) -> Diagnostic {
    let key = value::key(name);
    let error = Diagnostic::error(
        &condition::CF_UNKNOWN_OPTION_KEYS_ERROR,
        format!("`read_files` has no option `{name}`"),
    )
    .at(origin, "");
    let nearest = NAMES
        .iter()
        .map(|known| {
            (
                strsim::damerau_levenshtein(&key, &known.to_ascii_lowercase()),
                known,
            )
        })
        .min()
        .filter(|(distance, known)| *distance <= 2.max(known.len() / 3));
    match nearest {
        Some((_, known)) => error.help(format!("did you mean `{known}`?")),
        None => error,
    }
}

fn apply(
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
        "includeexistingfiles" => options.include_existing_files = boolean(text)?,
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
                "addnewcolumnswithtypewidening" => EvolutionMode::AddNewColumnsWithTypeWidening,
                "rescue" => EvolutionMode::Rescue,
                "failonnewcolumns" => EvolutionMode::FailOnNewColumns,
                "none" => EvolutionMode::None,
                _ => return Err("expected addNewColumns, addNewColumnsWithTypeWidening, rescue, failOnNewColumns or none".into()),
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
        "mergeschema" => format.merge_schema = boolean(text)?,
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

/// What depends on several options at once: evolution mode, rescued column, clean-up.
fn settle(options: &mut ReadFilesOptions, pending: Pending, errors: &mut Vec<Diagnostic>) {
    let declared = options.schema.is_some();
    options.evolution = pending.evolution.unwrap_or(if declared {
        EvolutionMode::None
    } else {
        EvolutionMode::AddNewColumns
    });
    let adds = matches!(
        options.evolution,
        EvolutionMode::AddNewColumns | EvolutionMode::AddNewColumnsWithTypeWidening
    );
    if declared && adds {
        let mut error = Diagnostic::error(
            &condition::CF_ADD_NEW_NOT_SUPPORTED,
            format!(
                "`schemaEvolutionMode => '{}'` cannot be combined with `schema`",
                options.evolution.name()
            ),
        );
        if let Some(origin) = options.origins.of("schemaEvolutionMode") {
            error = error.at(origin, "");
        }
        errors.push(
            error.help(
                "write `schemaHints` instead of `schema`, or `schemaEvolutionMode => 'rescue'`",
            ),
        );
    }
    options.rescued_column = match pending.rescued {
        Some(name) => Some(name).filter(|name| !name.is_empty()),
        None if declared && options.evolution != EvolutionMode::Rescue => None,
        None if options.evolution == EvolutionMode::None => None,
        None => Some("_rescued_data".into()),
    };
    match (pending.clean_mode.as_deref(), pending.clean_destination) {
        (None | Some("off"), _) => {}
        (Some("delete"), _) => {
            options.clean_source = CleanSource::Delete;
            if options.clean_retention_us <= DELETE_RETENTION_US_MIN {
                let why = "`cleanSource => 'delete'` keeps files for more than 7 days";
                let error = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, why);
                let origin = options.origins.of("cleanSource.retentionDuration").cloned();
                errors.push(match origin {
                    Some(origin) => error.at(&origin, "too short"),
                    None => error,
                });
            }
        }
        (Some("move"), Some(destination)) => {
            options.clean_source = CleanSource::Move { destination }
        }
        (Some(mode), destination) => {
            let why = match (mode, destination) {
                ("move", None) => {
                    "`cleanSource => 'move'` needs `cleanSource.moveDestination`".to_string()
                }
                _ => {
                    format!("option `cleanSource` cannot be `{mode}`: expected off, delete or move")
                }
            };
            let mut error = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, why);
            if let Some(origin) = options.origins.of("cleanSource") {
                error = error.at(origin, "");
            }
            errors.push(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(name: &str, value: &str) -> (String, String, Origin) {
        (
            name.into(),
            value.into(),
            Origin::new("bronze.sql", 3, 9, 4),
        )
    }

    fn parse(
        arguments: &[(&str, &str)],
        call: SourceCall,
    ) -> Result<ReadFilesOptions, Vec<Diagnostic>> {
        from_arguments(
            arguments.iter().map(|(name, value)| argument(name, value)),
            call,
        )
    }

    #[test]
    fn every_documented_name_is_taken_in_any_case_and_prefix() {
        for name in NAMES {
            let value = match *name {
                "format" => "json",
                "schema" | "schemaHints" => "a INT",
                "schemaEvolutionMode" => "rescue",
                "modifiedAfter" | "modifiedBefore" => "2026-01-01",
                "maxFileAge" | "minFileAge" | "cleanSource.retentionDuration" => "1 day",
                "cleanSource" => "off",
                "mode" => "permissive",
                "encoding" | "charset" => "utf-8",
                "locale" => "en-US",
                "unescapedQuoteHandling" => "STOP_AT_DELIMITER",
                "datetimeRebaseMode" | "int96RebaseMode" => "CORRECTED",
                "quote" | "escape" | "comment" | "sep" | "delimiter" => "|",
                "maxFilesPerTrigger" | "maxBytesPerTrigger" | "maxColumns"
                | "maxCharsPerColumn" | "skipRows" => "7",
                _ => "true",
            };
            let spelled = format!("CLOUDFILES.{}", name.to_ascii_uppercase());
            let parsed = parse(&[(&spelled, value)], SourceCall::StreamReadFiles);
            assert!(parsed.is_ok(), "{name}: {parsed:?}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_places() {
        let errors = parse(
            &[
                ("fromat", "json"),
                ("header", "yes"),
                ("format", "orc"),
                ("cloudFiles.useNotifications", "true"),
                ("sep", ","),
                ("SEP", ";"),
            ],
            SourceCall::ReadFiles,
        )
        .unwrap_err();
        let shown: Vec<String> = errors
            .iter()
            .map(|error| format!("{error} {:?}", error.helps.first()))
            .collect();
        assert_eq!(shown.len(), 5, "{shown:#?}");
        assert!(
            shown[0].contains("CF_UNKNOWN_OPTION_KEYS_ERROR")
                && shown[0].contains("did you mean `format`?")
        );
        assert!(shown[1].contains("expected true or false"));
        assert!(shown[2].contains("`orc` are not supported"));
        assert!(shown[3].contains("notifications are not supported"));
        assert!(shown[4].contains("given twice"));
        assert!(errors.iter().all(|error| error.origin().is_some()));
    }

    #[test]
    fn defaults_depend_on_the_call_and_on_an_explicit_schema() {
        let check =
            |arguments: &[(&str, &str)], call, expected: (EvolutionMode, Option<&str>, bool)| {
                let options = parse(arguments, call).unwrap();
                assert_eq!(
                    (
                        options.evolution,
                        options.rescued_column.as_deref(),
                        options.infer_column_types
                    ),
                    expected,
                    "{arguments:?}"
                );
            };
        check(
            &[],
            SourceCall::ReadFiles,
            (EvolutionMode::AddNewColumns, Some("_rescued_data"), true),
        );
        check(
            &[],
            SourceCall::CloudFiles,
            (EvolutionMode::AddNewColumns, Some("_rescued_data"), false),
        );
        check(
            &[("schema", "a INT")],
            SourceCall::ReadFiles,
            (EvolutionMode::None, None, true),
        );
        check(
            &[("schema", "a INT"), ("rescuedDataColumn", "_r")],
            SourceCall::ReadFiles,
            (EvolutionMode::None, Some("_r"), true),
        );
        check(
            &[("schema", "a INT"), ("schemaEvolutionMode", "rescue")],
            SourceCall::ReadFiles,
            (EvolutionMode::Rescue, Some("_rescued_data"), true),
        );
        check(
            &[("rescuedDataColumn", "")],
            SourceCall::ReadFiles,
            (EvolutionMode::AddNewColumns, None, true),
        );
        check(
            &[("schemaEvolutionMode", "none")],
            SourceCall::ReadFiles,
            (EvolutionMode::None, None, true),
        );
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for arguments in [
            &[
                ("schema", "a INT"),
                ("schemaEvolutionMode", "addNewColumns"),
            ][..],
            &[("cleanSource", "move")],
            &[("cleanSource", "burn")],
            &[
                ("cleanSource", "delete"),
                ("cleanSource.retentionDuration", "7 days"),
            ],
        ] {
            let errors = parse(arguments, SourceCall::StreamReadFiles).unwrap_err();
            assert_eq!(errors.len(), 1);
            assert!(errors[0].origin().is_some());
        }
    }
}
