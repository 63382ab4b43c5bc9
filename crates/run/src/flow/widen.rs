//! New columns of files: stored for the next pass, if the pipeline can take them. What it cannot take stops the flow that
//! met it and nothing else. Must not read files.

use sluice_graph::ResolvedFlow;
use sluice_model::{Diagnostic, Origin, SparkField};
use sluice_source::{NewColumns, SourceError, SourceSchema, StoredSchema};

use crate::error::{Result, internal};
use crate::inputs::files::FileInput;
use crate::inputs::stream::StreamSource;
use crate::progress::Progress;
use crate::update::Update;

/// Stores wider columns for the sources that are read by the call whose files hold new ones: a query may read one
/// folder by two calls, and one call by way of two names.
pub(crate) async fn store(
    update: &Update,
    flow: &ResolvedFlow,
    progress: &Progress,
    sources: &[StreamSource],
    (new, call): (NewColumns, &Origin),
) -> Result<()> {
    let Some(wider) = new.wider.clone() else {
        return Err(SourceError::NewColumns(Box::new(new))
            .to_diagnostic()
            .at(&flow.origin, "")
            .into());
    };
    let mut stored = false;
    for source in sources {
        // Columns that were known before cannot have been new: another round would not end.
        if let Some(input) = source.file_input()
            && input.origin == *call
            && input.schema.to_stored() != wider
        {
            check(update, flow, input, (&wider, &new))?;
            progress.store_schema(&source.key, &wider).await?;
            stored = true;
        }
    }
    if stored {
        return Ok(());
    }
    Err(internal("new columns of files that no stream of the flow reads").into())
}

/// Fails where the graph does not hold with the wider columns of a call.
fn check(
    update: &Update,
    flow: &ResolvedFlow,
    input: &FileInput,
    (wider, new): (&StoredSchema, &NewColumns),
) -> Result<()> {
    let widened = FileInput {
        schema: SourceSchema::from_stored(wider, input.source.options()),
        ..input.clone()
    };
    let columns = widened.columns(true);
    let prepared = &update.prepared;
    let errors = prepared.errors_with(&update.engine, &input.origin, &columns)?;
    if errors.is_empty() {
        return Ok(());
    }
    let file = input.source.path().shown(&new.path);
    let told = errors
        .into_iter()
        .map(|error| refused(error, flow, &file, new));
    Err(told.collect::<Vec<_>>().into())
}

/// The error of the graph with what brought it. Its own helps are for who writes a column, not for who gets a file.
fn refused(error: Diagnostic, flow: &ResolvedFlow, file: &str, new: &NewColumns) -> Diagnostic {
    let mut told = error.at_least_at(&flow.origin);
    told.helps.clear();
    let named = |field: &&SparkField| told.message.contains(&format!("`{}`", field.name));
    let renamed = new.columns.iter().find(named).and_then(other_name);
    let told = told
        .fact(format!(
            "file `{file}` brings new columns: {}",
            new.names().join(", ")
        ))
        .fact(format!(
            "they were not stored, and nothing of this micro-batch of flow `{}` was written",
            flow.id.name
        ))
        .help("keep them in the rescued data column: write `schemaEvolutionMode => 'rescue'`");
    match renamed {
        Some(help) => told.help(help),
        None => told,
    }
}

/// How to take a column under another name; `None` where its name cannot be written.
fn other_name(field: &SparkField) -> Option<String> {
    let name = &field.name;
    if name.is_empty() || name.contains(['`', '\'']) {
        return None;
    }
    let letters = |letter: char| match letter {
        letter if letter.is_alphanumeric() => letter,
        _ => '_',
    };
    let mut other: String = name.chars().map(letters).collect();
    if other == *name {
        other.push_str("_of_file");
    }
    Some(format!(
        "or take it under another name: `schemaHints => '`{name}` {}'` in the call, and `SELECT * EXCEPT (`{name}`), `{name}` AS {other}`",
        field.data_type
    ))
}

#[cfg(test)]
mod tests {
    use sluice_model::SparkType;

    use super::*;

    #[test]
    fn a_name_that_cannot_be_written_is_not_proposed() {
        let help = |name: &str| other_name(&SparkField::new(name, SparkType::Long));
        let proposed = help("unit price").unwrap();
        assert!(
            proposed.contains("`schemaHints => '`unit price` bigint'`"),
            "{proposed}"
        );
        assert!(
            proposed.contains("`SELECT * EXCEPT (`unit price`), `unit price` AS unit_price`"),
            "{proposed}"
        );
        assert!(help("fn").unwrap().contains("`fn` AS fn_of_file"));
        for name in ["", "a`b", "it's"] {
            assert_eq!(help(name), None, "{name}");
        }
    }
}
