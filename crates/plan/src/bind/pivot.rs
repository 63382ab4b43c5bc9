//! PIVOT and UNPIVOT: values become columns, and columns values. Must not know the clauses of a select.

use arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment};
use datafusion::logical_expr::{Case, Expr, LogicalPlan, LogicalPlanBuilder, Operator, lit};
use sluice_model::Origin;
use sluice_model::condition::query as condition;
use sqlparser::ast;

use super::aggregate::{Placed, has_aggregate};
use super::column::Environment;
use super::grouping::Grouping;
use super::query::{Bound, BoundColumn};
use super::relation::From;
use super::scope::{Scope, ScopeColumn};
use super::{Binder, Typed};
use crate::error::{Result, at, unsupported};
use crate::rewrite::{cast, compare, unify};

/// The parts of PIVOT.
pub(crate) struct Pivot<'a> {
    pub(crate) aggregates: &'a [ast::ExprWithAlias],
    pub(crate) columns: &'a [ast::Expr],
    pub(crate) values: &'a ast::PivotValueSource,
    pub(crate) alias: Option<&'a ast::TableAlias>,
}

/// The parts of UNPIVOT.
pub(crate) struct Unpivot<'a> {
    pub(crate) value: &'a ast::Expr,
    pub(crate) name: &'a ast::Ident,
    pub(crate) columns: &'a [ast::ExprWithAlias],
    pub(crate) keep_nulls: bool,
    pub(crate) alias: Option<&'a ast::TableAlias>,
}

/// A value of the pivoted columns, and the name of the column that it becomes.
struct PivotValue {
    parts: Vec<Typed>,
    name: String,
    origin: Origin,
}

/// An aggregate of PIVOT, in the column that holds it per group and value.
struct Measure {
    value: Typed,
    name: String,
}

/// The columns of a scope, as `*` shows them, that are not used up.
fn unused(scope: &Scope, used: &[Column]) -> Vec<ScopeColumn> {
    let columns = scope.columns.iter();
    let rest = columns
        .filter(|column| !column.hidden && !column.unstarred && !used.contains(&column.column));
    rest.cloned().collect()
}

impl Binder<'_> {
    /// `PIVOT (aggregates FOR columns IN (values))`: first one row per group and value, then one per group. So an
    /// aggregate of no rows is NULL, also `count`, as in Spark.
    pub(crate) fn pivot(&mut self, from: From, pivot: &Pivot<'_>, origin: &Origin) -> Result<From> {
        self.refuse_on_stream(from.streaming, "PIVOT", origin)?;
        let columns = self.pivoted(pivot, &from)?;
        let mut measures = self.measures(pivot, &from)?;
        let values = self.pivot_values(pivot, &columns)?;
        let used: Vec<Column> = measures
            .iter()
            .map(|measure| &measure.value.expr)
            .chain(columns.iter().map(|column| &column.expr))
            .flat_map(|expr| expr.column_refs().into_iter().cloned())
            .collect();
        let groups = unused(&from.scope, &used);
        let (plan, keys) = self.grouped_by_value(from.plan, &groups, &columns, &mut measures)?;
        let (group_keys, value_keys) = keys.split_at(groups.len());
        let mut wide = vec![];
        for value in &values {
            let mut test = lit(true);
            for (key, part) in value_keys.iter().zip(&value.parts) {
                let op = Operator::IsNotDistinctFrom;
                let same =
                    compare::compare(self.session, op, key.clone(), part.clone(), &value.origin)?;
                test = test.and(same.expr);
            }
            for measure in &measures {
                let name = if measures.len() == 1 {
                    value.name.clone()
                } else {
                    format!("{}_{}", value.name, measure.name)
                };
                let picked = AggregateFunction::new_udf(
                    first_value_udaf(),
                    vec![measure.value.expr.clone()],
                    false,
                    Some(Box::new(test.clone())),
                    vec![],
                    Some(NullTreatment::IgnoreNulls),
                );
                let field = self.fresh("__pivot");
                let picked = Expr::AggregateFunction(picked).alias(&field);
                wide.push((picked, column(&name, field, &measure.value, &value.origin)));
            }
        }
        let mut out: Vec<BoundColumn> = groups
            .iter()
            .zip(group_keys)
            .map(|(group, key)| {
                column(&group.name, key.expr.schema_name().to_string(), key, origin)
            })
            .collect();
        let keys = group_keys.iter().map(|key| key.expr.clone());
        let picked = wide.iter().map(|(expr, _)| expr.clone());
        let plan = LogicalPlanBuilder::from(plan)
            .aggregate(keys.collect::<Vec<_>>(), picked.collect::<Vec<_>>())
            .and_then(LogicalPlanBuilder::build);
        let plan = self.planned(plan, origin)?;
        out.extend(wide.into_iter().map(|(_, column)| column));
        let bound = Bound {
            plan,
            columns: out,
            streaming: false,
        };
        self.reshaped(bound, pivot.alias, &groups, origin)
    }

    /// The columns behind FOR.
    fn pivoted(&mut self, pivot: &Pivot<'_>, from: &From) -> Result<Vec<Typed>> {
        let plain = Environment::over(&from.scope).named("PIVOT");
        let columns = pivot.columns.iter().map(|column| match column {
            ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) => {
                self.expression(column, &plain)
            }
            other => {
                let message = "PIVOT takes columns behind FOR";
                let condition = &sluice_model::condition::sql::PARSE_SYNTAX_ERROR;
                Err(at(condition, &self.origin(other), message))
            }
        });
        columns.collect()
    }

    fn measures(&mut self, pivot: &Pivot<'_>, from: &From) -> Result<Vec<Measure>> {
        let env = Environment {
            aggregates: true,
            ..Environment::over(&from.scope).named("PIVOT")
        };
        let mut out = vec![];
        for aggregate in pivot.aggregates {
            let value = self.expression(&aggregate.expr, &env)?;
            let place = self.origin(&aggregate.expr);
            if !has_aggregate(&value.expr) {
                let message = "PIVOT computes aggregate functions";
                return Err(at(&condition::MISSING_AGGREGATION, &place, message));
            }
            // Spark computes other types in another way, in which `count` of no rows is 0.
            if pivot.aggregates.len() > 1 && !value.data_type.is_numeric() && counts(pivot) {
                return unsupported(&place, "PIVOT with count beside an aggregate of this type");
            }
            let name = match &aggregate.alias {
                Some(alias) => alias.value.clone(),
                None => aggregate.expr.to_string(),
            };
            out.push(Measure { value, name });
        }
        Ok(out)
    }

    fn pivot_values(&mut self, pivot: &Pivot<'_>, columns: &[Typed]) -> Result<Vec<PivotValue>> {
        let ast::PivotValueSource::List(list) = pivot.values else {
            let place = pivot.columns.first().map(|column| self.origin(column));
            let place = place.unwrap_or_else(|| self.query.origin.clone());
            return unsupported(&place, "PIVOT over values that are not listed");
        };
        let scope = Scope::default();
        let env = Environment::over(&scope).named("PIVOT");
        let mut out = vec![];
        for item in list {
            let origin = self.origin(&item.expr);
            let written = match &item.expr {
                ast::Expr::Tuple(parts) => parts.clone(),
                one => vec![one.clone()],
            };
            if written.len() != columns.len() {
                let message = format!(
                    "PIVOT has {} columns behind FOR, and here are {} values",
                    columns.len(),
                    written.len()
                );
                return Err(at(&condition::DATATYPE_MISMATCH, &origin, message));
            }
            let mut parts = vec![];
            let mut texts = vec![];
            for (value, column) in written.iter().zip(columns) {
                let value = self.expression(value, &env)?;
                let Some(constant) = cast::constant(self.session, &value, &column.data_type) else {
                    // The cast tells why, or that the value is no constant.
                    let tried = cast::explicit(self.session, value, &column.data_type, &origin)?;
                    return match tried.constant() {
                        Some(_) => unsupported(&origin, "this value of PIVOT"),
                        None => Err(at(
                            &condition::CAST_INVALID_INPUT,
                            &origin,
                            "a value of PIVOT is a constant of the type of its column",
                        )),
                    };
                };
                let text = cast::constant(self.session, &value, &DataType::Utf8);
                texts.push(
                    text.filter(|text| !text.is_null())
                        .map_or_else(|| "null".to_string(), |text| text.to_string()),
                );
                parts.push(Typed::literal(constant));
            }
            let name = match (&item.alias, texts.as_slice()) {
                (Some(alias), _) => alias.value.clone(),
                (None, [only]) => only.clone(),
                (None, several) => format!("{{{}}}", several.join(", ")),
            };
            out.push(PivotValue {
                parts,
                name,
                origin,
            });
        }
        Ok(out)
    }

    /// One row per group and value; the keys come back as columns of the new plan, the measures are replaced by theirs.
    fn grouped_by_value(
        &mut self,
        plan: LogicalPlan,
        groups: &[ScopeColumn],
        columns: &[Typed],
        measures: &mut [Measure],
    ) -> Result<(LogicalPlan, Vec<Typed>)> {
        let origin = self.query.origin.clone();
        let mut keys: Vec<Typed> = groups.iter().map(ScopeColumn::typed).collect();
        keys.extend(columns.iter().cloned());
        let mut grouping = Grouping::default();
        for key in &keys {
            if !grouping.keys.contains(&key.expr) {
                grouping.keys.push(key.expr.clone());
            }
        }
        let mut values: Vec<&mut Typed> = keys.iter_mut().collect();
        values.extend(measures.iter_mut().map(|measure| &mut measure.value));
        let mut placed: Vec<Placed<'_>> = values
            .iter_mut()
            .map(|value| Placed {
                expr: &mut value.expr,
                origin: origin.clone(),
            })
            .collect();
        let plan = self.aggregated((plan, false), &grouping, &mut placed, &Scope::default())?;
        let mut exprs = vec![];
        for value in values {
            let field = self.fresh("__pivoted");
            exprs.push(value.expr.clone().alias(&field));
            value.expr = Expr::Column(Column::new_unqualified(field));
        }
        let plan = LogicalPlanBuilder::from(plan)
            .project(exprs)
            .and_then(LogicalPlanBuilder::build);
        Ok((self.planned(plan, &origin)?, keys))
    }

    /// `UNPIVOT (value FOR name IN (columns))`.
    pub(crate) fn unpivot(
        &mut self,
        from: From,
        unpivot: &Unpivot<'_>,
        origin: &Origin,
    ) -> Result<From> {
        let env = Environment::over(&from.scope).named("UNPIVOT");
        let outputs = names_of(unpivot.value);
        let sets = self.unpivoted_sets(unpivot, &outputs, &env)?;
        let used: Vec<Column> = sets
            .iter()
            .flat_map(|(_, values)| values)
            .flat_map(|value| value.expr.column_refs().into_iter().cloned())
            .collect();
        let kept = unused(&from.scope, &used);
        let (plan, number) = self.numbered(from.plan, sets.len(), origin)?;
        let mut exprs = vec![];
        let mut columns = vec![];
        for kept in &kept {
            let field = self.fresh("__unpivot");
            exprs.push(Expr::Column(kept.column.clone()).alias(&field));
            columns.push(column(&kept.name, field, &kept.typed(), origin));
        }
        let names = sets.iter().map(|(name, _)| Typed::text(name.clone()));
        let name = by_number(&number, names.collect(), DataType::Utf8);
        let field = self.fresh("__unpivot");
        columns.push(column(&unpivot.name.value, field.clone(), &name, origin));
        exprs.push(name.expr.alias(field));
        let mut present = vec![];
        for (index, output) in outputs.iter().enumerate() {
            let values = sets
                .iter()
                .map(|(_, values)| values[index].clone())
                .collect();
            let value = self.unpivoted(values, &number, origin)?;
            let field = self.fresh("__unpivot");
            columns.push(column(output, field.clone(), &value, origin));
            exprs.push(value.expr.alias(&field));
            present.push(Expr::Column(Column::new_unqualified(field)).is_not_null());
        }
        let mut builder = self.planned(LogicalPlanBuilder::from(plan).project(exprs), origin)?;
        if let Some(any) = present
            .into_iter()
            .reduce(Expr::or)
            .filter(|_| !unpivot.keep_nulls)
        {
            builder = self.planned(builder.filter(any), origin)?;
        }
        let bound = Bound {
            plan: self.planned(builder.build(), origin)?,
            columns,
            streaming: from.streaming,
        };
        self.reshaped(bound, unpivot.alias, &kept, origin)
    }

    /// Per item behind IN its name and its values.
    fn unpivoted_sets(
        &mut self,
        unpivot: &Unpivot<'_>,
        outputs: &[String],
        env: &Environment<'_>,
    ) -> Result<Vec<(String, Vec<Typed>)>> {
        let mut sets = vec![];
        for item in unpivot.columns {
            let place = self.origin(&item.expr);
            let written = match &item.expr {
                ast::Expr::Tuple(parts) => parts.clone(),
                one => vec![one.clone()],
            };
            if written.len() != outputs.len() {
                let message = format!(
                    "UNPIVOT names {} value columns, and here are {}",
                    outputs.len(),
                    written.len()
                );
                return Err(at(&condition::UNPIVOT_VALUE_SIZE_MISMATCH, &place, message));
            }
            let values = written.iter().map(|column| self.expression(column, env));
            let values = values.collect::<Result<Vec<Typed>>>()?;
            let plain: Vec<String> = written.iter().flat_map(names_of).collect();
            let name = item
                .alias
                .as_ref()
                .map_or_else(|| plain.join("_"), |alias| alias.value.clone());
            sets.push((name, values));
        }
        Ok(sets)
    }

    fn unpivoted(&mut self, values: Vec<Typed>, number: &Column, origin: &Origin) -> Result<Typed> {
        let text = |value: &Typed| value.data_type == DataType::Utf8;
        let types = values.iter().map(|value| value.data_type.clone());
        let common = unify::common_type_of(types)
            .filter(|_| values.iter().all(text) || !values.iter().any(text));
        let Some(common) = common else {
            let found: Vec<String> = values
                .iter()
                .map(|value| unify::words(&value.data_type))
                .collect();
            let message = format!(
                "the columns of UNPIVOT have no common type: {}",
                found.join(", ")
            );
            let diagnostic = at(
                &condition::UNPIVOT_VALUE_DATA_TYPE_MISMATCH,
                origin,
                message,
            );
            return Err(Box::new(
                diagnostic.help("cast them to one type in a subquery"),
            ));
        };
        let values = values
            .into_iter()
            .map(|value| cast::implicit(self.session, value, &common, origin));
        Ok(by_number(number, values.collect::<Result<_>>()?, common))
    }

    /// The relation under its alias; without one the columns that were kept keep their qualifiers.
    fn reshaped(
        &mut self,
        mut bound: Bound,
        alias: Option<&ast::TableAlias>,
        kept: &[ScopeColumn],
        origin: &Origin,
    ) -> Result<From> {
        if let Some(alias) = alias {
            self.rename(&mut bound, alias)?;
            return self.aliased(bound, Some(&alias.name.value), origin);
        }
        let mut from = self.aliased(bound, None, origin)?;
        for (column, kept) in from.scope.columns.iter_mut().zip(kept) {
            column.qualifier.clone_from(&kept.qualifier);
        }
        Ok(from)
    }
}

/// Whether some aggregate of a PIVOT counts.
fn counts(pivot: &Pivot<'_>) -> bool {
    let text = |aggregate: &ast::ExprWithAlias| aggregate.expr.to_string().to_lowercase();
    pivot
        .aggregates
        .iter()
        .any(|aggregate| text(aggregate).contains("count"))
}

fn column(name: &str, field: String, value: &Typed, origin: &Origin) -> BoundColumn {
    BoundColumn {
        name: name.into(),
        field,
        data_type: value.data_type.clone(),
        origin: origin.clone(),
        unnamed: false,
        unstarred: false,
        event_time: None,
    }
}

/// The value whose number a column holds.
pub(crate) fn by_number(number: &Column, values: Vec<Typed>, data_type: DataType) -> Typed {
    let whens = (0_i32..)
        .zip(values)
        .map(|(number, value)| (Box::new(lit(number)), Box::new(value.expr)));
    let number = Box::new(Expr::Column(number.clone()));
    Typed::new(
        Expr::Case(Case::new(Some(number), whens.collect(), None)),
        data_type,
    )
}

/// The names that an identifier or a list of them gives.
fn names_of(expr: &ast::Expr) -> Vec<String> {
    match expr {
        ast::Expr::Identifier(name) => vec![name.value.clone()],
        ast::Expr::CompoundIdentifier(parts) => parts
            .last()
            .map(|part| part.value.clone())
            .into_iter()
            .collect(),
        ast::Expr::Tuple(parts) => parts.iter().flat_map(names_of).collect(),
        ast::Expr::Nested(inner) => names_of(inner),
        other => vec![other.to_string()],
    }
}
