//! From named arguments to [`ReadFilesOptions`]: every known name, its value checked; every other name refused.

use sluice_model::condition::source as condition;
use sluice_model::suggest::{closest, did_you_mean};
use sluice_model::{Diagnostic, Origin};

use super::groups::{Applied, NAMES, Pending, Refusal, apply};
use super::{CleanSource, EvolutionMode, ReadFilesOptions, SourceCall, value};

/// Databricks deletes source files after more than this.
const DELETE_RETENTION_US_MIN: i64 = 7 * 86_400_000_000;

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
    // "Because the schema is not provided, the CSV files are assumed to have headers" (Databricks, `read_files`).
    if options.schema.is_none() && options.origins.of("header").is_none() {
        options.format_options.header = true;
    }
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
    if key == "startingversion" || key == "startingtimestamp" {
        return error.help(format!(
            "files have no versions: start a stream of a table so, `FROM STREAM t WITH ({name} = …)`, and leave out older files with `modifiedAfter => '2026-01-01T00:00:00Z'`"
        ));
    }
    match closest(name, NAMES.iter().copied()) {
        Some(known) => error.help(did_you_mean(known)),
        None => error,
    }
}

/// Hints would be ignored where nothing is inferred.
fn hints_beside_schema(options: &ReadFilesOptions) -> Option<Diagnostic> {
    options.schema.as_ref()?;
    let origin = options.origins.of("schemaHints")?;
    let message = "`schemaHints` correct types that are inferred, and `schema` infers none";
    let error = Diagnostic::error(&condition::READ_FILES_INVALID_OPTION, message);
    let help = "write the types into `schema`, or leave `schema` out";
    Some(error.at(origin, "").help(help))
}

/// What depends on several options at once: evolution mode, rescued column, clean-up.
fn settle(options: &mut ReadFilesOptions, pending: Pending, errors: &mut Vec<Diagnostic>) {
    let declared = options.schema.is_some();
    options.evolution = pending.evolution.unwrap_or(if declared {
        EvolutionMode::None
    } else {
        EvolutionMode::AddNewColumns
    });
    if declared && options.evolution == EvolutionMode::AddNewColumns {
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
    errors.extend(hints_beside_schema(options));
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
