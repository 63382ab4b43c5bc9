//! FROM: relations, derived tables, scans. Must not read data; `join` joins.

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::suggest::{closest, did_you_mean};
use sluice_model::{Origin, SparkType};
use sluice_sql::query::ReadMode;
use sqlparser::ast;

use super::Binder;
use super::join::Dependent;
use super::lateral::generator_in_from;
use super::pivot::{Pivot, Unpivot};
use super::query::{Bound, BoundColumn, one_row};
use super::scope::{Scope, same};
use crate::error::{Result, at, unsupported};
use crate::rewrite::interval::holds_interval;

/// Key of the Arrow metadata that marks a field of a provider as hidden: `*` leaves it out, its name finds it.
pub const HIDDEN: &str = "sluice.hidden";

/// What FROM gives: a plan and the names that reach its columns.
#[derive(Debug, Clone)]
pub(crate) struct From {
    pub(crate) plan: LogicalPlan,
    pub(crate) scope: Scope,
    pub(crate) streaming: bool,
}

/// Table functions of FROM; the parser has taken calls of them for relations.
const READERS: &[&str] = &["read_files", "event_log", "range", "cloud_files"];

/// Refuses a call in FROM that reads nothing.
fn no_reader(name: &str, origin: &Origin) -> Result<From> {
    let name = name.to_lowercase();
    let diagnostic = at(
        &sluice_model::condition::graph::UNRESOLVABLE_TABLE_VALUED_FUNCTION,
        origin,
        format!("there is no table function `{name}`"),
    );
    Err(match closest(&name, READERS.iter().copied()) {
        Some(near) => Box::new(diagnostic.help(did_you_mean(near))),
        None => diagnostic,
    })
}

impl Binder<'_> {
    /// Binds the FROM clause; without one there is a single row.
    pub(crate) fn from(&mut self, tables: &[ast::TableWithJoins]) -> Result<From> {
        let mut from: Option<From> = None;
        for table in tables {
            from = Some(match from {
                None => {
                    let first = self.factor(&table.relation)?;
                    self.joins(first, &table.joins)?
                }
                Some(left) => {
                    let origin = self.origin(&table.relation);
                    match self.dependent(&left, &table.relation, None, &origin)? {
                        Dependent::Joined(from) => self.joins(from, &table.joins)?,
                        Dependent::Right(right) => {
                            let right = self.joins(right, &table.joins)?;
                            self.cross(left, right)?
                        }
                    }
                }
            });
        }
        Ok(from.unwrap_or_else(|| From {
            plan: one_row(),
            scope: Scope::default(),
            streaming: false,
        }))
    }

    fn joined(&mut self, table: &ast::TableWithJoins) -> Result<From> {
        let left = self.factor(&table.relation)?;
        self.joins(left, &table.joins)
    }

    fn cross(&mut self, left: From, right: From) -> Result<From> {
        let origin = self.query.origin.clone();
        self.refuse_stream_join(&left, &right, JoinType::Inner, &origin)?;
        let plan = LogicalPlanBuilder::from(left.plan)
            .cross_join(right.plan)
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, &origin)?;
        Ok(From {
            plan,
            scope: left.scope.join(right.scope),
            streaming: left.streaming || right.streaming,
        })
    }

    pub(crate) fn factor(&mut self, factor: &ast::TableFactor) -> Result<From> {
        let origin = self.origin(factor);
        match factor {
            ast::TableFactor::Table {
                name,
                alias,
                args: None,
                version: None,
                sample: None,
                ..
            } => {
                let [part] = name.0.as_slice() else {
                    return unsupported(&origin, format!("the relation `{name}` at this place"));
                };
                let name = part
                    .as_ident()
                    .map(|ident| ident.value.clone())
                    .unwrap_or_default();
                self.table(&name, alias.as_ref(), &origin)
            }
            ast::TableFactor::Derived {
                lateral: false,
                subquery,
                alias,
                sample: None,
            } => self.derived(subquery, alias.as_ref(), &origin),
            ast::TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => self.joined(table_with_joins),
            ast::TableFactor::Table {
                version: Some(_), ..
            } => unsupported(&origin, "time travel at this place"),
            ast::TableFactor::Table {
                sample: Some(_), ..
            }
            | ast::TableFactor::Derived {
                sample: Some(_), ..
            } => unsupported(&origin, "TABLESAMPLE"),
            ast::TableFactor::Derived {
                lateral: true,
                subquery,
                alias,
                ..
            } => self.lateral_query(&Scope::default(), subquery, alias.as_ref(), &origin),
            ast::TableFactor::Pivot { .. } | ast::TableFactor::Unpivot { .. } => {
                self.reshape(factor, &origin)
            }
            generator if generator_in_from(generator).is_some() => {
                match generator_in_from(generator) {
                    Some(generator) => self.generated(&generator),
                    None => unsupported(&origin, "this kind of relation"),
                }
            }
            ast::TableFactor::Table {
                name,
                args: Some(args),
                alias,
                ..
            } if same(&name.to_string(), "range") => {
                self.range(&args.args, alias.as_ref(), &origin)
            }
            ast::TableFactor::Table {
                name,
                args: Some(_),
                ..
            }
            | ast::TableFactor::Function { name, .. } => no_reader(&name.to_string(), &origin),
            _ => unsupported(&origin, "this kind of relation"),
        }
    }

    /// A relation under PIVOT or UNPIVOT.
    fn reshape(&mut self, factor: &ast::TableFactor, origin: &Origin) -> Result<From> {
        match factor {
            ast::TableFactor::Pivot {
                table,
                aggregate_functions,
                value_column,
                value_source,
                default_on_null: None,
                alias,
            } => {
                let from = self.factor(table)?;
                let pivot = Pivot {
                    aggregates: aggregate_functions,
                    columns: value_column,
                    values: value_source,
                    alias: alias.as_ref(),
                };
                self.pivot(from, &pivot, origin)
            }
            ast::TableFactor::Unpivot {
                table,
                value,
                null_inclusion,
                name,
                columns,
                alias,
            } => {
                let from = self.factor(table)?;
                let unpivot = Unpivot {
                    value,
                    name,
                    columns,
                    keep_nulls: matches!(null_inclusion, Some(ast::NullInclusion::IncludeNulls)),
                    alias: alias.as_ref(),
                };
                self.unpivot(from, &unpivot, origin)
            }
            _ => unsupported(origin, "this kind of relation"),
        }
    }

    fn derived(
        &mut self,
        subquery: &ast::Query,
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<From> {
        let top_level = std::mem::replace(&mut self.top_level, false);
        let bound = self.query(subquery);
        self.top_level = top_level;
        let mut bound = bound?;
        if let Some(alias) = alias {
            self.rename(&mut bound, alias)?;
        }
        let shown = alias.map(|alias| alias.name.value.clone());
        self.aliased(bound, shown.as_deref(), origin)
    }

    fn table(
        &mut self,
        name: &str,
        alias: Option<&ast::TableAlias>,
        origin: &Origin,
    ) -> Result<From> {
        let shown = alias
            .map_or(name, |alias| alias.name.value.as_str())
            .to_string();
        let mut bound = match name
            .strip_prefix("__relation_")
            .and_then(|number| number.parse::<usize>().ok())
        {
            Some(index) => self.scan(index, origin)?,
            None => match self.common_table(name, origin)? {
                Some(bound) => bound,
                None => {
                    let message = format!("there is no relation `{name}`");
                    return Err(at(
                        &sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND,
                        origin,
                        message,
                    ));
                }
            },
        };
        if let Some(alias) = alias {
            self.rename(&mut bound, alias)?;
        }
        self.aliased(bound, Some(&shown), origin)
    }

    /// Puts a query or table under an alias that no other part of the plan has.
    pub(crate) fn aliased(
        &mut self,
        bound: Bound,
        shown: Option<&str>,
        origin: &Origin,
    ) -> Result<From> {
        let stem = shown.unwrap_or("__subquery");
        let internal = self.fresh(stem);
        let scope = bound.scope(stem, &internal);
        self.carry_event_time(&bound.columns, &internal);
        let plan = LogicalPlanBuilder::from(bound.plan)
            .alias(TableReference::bare(internal))
            .and_then(LogicalPlanBuilder::build);
        Ok(From {
            plan: self.planned(plan, origin)?,
            scope,
            streaming: bound.streaming,
        })
    }

    /// The scan of a relation, its columns in the types that the engine works with.
    fn scan(&mut self, index: usize, origin: &Origin) -> Result<Bound> {
        let (Some(relation), Some(input)) =
            (self.query.relations.get(index), self.inputs.get(index))
        else {
            let message = format!("relation {index} of the query was not given");
            return Err(at(&condition::QUERY_EXECUTION_FAILED, origin, message));
        };
        let streaming = relation.mode == ReadMode::Stream;
        let place = relation.origin.clone();
        let watermark = relation.watermark.as_ref();
        let schema = input.schema();
        let mut types = schema.fields().iter().map(|field| field.data_type());
        self.short_intervals |= types.any(holds_interval);
        let bound = self.scanned(&std::sync::Arc::clone(input), streaming, &place)?;
        match watermark {
            Some(clause) => self.watermarked(bound, clause),
            None => Ok(bound),
        }
    }

    fn scanned(
        &mut self,
        input: &std::sync::Arc<dyn TableProvider>,
        streaming: bool,
        origin: &Origin,
    ) -> Result<Bound> {
        let schema = input.schema();
        let name = TableReference::bare("__scan");
        let mut builder = self.planned(
            LogicalPlanBuilder::scan(name, provider_as_source(std::sync::Arc::clone(input)), None),
            origin,
        )?;
        let mut columns = vec![];
        let mut exprs = vec![];
        let mut plain = true;
        let fields: Vec<Column> = builder.schema().columns();
        for (field, column) in schema.fields().iter().zip(fields) {
            let Some(spark) = SparkType::from_arrow(field.data_type()) else {
                let message = format!(
                    "column `{}` has the type {}, which Spark does not have",
                    field.name(),
                    field.data_type()
                );
                return Err(at(&condition::UNSUPPORTED_FEATURE, origin, message));
            };
            let data_type = spark.to_arrow();
            let expr = Expr::Column(column);
            plain &= data_type == *field.data_type();
            exprs.push(if data_type == *field.data_type() {
                expr
            } else {
                datafusion::logical_expr::cast(expr, data_type.clone()).alias(field.name())
            });
            columns.push(BoundColumn {
                name: field.name().clone(),
                field: field.name().clone(),
                data_type,
                origin: origin.clone(),
                unnamed: false,
                unstarred: field.metadata().contains_key(HIDDEN),
                event_time: super::mark_of(field),
            });
        }
        if !plain {
            builder = self.planned(builder.project(exprs), origin)?;
        }
        Ok(Bound {
            plan: self.planned(builder.build(), origin)?,
            columns,
            streaming,
        })
    }
}
