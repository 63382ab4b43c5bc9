//! Brings forms of Spark that planners overlook or do not know into forms that they take, and names those that no
//! query of Spark has. Must not resolve names.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, GroupByWithModifier, JoinOperator, Query, Select, SelectFlavor,
    SelectItem, SetExpr, SetOperator, TableFactor, TableWithJoins, WildcardAdditionalOptions,
};

/// A form that is refused: the word it begins with, and what to write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Foreign {
    /// The word, upper case.
    pub(super) word: &'static str,
    /// What to write instead.
    pub(super) help: &'static str,
}

/// Settles one query, without its subqueries: `MINUS` becomes `EXCEPT`.
pub(super) fn query(query: &mut Query) -> Result<(), Foreign> {
    if !query.locks.is_empty() || query.for_clause.is_some() {
        return Err(Foreign {
            word: "FOR",
            help: "remove the clause: a query locks nothing and returns rows",
        });
    }
    if query.fetch.is_some() {
        return Err(Foreign {
            word: "FETCH",
            help: "write `LIMIT n`",
        });
    }
    body(&mut query.body)
}

fn body(set: &mut SetExpr) -> Result<(), Foreign> {
    let foreign = |word| {
        Err(Foreign {
            word,
            help: "write a SELECT",
        })
    };
    match set {
        SetExpr::Insert(_) => foreign("INSERT"),
        SetExpr::Update(_) => foreign("UPDATE"),
        SetExpr::Delete(_) => foreign("DELETE"),
        SetExpr::Merge(_) => foreign("MERGE"),
        SetExpr::Table(_) => foreign("TABLE"),
        SetExpr::SetOperation {
            left, op, right, ..
        } => {
            if *op == SetOperator::Minus {
                *op = SetOperator::Except;
            }
            body(left)?;
            body(right)
        }
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
    }
}

/// Settles one SELECT: `GROUP BY … WITH ROLLUP` becomes `GROUP BY ROLLUP (…)`, `SEMI JOIN` becomes `LEFT SEMI JOIN`.
pub(super) fn select(select: &mut Select) -> Result<(), Foreign> {
    if select.into.is_some() {
        return Err(Foreign {
            word: "INTO",
            help: "declare a table that holds the result of the query",
        });
    }
    if matches!(select.distinct, Some(Distinct::On(_))) {
        return Err(Foreign {
            word: "ON",
            help: "keep one row per key with `QUALIFY row_number() OVER (...) = 1`",
        });
    }
    if select.flavor == SelectFlavor::FromFirstNoSelect {
        let all = WildcardAdditionalOptions::default();
        select.projection = vec![SelectItem::Wildcard(all)];
        select.flavor = SelectFlavor::Standard;
    }
    group_by(&mut select.group_by)?;
    select.from.iter_mut().for_each(joins);
    Ok(())
}

fn group_by(group_by: &mut GroupByExpr) -> Result<(), Foreign> {
    let (expressions, modifiers) = match group_by {
        GroupByExpr::Expressions(expressions, modifiers) => {
            (std::mem::take(expressions), std::mem::take(modifiers))
        }
        GroupByExpr::All(modifiers) if modifiers.is_empty() => return Ok(()),
        GroupByExpr::All(_) => {
            return Err(Foreign {
                word: "ALL",
                help: "name the columns: `GROUP BY ROLLUP (a, b)`",
            });
        }
    };
    let each = |expressions: Vec<Expr>| {
        expressions
            .into_iter()
            .map(|expression| vec![expression])
            .collect()
    };
    let settled = match modifiers.as_slice() {
        [] => expressions,
        [GroupByWithModifier::Rollup] => vec![Expr::Rollup(each(expressions))],
        [GroupByWithModifier::Cube] => vec![Expr::Cube(each(expressions))],
        [GroupByWithModifier::GroupingSets(sets)] => vec![sets.clone()],
        _ => {
            return Err(Foreign {
                word: "WITH",
                help: "write `WITH ROLLUP` or `WITH CUBE`",
            });
        }
    };
    *group_by = GroupByExpr::Expressions(settled, vec![]);
    Ok(())
}

fn joins(joined: &mut TableWithJoins) {
    nested(&mut joined.relation);
    for join in &mut joined.joins {
        nested(&mut join.relation);
        join.join_operator =
            match std::mem::replace(&mut join.join_operator, JoinOperator::CrossApply) {
                JoinOperator::Semi(constraint) => JoinOperator::LeftSemi(constraint),
                JoinOperator::Anti(constraint) => JoinOperator::LeftAnti(constraint),
                other => other,
            };
    }
}

fn nested(factor: &mut TableFactor) {
    match factor {
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => joins(table_with_joins),
        TableFactor::Pivot { table, .. } | TableFactor::Unpivot { table, .. } => nested(table),
        _ => {}
    }
}
