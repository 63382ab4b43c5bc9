//! Makes a query fit the columns that its table declares: by name, with Spark's cast where the types differ, NULL or
//! DEFAULT where the query has no such column. NOT NULL is left to the table.

use arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::{Diagnostic, Origin, SparkType};
use sluice_sql::query::Expression;
use sluice_sql::statement::ColumnDefinition;

use crate::bind::{BoundQuery, OutputColumn, Typed, bind_expression, same};
use crate::error::diagnose;
use crate::rewrite::cast;
use crate::rewrite::unify::words;

/// A column of the table that a query fills.
#[derive(Debug, Clone)]
pub struct TargetColumn {
    /// Name, case kept.
    pub name: String,
    /// Type; `None` takes the query's.
    pub data_type: Option<SparkType>,
    /// `DEFAULT expr`: for rows whose query has no such column.
    pub default: Option<Expression>,
    /// `GENERATED ALWAYS AS (expr)`: computed from the other columns.
    pub generated: Option<Expression>,
    /// Where it was declared.
    pub origin: Origin,
}

impl From<&ColumnDefinition> for TargetColumn {
    fn from(column: &ColumnDefinition) -> Self {
        Self {
            name: column.name.value.clone(),
            data_type: column.data_type.clone(),
            default: column.default.clone(),
            generated: column.generated.clone(),
            origin: column.name.origin.clone(),
        }
    }
}

/// What happens to columns of the query that the table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraColumns {
    /// They are an error: the table declares its columns.
    Refuse,
    /// They are added to the table.
    Add,
}

/// A query that fits its table.
#[derive(Debug, Clone)]
pub struct Conformed {
    /// The query: the table's columns in the table's order, then the added ones.
    pub query: BoundQuery,
    /// Columns that the table does not have yet ([`ExtraColumns::Add`]).
    pub added: Vec<OutputColumn>,
    /// Casts that were added and columns that are filled with NULL, one note each.
    pub notes: Vec<Diagnostic>,
}

impl BoundQuery {
    /// Makes the query fit the columns of its table.
    ///
    /// # Errors
    /// A type that cannot be cast to the declared one; an extra column where none may be added; a name twice.
    pub fn conform_to(
        self,
        target: &[TargetColumn],
        extra: ExtraColumns,
    ) -> Result<Conformed, Vec<Diagnostic>> {
        let mut errors = self.check_table_columns();
        let mut notes = vec![];
        let mut columns: Vec<(String, Typed, Origin)> = vec![];
        let mut generated = vec![];
        for wanted in target {
            match self.filled(wanted, &mut notes) {
                Ok(Some(value)) => {
                    columns.push((wanted.name.clone(), value, wanted.origin.clone()));
                }
                Ok(None) => {
                    generated.push((columns.len(), wanted));
                    columns.push((wanted.name.clone(), Typed::null(), wanted.origin.clone()));
                }
                Err(more) => errors.extend(more),
            }
        }
        let mut added = vec![];
        for column in &self.columns {
            if target.iter().any(|wanted| same(&wanted.name, &column.name)) {
                continue;
            }
            if extra == ExtraColumns::Refuse {
                let message = format!(
                    "column `{}` is not among the columns that the table declares",
                    column.name
                );
                errors.push(
                    Diagnostic::error(&condition::EXTRA_COLUMN, message).at(&column.origin, ""),
                );
            }
            added.push(column.clone());
            columns.push((column.name.clone(), value_of(column), column.origin.clone()));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let query = self.projected(columns)?.generated(&generated)?;
        Ok(Conformed {
            query,
            added,
            notes,
        })
    }

    /// The value for a column of the table; `None` if it is computed from the others.
    fn filled(
        &self,
        wanted: &TargetColumn,
        notes: &mut Vec<Diagnostic>,
    ) -> Result<Option<Typed>, Vec<Diagnostic>> {
        let found = self
            .columns
            .iter()
            .find(|column| same(&wanted.name, &column.name));
        match (found, &wanted.generated, &wanted.default) {
            (Some(column), _, _) => self.fitted(column, wanted, notes).map(Some),
            (None, Some(_), _) => Ok(None),
            (None, None, Some(default)) => {
                let scope = crate::bind::Scope::default();
                let value = bind_expression(&self.session, default, &scope)?;
                self.as_type(value, wanted, &default.origin).map(Some)
            }
            (None, None, None) => {
                let data_type = wanted
                    .data_type
                    .as_ref()
                    .map_or(DataType::Null, SparkType::to_arrow);
                let message = format!(
                    "the query has no column `{}`: it is NULL in every row",
                    wanted.name
                );
                notes.push(
                    Diagnostic::note(&condition::INCOMPATIBLE_TABLE_COLUMN, message)
                        .at(&wanted.origin, ""),
                );
                Ok(Some(Typed::literal(
                    ScalarValue::try_from(&data_type).unwrap_or(ScalarValue::Null),
                )))
            }
        }
    }

    fn fitted(
        &self,
        column: &OutputColumn,
        wanted: &TargetColumn,
        notes: &mut Vec<Diagnostic>,
    ) -> Result<Typed, Vec<Diagnostic>> {
        let value = value_of(column);
        let Some(spark) = &wanted.data_type else {
            return Ok(value);
        };
        let target = spark.to_arrow();
        let own = crate::bind::canonical(&value.data_type);
        if own == target || SparkType::from_arrow(&own).as_ref() == Some(spark) {
            return Ok(value);
        }
        if !widening(&own, &target) {
            let message = format!(
                "column `{}` is {} in the query and {} in the table: it is cast",
                column.name,
                words(&own),
                words(&target)
            );
            let note = Diagnostic::note(&condition::INCOMPATIBLE_TABLE_COLUMN, message);
            notes.push(
                note.at(&column.origin, "")
                    .at(&wanted.origin, "declared here"),
            );
        }
        self.as_type(value, wanted, &column.origin)
    }

    fn as_type(
        &self,
        value: Typed,
        wanted: &TargetColumn,
        origin: &Origin,
    ) -> Result<Typed, Vec<Diagnostic>> {
        let Some(spark) = &wanted.data_type else {
            return Ok(value);
        };
        let target = spark.to_arrow();
        let found = words(&value.data_type);
        cast::explicit(&self.session, value, &target, origin).map_err(|_| {
            let message = format!(
                "column `{}` is {found}, which cannot be cast to {}",
                wanted.name,
                words(&target)
            );
            let diagnostic = Diagnostic::error(&condition::INCOMPATIBLE_TABLE_COLUMN, message);
            vec![
                diagnostic
                    .at(origin, "")
                    .at(&wanted.origin, "declared here"),
            ]
        })
    }

    fn projected(self, columns: Vec<(String, Typed, Origin)>) -> Result<Self, Vec<Diagnostic>> {
        let exprs: Vec<Expr> = columns
            .iter()
            .map(|(name, value, _)| value.expr.clone().alias(name))
            .collect();
        let plan = LogicalPlanBuilder::from(self.plan.clone())
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        let plan = plan.map_err(|e| vec![*diagnose(&e, Some(&self.origin))])?;
        let columns = columns
            .into_iter()
            .map(|(name, value, origin)| OutputColumn {
                field: name.clone(),
                event_time: None,
                name,
                data_type: value.data_type,
                origin,
                unnamed: false,
            });
        Ok(Self {
            plan,
            columns: columns.collect(),
            ..self
        })
    }

    /// Computes generated columns from the others.
    fn generated(self, generated: &[(usize, &TargetColumn)]) -> Result<Self, Vec<Diagnostic>> {
        if generated.is_empty() {
            return Ok(self);
        }
        let scope = self.output_scope();
        let mut columns: Vec<(String, Typed, Origin)> = self
            .columns
            .iter()
            .map(|column| (column.name.clone(), value_of(column), column.origin.clone()))
            .collect();
        for (index, wanted) in generated {
            if let Some(expression) = &wanted.generated {
                let value = bind_expression(&self.session, expression, &scope)?;
                columns[*index].1 = self.as_type(value, wanted, &expression.origin)?;
            }
        }
        self.projected(columns)
    }
}

fn value_of(column: &OutputColumn) -> Typed {
    Typed::new(
        Expr::Column(Column::new_unqualified(&column.field)),
        column.data_type.clone(),
    )
}

/// Whether Spark's INSERT would take the cast without a word: no value can change.
fn widening(from: &DataType, to: &DataType) -> bool {
    let rank = |t: &DataType| match t {
        DataType::Int8 => 1,
        DataType::Int16 => 2,
        DataType::Int32 => 3,
        DataType::Int64 => 4,
        _ => 0,
    };
    *from == DataType::Null
        || (rank(from) > 0 && rank(to) >= rank(from))
        || (*from == DataType::Float32 && *to == DataType::Float64)
}
