//! Checks of clauses that name columns of a dataset: expectations, defaults, generated columns, partitions.

use std::sync::Arc;

use arrow_schema::{DataType, Schema, SchemaRef};
use sluice_model::condition::graph as condition;
use sluice_model::condition::query::COLUMN_ALREADY_EXISTS;
use sluice_model::{Diagnostic, Namespace};
use sluice_sql::parse_scalar;
use sluice_sql::statement::Located;

use super::Resolving;
use super::types::{names, same_name, same_type, words};
use crate::{Dataset, ExpressionPurpose, ExpressionRequest};

impl Resolving<'_> {
    /// Checks the clauses of a dataset against its columns.
    pub(super) fn check_against(&mut self, dataset: &Dataset, schema: &SchemaRef) {
        for clause in &dataset.expectations {
            let request = ExpressionRequest {
                expression: &clause.predicate,
                schema,
                purpose: ExpressionPurpose::Expectation,
                settings: &self.graph.configuration,
            };
            match self.analyzer.check_expression(&request) {
                Ok(DataType::Boolean) => {}
                Ok(other) => self.diagnostics.push(
                    Diagnostic::error(
                        &condition::EXPECTATION_NOT_BOOLEAN,
                        format!(
                            "expectation `{}` of `{}` is {}, not BOOLEAN",
                            clause.expectation.name,
                            dataset.written,
                            words(&other)
                        ),
                    )
                    .at(&clause.predicate.origin, "")
                    .help("compare it with something: `EXPECT (column IS NOT NULL)`"),
                ),
                Err(errors) => self.diagnostics.extend(errors),
            }
        }
        self.check_constraints(dataset, schema);
        self.check_column_expressions(dataset, schema);
        self.check_layout(dataset, schema);
    }

    /// Checks what stands in `delta.constraints.…`: wrong there, it would fail each batch.
    fn check_constraints(&mut self, dataset: &Dataset, schema: &SchemaRef) {
        for (key, value) in &dataset.properties {
            if !key.to_lowercase().starts_with("delta.constraints.") {
                continue;
            }
            let file: Arc<str> = "constraint".into();
            let parsed = parse_scalar(&file, &value.value, vec![], &Namespace::default());
            let typed = parsed.and_then(|expression| {
                self.analyzer.check_expression(&ExpressionRequest {
                    expression: &expression,
                    schema,
                    purpose: ExpressionPurpose::Constraint,
                    settings: &self.graph.configuration,
                })
            });
            let wrong = |why: &str| {
                let message = format!("table property `{key}` = `{}` {why}", value.value);
                Diagnostic::error(&condition::INVALID_TABLE_PROPERTY, message).at(&value.origin, "")
            };
            match typed {
                Ok(DataType::Boolean) => {}
                Ok(other) => {
                    let why = format!("is {}, not BOOLEAN", words(&other));
                    self.diagnostics.push(wrong(&why));
                }
                // Their places are those within the text of the property.
                Err(errors) => self.diagnostics.extend(errors.into_iter().map(|error| {
                    let refused = wrong("cannot be checked");
                    let told = refused.fact(format!("{}: {}", error.condition.name, error.message));
                    error.helps.into_iter().fold(told, Diagnostic::help)
                })),
            }
        }
    }

    fn check_column_expressions(&mut self, dataset: &Dataset, schema: &SchemaRef) {
        let none: SchemaRef = Arc::new(Schema::empty());
        for column in &dataset.columns {
            let Ok(field) = schema.field_with_name(&column.name.value) else {
                continue;
            };
            for (expression, purpose, scope, clause) in [
                (
                    &column.default,
                    ExpressionPurpose::Default,
                    &none,
                    "DEFAULT",
                ),
                (
                    &column.generated,
                    ExpressionPurpose::Generated,
                    schema,
                    "GENERATED ALWAYS AS",
                ),
            ] {
                let Some(expression) = expression else {
                    continue;
                };
                let request = ExpressionRequest {
                    expression,
                    schema: scope,
                    purpose,
                    settings: &self.graph.configuration,
                };
                match self.analyzer.check_expression(&request) {
                    Ok(found) if same_type(&found, field.data_type()) => {}
                    Ok(found) if self.analyzer.can_cast(&found, field.data_type()) => {}
                    Ok(found) => self.diagnostics.push(
                        Diagnostic::error(
                            &condition::INVALID_COLUMN_DEFAULT,
                            format!(
                                "{clause} of column `{}` is {}, the column is {}",
                                column.name.value,
                                words(&found),
                                words(field.data_type())
                            ),
                        )
                        .at(&expression.origin, ""),
                    ),
                    Err(errors) => self.diagnostics.extend(errors),
                }
            }
        }
    }

    fn check_named_once(&mut self, dataset: &Dataset, columns: &[Located<String>], clause: &str) {
        for (index, column) in columns.iter().enumerate() {
            let mut before = columns[..index].iter();
            if before.any(|other| same_name(&other.value, &column.value)) {
                let message = format!(
                    "{clause} of `{}` names `{}` twice",
                    dataset.written, column.value
                );
                let error = Diagnostic::error(&COLUMN_ALREADY_EXISTS, message);
                self.diagnostics.push(error.at(&column.origin, ""));
            }
        }
    }

    fn check_layout(&mut self, dataset: &Dataset, schema: &SchemaRef) {
        let named = |wanted: &str| {
            schema
                .fields()
                .iter()
                .find(|field| same_name(field.name(), wanted))
        };
        for (columns, clause) in [
            (&dataset.partitioned_by, "PARTITIONED BY"),
            (&dataset.cluster_by, "CLUSTER BY"),
        ] {
            self.check_named_once(dataset, columns, clause);
            for column in columns {
                match named(&column.value) {
                    None => self.diagnostics.push(
                        Diagnostic::error(
                            &condition::PARTITION_COLUMN_NOT_FOUND,
                            format!(
                                "{clause} of `{}` names `{}`, which is no column of it",
                                dataset.written, column.value
                            ),
                        )
                        .at(&column.origin, "")
                        .fact(format!("columns: {}", names(schema))),
                    ),
                    Some(field) if clause == "PARTITIONED BY" && field.data_type().is_nested() => {
                        self.diagnostics.push(
                            Diagnostic::error(
                                &condition::INVALID_PARTITION_COLUMN_DATA_TYPE,
                                format!(
                                    "`{}` is {} and cannot partition a table",
                                    column.value,
                                    words(field.data_type())
                                ),
                            )
                            .at(&column.origin, ""),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        let is_partition = |name: &str| {
            let mut named = dataset.partitioned_by.iter();
            named.any(|column| same_name(&column.value, name))
        };
        let fields = schema.fields().iter();
        let partitions = fields.filter(|field| is_partition(field.name())).count();
        if let Some(first) = dataset.partitioned_by.first()
            && partitions >= schema.fields().len()
        {
            self.diagnostics.push(
                Diagnostic::error(
                    &condition::ALL_PARTITION_COLUMNS_NOT_ALLOWED,
                    format!(
                        "every column of `{}` is a partition column",
                        dataset.written
                    ),
                )
                .at(&first.origin, "")
                .help("partition by fewer columns"),
            );
        }
    }
}
