//! Rules of a column list that need nothing but the list.

use std::collections::BTreeMap;

use sluice_model::condition::graph as condition;
use sluice_model::condition::query::COLUMN_ALREADY_EXISTS;
use sluice_model::{DatasetKind, Diagnostic, Origin};
use sluice_sql::statement::ColumnDefinition;

/// Characters that Delta refuses in column names unless columns are mapped.
const REFUSED_CHARACTERS: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '='];

/// Whether a name can be a column of a Delta table.
pub(crate) fn is_storable(name: &str) -> bool {
    !name.is_empty() && !name.contains(REFUSED_CHARACTERS)
}

pub(super) fn check_columns(
    columns: &[ColumnDefinition],
    kind: DatasetKind,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<String, &Origin> = BTreeMap::new();
    for column in columns {
        let name = &column.name;
        if let Some(first) = seen.get(&name.value.to_lowercase()) {
            diagnostics.push(
                Diagnostic::error(
                    &COLUMN_ALREADY_EXISTS,
                    format!("column `{}` is declared twice", name.value),
                )
                .at(&name.origin, "declared again here")
                .at(first, "first declared here"),
            );
        } else {
            seen.insert(name.value.to_lowercase(), &name.origin);
        }
        if kind.is_table() && !is_storable(&name.value) {
            diagnostics.push(invalid_name(&name.value, &name.origin));
        }
        if kind == DatasetKind::MaterializedView {
            let clause = match (&column.default, &column.generated) {
                (Some(default), _) => Some(("DEFAULT", &default.origin)),
                (_, Some(generated)) => Some(("GENERATED ALWAYS AS", &generated.origin)),
                (None, None) => None,
            };
            if let Some((clause, origin)) = clause {
                diagnostics.push(
                    Diagnostic::error(
                        &condition::MATERIALIZED_VIEW_COLUMN_CLAUSE,
                        format!(
                            "column `{}` of a materialized view has `{clause}`",
                            name.value
                        ),
                    )
                    .at(origin, "the query of a materialized view gives every value")
                    .help("compute the value in the query"),
                );
            }
        }
    }
}

pub(crate) fn invalid_name(name: &str, origin: &Origin) -> Diagnostic {
    if name.is_empty() {
        let message = "a column has an empty name, which Delta tables do not take";
        return Diagnostic::error(&condition::INVALID_COLUMN_NAME, message)
            .at(origin, "")
            .help("list the columns of the query instead of `*`, and leave this one out");
    }
    Diagnostic::error(
        &condition::INVALID_COLUMN_NAME,
        format!("column name `{name}` holds a character that Delta tables do not take"),
    )
    .at(origin, "no spaces, and none of `,;{}()=`")
    .help(format!(
        "name it `{}`",
        name.trim().replace(REFUSED_CHARACTERS, "_")
    ))
}
