//! FROM: relations, joins, derived tables, LATERAL VIEW. Must not read data.

use datafusion::catalog::TableProvider;
use datafusion::common::{Column, JoinType, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use sluice_model::condition::query as condition;
use sluice_model::{Origin, SparkType};
use sluice_sql::query::ReadMode;
use sqlparser::ast;

use super::Binder;
use super::column::Environment;
use super::query::{Bound, BoundColumn, one_row};
use super::scope::{Found, Scope, ScopeColumn};
use crate::error::{Result, at, unsupported};
use crate::rewrite::compare;

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

/// Generators, which stand in the select list or in LATERAL VIEW.
const GENERATORS: &[&str] = &[
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "json_tuple",
];

/// Refuses a call in FROM that reads nothing.
fn no_reader(name: &str, origin: &Origin) -> Result<From> {
    let name = name.to_lowercase();
    if GENERATORS.contains(&name.as_str()) {
        let refused = unsupported(origin, format!("`{name}` in FROM"));
        let help = format!("write it in the select list, or as LATERAL VIEW {name}(…)");
        return refused.map_err(|diagnostic| Box::new(diagnostic.help(help)));
    }
    let diagnostic = at(
        &sluice_model::condition::graph::UNRESOLVABLE_TABLE_VALUED_FUNCTION,
        origin,
        format!("there is no table function `{name}`"),
    );
    let near = READERS
        .iter()
        .find(|known| strsim::jaro_winkler(known, &name) >= 0.85);
    Err(match near {
        Some(near) => Box::new(diagnostic.help(format!("did you mean `{near}`?"))),
        None => diagnostic,
    })
}

impl Binder<'_> {
    /// Binds the FROM clause; without one there is a single row.
    pub(crate) fn from(&mut self, tables: &[ast::TableWithJoins]) -> Result<From> {
        let mut from: Option<From> = None;
        for table in tables {
            let right = self.joined(table)?;
            from = Some(match from {
                None => right,
                Some(left) => self.cross(left, right)?,
            });
        }
        Ok(from.unwrap_or_else(|| From {
            plan: one_row(),
            scope: Scope::default(),
            streaming: false,
        }))
    }

    fn joined(&mut self, table: &ast::TableWithJoins) -> Result<From> {
        let mut left = self.factor(&table.relation)?;
        for join in &table.joins {
            let right = self.factor(&join.relation)?;
            left = self.join(left, right, join)?;
        }
        Ok(left)
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

    fn factor(&mut self, factor: &ast::TableFactor) -> Result<From> {
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
            ast::TableFactor::Derived { lateral: true, .. } => {
                unsupported(&origin, "a LATERAL subquery")
            }
            ast::TableFactor::Pivot { .. } | ast::TableFactor::Unpivot { .. } => {
                unsupported(&origin, "PIVOT")
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
            None => match self
                .ctes
                .iter()
                .rev()
                .find_map(|frame| frame.get(&name.to_lowercase()))
            {
                Some(bound) => bound.clone(),
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
        self.scanned(&std::sync::Arc::clone(input), streaming, &place)
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

    fn join(&mut self, left: From, right: From, join: &ast::Join) -> Result<From> {
        let origin = self.origin(&join.relation);
        let (join_type, constraint) = match &join.join_operator {
            ast::JoinOperator::Join(c)
            | ast::JoinOperator::Inner(c)
            | ast::JoinOperator::CrossJoin(c) => (JoinType::Inner, c),
            ast::JoinOperator::Left(c) | ast::JoinOperator::LeftOuter(c) => (JoinType::Left, c),
            ast::JoinOperator::Right(c) | ast::JoinOperator::RightOuter(c) => (JoinType::Right, c),
            ast::JoinOperator::FullOuter(c) => (JoinType::Full, c),
            ast::JoinOperator::Semi(c) | ast::JoinOperator::LeftSemi(c) => (JoinType::LeftSemi, c),
            ast::JoinOperator::Anti(c) | ast::JoinOperator::LeftAnti(c) => (JoinType::LeftAnti, c),
            _ => return unsupported(&origin, "this kind of join"),
        };
        self.refuse_stream_join(&left, &right, join_type, &origin)?;
        let streaming = left.streaming || right.streaming;
        let one_sided = matches!(join_type, JoinType::LeftSemi | JoinType::LeftAnti);
        let (filters, scope, visible) = match constraint {
            ast::JoinConstraint::None => {
                (vec![], left.scope.clone().join(right.scope.clone()), None)
            }
            ast::JoinConstraint::On(on) => {
                let scope = left.scope.clone().join(right.scope.clone());
                let filter = self.condition(on, &Environment::over(&scope).named("ON"))?;
                (vec![filter], scope, None)
            }
            ast::JoinConstraint::Using(names) => {
                let names = names
                    .iter()
                    .map(ToString::to_string)
                    .map(|n| n.trim_matches('`').to_string())
                    .collect();
                let (filters, scope, visible) =
                    self.using(&left.scope, &right.scope, names, join_type, &origin)?;
                (filters, scope, Some(visible))
            }
            ast::JoinConstraint::Natural => {
                let shared = left
                    .scope
                    .columns
                    .iter()
                    .filter(|c| matches!(right.scope.find(None, &c.name), Found::One(_)));
                let names = shared.map(|c| c.name.clone()).collect();
                let (filters, scope, visible) =
                    self.using(&left.scope, &right.scope, names, join_type, &origin)?;
                (filters, scope, Some(visible))
            }
        };
        let builder = LogicalPlanBuilder::from(left.plan);
        let plan = if filters.is_empty() && join_type == JoinType::Inner {
            builder.cross_join(right.plan)
        } else {
            builder.join_on(right.plan, join_type, filters)
        };
        let mut builder = self.planned(plan, &origin)?;
        if let Some(exprs) = visible.flatten() {
            builder = self.planned(builder.project(exprs), &origin)?;
        }
        let plan = self.planned(builder.build(), &origin)?;
        let scope = if one_sided { left.scope } else { scope };
        Ok(From {
            plan,
            scope,
            streaming,
        })
    }

    /// `USING (a, b)`: the filters, the scope in which each shared column appears once, and for FULL joins the
    /// projection that merges the sides.
    fn using(
        &mut self,
        left: &Scope,
        right: &Scope,
        names: Vec<String>,
        join_type: JoinType,
        origin: &Origin,
    ) -> Result<(Vec<Expr>, Scope, Option<Vec<Expr>>)> {
        let mut filters = vec![];
        let mut merged = vec![];
        let mut rest = left.clone().join(right.clone());
        let mut exprs: Vec<Expr> = rest
            .columns
            .iter()
            .map(|c| Expr::Column(c.column.clone()))
            .collect();
        for name in names {
            let (l, r) = (
                self.side(left, &name, origin)?,
                self.side(right, &name, origin)?,
            );
            filters.push(
                compare::compare(
                    self.session,
                    datafusion::logical_expr::Operator::Eq,
                    l.typed(),
                    r.typed(),
                    origin,
                )?
                .expr,
            );
            for column in &mut rest.columns {
                column.hidden |= column.column == l.column || column.column == r.column;
            }
            let keep = if join_type == JoinType::Right { &r } else { &l };
            let mut column =
                ScopeColumn::new(None, &l.name, keep.column.clone(), keep.data_type.clone());
            if join_type == JoinType::Full {
                let field = self.fresh("__using");
                let value = self.coalesce(vec![l.typed(), r.typed()], origin)?;
                column.column = Column::new_unqualified(&field);
                column.data_type = value.data_type;
                exprs.push(value.expr.alias(field));
            }
            merged.push(column);
        }
        let projection = (join_type == JoinType::Full).then_some(exprs);
        let scope = Scope { columns: merged }.join(rest);
        Ok((filters, scope, projection))
    }

    fn side(&self, scope: &Scope, name: &str, origin: &Origin) -> Result<ScopeColumn> {
        match scope.find(None, name) {
            Found::One(column) => Ok(column.clone()),
            Found::Many(_) => Err(at(
                &condition::AMBIGUOUS_REFERENCE,
                origin,
                format!("column `{name}` of USING occurs more than once on one side"),
            )),
            Found::None => Err(at(
                &condition::UNRESOLVED_USING_COLUMN_FOR_JOIN,
                origin,
                format!("column `{name}` of USING is missing on one side of the join"),
            )),
        }
    }

    /// Joins with streams: a static side is fine where no row of the stream can be missing for its sake.
    fn refuse_stream_join(
        &self,
        left: &From,
        right: &From,
        join_type: JoinType,
        origin: &Origin,
    ) -> Result<()> {
        let refused = match (left.streaming, right.streaming) {
            (false, false) => return Ok(()),
            (true, true) => "a join of two streams",
            (true, false)
                if matches!(
                    join_type,
                    JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
                ) =>
            {
                return Ok(());
            }
            (false, true) if matches!(join_type, JoinType::Inner | JoinType::Right) => {
                return Ok(());
            }
            _ => "an outer join that keeps the rows of the static side",
        };
        self.refuse_on_stream(true, refused, origin)
    }
}
