//! From what queries yield to what datasets hold: declared columns, merged columns, casts.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use sluice_model::condition::graph as condition;
use sluice_model::{Diagnostic, SparkField};
use sluice_sql::statement::ColumnDefinition;

use super::types::{names, same_name, same_type, words};
use super::{Columns, Resolving};
use crate::validate::alias;
use crate::{ColumnSource, Dataset, OutputColumn, ResolvedFlow};

impl Resolving<'_> {
    /// The columns of a dataset, and into each flow what it writes.
    pub(super) fn target_columns(
        &mut self,
        dataset: &Dataset,
        flows: &mut [(ResolvedFlow, Columns)],
    ) -> Columns {
        let columns = if !dataset.kind.is_table() && !dataset.columns.is_empty() {
            return self.renamed_view(dataset, flows);
        } else if dataset.columns.is_empty() {
            self.merged(dataset, flows)
        } else {
            self.declared(dataset, flows)
        };
        if let Columns::Known(schema) = &columns {
            for (flow, query) in flows {
                if let Columns::Known(yielded) = query {
                    flow.output = self.output(dataset, schema, flow, yielded);
                }
            }
        }
        columns
    }

    /// A view with a column list: the query's columns under other names, by position.
    fn renamed_view(
        &mut self,
        dataset: &Dataset,
        flows: &mut [(ResolvedFlow, Columns)],
    ) -> Columns {
        let Some((flow, columns)) = flows.first_mut() else {
            return Columns::Failed;
        };
        let Columns::Known(yielded) = columns else {
            return columns.clone();
        };
        if yielded.fields().len() != dataset.columns.len() {
            self.diagnostics.push(
                Diagnostic::error(
                    &condition::VIEW_COLUMN_ARITY_MISMATCH,
                    format!(
                        "view `{}` lists {} columns, its query yields {}",
                        dataset.written,
                        dataset.columns.len(),
                        yielded.fields().len()
                    ),
                )
                .at(&dataset.origin, "")
                .fact(format!("the query yields: {}", names(yielded))),
            );
            return Columns::Failed;
        }
        let pairs = dataset.columns.iter().zip(yielded.fields());
        let fields: Vec<Field> = pairs
            .map(|(column, field)| field.as_ref().clone().with_name(&column.name.value))
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        flow.output = Some(as_it_is(&schema));
        Columns::Known(schema)
    }

    /// No columns declared: those of the flows, by name, all nullable.
    fn merged(&mut self, dataset: &Dataset, flows: &[(ResolvedFlow, Columns)]) -> Columns {
        let mut merged: Vec<(Field, &ResolvedFlow)> = vec![];
        let mut is_unknown = flows.is_empty();
        let mut is_failed = flows.is_empty();
        let (first, rest): (Vec<_>, Vec<_>) =
            flows.iter().partition(|(flow, _)| flow.id.is_implicit());
        for (flow, columns) in first.into_iter().chain(rest) {
            let schema = match columns {
                Columns::Known(schema) => schema,
                Columns::Unknown => {
                    is_unknown = true;
                    continue;
                }
                Columns::Failed => {
                    is_failed = true;
                    continue;
                }
            };
            for field in schema.fields() {
                let field = field.as_ref().clone().with_nullable(true);
                let known = merged
                    .iter_mut()
                    .find(|(known, _)| same_name(known.name(), field.name()));
                match known {
                    None => merged.push((field, flow)),
                    Some((known, _)) if known.data_type() == &DataType::Null => *known = field,
                    Some((known, _))
                        if field.data_type() == &DataType::Null
                            || same_type(known.data_type(), field.data_type()) => {}
                    Some((known, other)) => {
                        self.diagnostics.push(
                            Diagnostic::error(
                                &condition::UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA,
                                format!("two flows of `{}` give column `{}` different types", dataset.written, field.name()),
                            )
                            .at(&alias::place_of(&flow.query, field.name(), 0), format!("{} here", words(field.data_type())))
                            .at(&alias::place_of(&other.query, known.name(), 0), format!("{} here", words(known.data_type())))
                            .help("cast one of the two, or declare the column with its type in the table"),
                        );
                        is_failed = true;
                    }
                }
            }
        }
        if is_failed {
            return Columns::Failed;
        }
        if is_unknown {
            return Columns::Unknown;
        }
        Columns::Known(Arc::new(Schema::new(
            merged
                .into_iter()
                .map(|(field, _)| field)
                .collect::<Vec<_>>(),
        )))
    }

    /// What a flow writes into a table with these columns.
    fn output(
        &mut self,
        dataset: &Dataset,
        schema: &SchemaRef,
        flow: &ResolvedFlow,
        yielded: &SchemaRef,
    ) -> Option<Vec<OutputColumn>> {
        let mut is_sound = self.check_unlisted(dataset, schema, flow, yielded);
        let mut output = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let declared = dataset
                .columns
                .iter()
                .find(|column| same_name(&column.name.value, field.name()));
            let source = match yielded
                .fields()
                .iter()
                .position(|given| same_name(given.name(), field.name()))
            {
                Some(index) => self.given(
                    dataset,
                    field,
                    flow,
                    (index, yielded.field(index)),
                    declared,
                ),
                None => self.not_given(dataset, field, flow, declared),
            };
            match source {
                Some(source) => output.push(OutputColumn {
                    name: field.name().clone(),
                    data_type: field.data_type().clone(),
                    nullable: field.is_nullable(),
                    source,
                }),
                None => is_sound = false,
            }
        }
        is_sound.then_some(output)
    }

    fn check_unlisted(
        &mut self,
        dataset: &Dataset,
        schema: &SchemaRef,
        flow: &ResolvedFlow,
        yielded: &SchemaRef,
    ) -> bool {
        let unlisted: Vec<&str> = yielded
            .fields()
            .iter()
            .map(|given| given.name().as_str())
            .filter(|name| {
                !schema
                    .fields()
                    .iter()
                    .any(|field| same_name(field.name(), name))
            })
            .collect();
        let Some(first) = unlisted.first() else {
            return true;
        };
        let listed = unlisted
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ");
        self.diagnostics.push(
            Diagnostic::error(
                &condition::DECLARED_SCHEMA_NOT_COMPATIBLE,
                format!(
                    "the query of `{}` yields {listed}, which `{}` does not declare",
                    flow.id, dataset.written
                ),
            )
            .at(
                &alias::place_of(&flow.query, first, 0),
                "not in the column list",
            )
            .at(&dataset.origin, "declared here")
            .help("add the column to the list, or leave it out of the query"),
        );
        false
    }

    /// The source of a column that the query yields.
    fn given(
        &mut self,
        dataset: &Dataset,
        field: &Field,
        flow: &ResolvedFlow,
        (index, given): (usize, &Field),
        declared: Option<&ColumnDefinition>,
    ) -> Option<ColumnSource> {
        let place = alias::place_of(&flow.query, field.name(), 0);
        if let Some(generated) = declared.and_then(|column| column.generated.as_ref()) {
            self.diagnostics.push(
                Diagnostic::error(
                    &condition::DECLARED_SCHEMA_NOT_COMPATIBLE,
                    format!(
                        "the query of `{}` yields `{}`, which is generated",
                        flow.id,
                        field.name()
                    ),
                )
                .at(&place, "leave it out of the query")
                .at(&generated.origin, "computed by this expression"),
            );
            return None;
        }
        if same_type(given.data_type(), field.data_type()) {
            return Some(ColumnSource::Query(index));
        }
        let (from, to) = (words(given.data_type()), words(field.data_type()));
        if !self.analyzer.can_cast(given.data_type(), field.data_type()) {
            let mut error = Diagnostic::error(
                &condition::DECLARED_SCHEMA_NOT_COMPATIBLE,
                format!(
                    "column `{}` of `{}` is declared {to}, the query yields {from}",
                    field.name(),
                    dataset.written
                ),
            )
            .at(&place, format!("{from} cannot be cast to {to}"));
            if let Some(column) = declared {
                error = error.at(&column.name.origin, "declared here");
            }
            self.diagnostics.push(error);
            return None;
        }
        self.diagnostics.push(
            Diagnostic::note(
                &condition::COLUMN_CAST_TO_DECLARED_TYPE,
                format!(
                    "column `{}` of `{}`: {from} from the query is cast to {to}",
                    field.name(),
                    dataset.written
                ),
            )
            .at(&place, "a value that does not fit fails the flow"),
        );
        Some(ColumnSource::Cast(index))
    }

    /// The source of a column that the query does not yield.
    fn not_given(
        &mut self,
        dataset: &Dataset,
        field: &Field,
        flow: &ResolvedFlow,
        declared: Option<&ColumnDefinition>,
    ) -> Option<ColumnSource> {
        if let Some(generated) = declared.and_then(|column| column.generated.as_ref()) {
            return Some(ColumnSource::Generated(Box::new(generated.clone())));
        }
        if let Some(default) = declared.and_then(|column| column.default.as_ref()) {
            return Some(ColumnSource::Default(Box::new(default.clone())));
        }
        if field.is_nullable() {
            return Some(ColumnSource::Null);
        }
        let mut error = Diagnostic::error(
            &condition::DECLARED_SCHEMA_NOT_COMPATIBLE,
            format!(
                "column `{}` of `{}` is NOT NULL, and the query of `{}` does not yield it",
                field.name(),
                dataset.written,
                flow.id
            ),
        )
        .at(
            &flow.query.origin,
            format!("no column `{}` here", field.name()),
        );
        if let Some(column) = declared {
            error = error.at(&column.name.origin, "declared here");
        }
        self.diagnostics
            .push(error.help("add the column to the query, or give it a DEFAULT"));
        None
    }

    /// Declared columns; types that were left out come from the first flow that yields the column.
    fn declared(&mut self, dataset: &Dataset, flows: &[(ResolvedFlow, Columns)]) -> Columns {
        let mut fields: Vec<Field> = Vec::with_capacity(dataset.columns.len());
        for column in &dataset.columns {
            let name = &column.name.value;
            if fields.iter().any(|field| same_name(field.name(), name)) {
                continue;
            }
            if let Some(data_type) = &column.data_type {
                let mut field = SparkField::new(name.clone(), data_type.clone());
                field.nullable = !column.not_null;
                fields.push(field.to_arrow());
                continue;
            }
            let yielded = flows.iter().find_map(|(_, columns)| match columns {
                Columns::Known(schema) => schema
                    .fields()
                    .iter()
                    .find(|field| same_name(field.name(), name))
                    .map(|field| field.as_ref().clone()),
                _ => None,
            });
            match yielded {
                Some(field) => fields.push(field.with_name(name).with_nullable(!column.not_null)),
                None => return self.untyped(dataset, column, flows),
            }
        }
        Columns::Known(Arc::new(Schema::new(fields)))
    }

    /// A declared column whose type no query tells.
    fn untyped(
        &mut self,
        dataset: &Dataset,
        column: &ColumnDefinition,
        flows: &[(ResolvedFlow, Columns)],
    ) -> Columns {
        let mut yielded: Vec<&str> = vec![];
        for (_, columns) in flows {
            match columns {
                Columns::Known(schema) => {
                    yielded.extend(schema.fields().iter().map(|field| field.name().as_str()));
                }
                Columns::Unknown => return Columns::Unknown,
                // Its error was told.
                Columns::Failed => return Columns::Failed,
            }
        }
        let name = &column.name.value;
        let message = format!(
            "column `{name}` of `{}` has no type, and no query yields a column of that name",
            dataset.written
        );
        let error = Diagnostic::error(&condition::DECLARED_SCHEMA_NOT_COMPATIBLE, message)
            .at(&column.name.origin, "");
        self.diagnostics.push(
            error
                .fact(format!("the query yields: {}", yielded.join(", ")))
                .help(format!(
                    "columns are matched by name: write `AS {name}` in the query"
                ))
                .help(format!(
                    "or give the column a type, and it is NULL: `{name} STRING`"
                )),
        );
        Columns::Failed
    }
}

fn as_it_is(schema: &SchemaRef) -> Vec<OutputColumn> {
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| OutputColumn {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            nullable: field.is_nullable(),
            source: ColumnSource::Query(index),
        });
    columns.collect()
}
