//! The columns that a name can mean at some place of a query. Must not know expressions.

use arrow::datatypes::DataType;
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::Expr;

use super::Typed;

/// One column that can be named.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScopeColumn {
    /// The alias of its relation, as written; `None` for columns that only their name reaches.
    pub(crate) qualifier: Option<String>,
    /// Its name, case kept.
    pub(crate) name: String,
    /// The column of the plan.
    pub(crate) column: Column,
    /// Its type.
    pub(crate) data_type: DataType,
    /// Whether `*` and an unqualified name leave it out (the right side of USING).
    pub(crate) hidden: bool,
    /// Whether only its name reaches it and `*` does not (`_metadata` of files).
    pub(crate) unstarred: bool,
}

impl ScopeColumn {
    pub(crate) fn new(
        qualifier: Option<&str>,
        name: &str,
        column: Column,
        data_type: DataType,
    ) -> Self {
        Self {
            qualifier: qualifier.map(Into::into),
            name: name.into(),
            column,
            data_type,
            hidden: false,
            unstarred: false,
        }
    }

    pub(crate) fn typed(&self) -> Typed {
        Typed::new(Expr::Column(self.column.clone()), self.data_type.clone())
    }
}

/// The columns in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) columns: Vec<ScopeColumn>,
}

/// What a name means.
pub(crate) enum Found<'a> {
    One(&'a ScopeColumn),
    Many(Vec<&'a ScopeColumn>),
    None,
}

impl Scope {
    /// The columns of a plan that was aliased to `internal`, reached by `qualifier`.
    pub(crate) fn of(
        qualifier: &str,
        internal: &str,
        columns: impl Iterator<Item = (String, String, DataType, bool)>,
    ) -> Self {
        let columns = columns
            .map(|(shown, field, data_type, unstarred)| {
                let column = Column::new(Some(TableReference::bare(internal)), field);
                ScopeColumn {
                    unstarred,
                    ..ScopeColumn::new(Some(qualifier), &shown, column, data_type)
                }
            })
            .collect();
        Self { columns }
    }

    /// The columns of a table by their bare names.
    pub(crate) fn of_schema(schema: &arrow::datatypes::Schema) -> Self {
        let columns = schema.fields().iter().map(|field| {
            ScopeColumn::new(
                None,
                field.name(),
                Column::new_unqualified(field.name()),
                field.data_type().clone(),
            )
        });
        Self {
            columns: columns.collect(),
        }
    }

    /// This scope and another beside it.
    pub(crate) fn join(mut self, right: Self) -> Self {
        self.columns.extend(right.columns);
        self
    }

    /// Looks a column up by name, and by the alias of its relation if one was written.
    pub(crate) fn find(&self, qualifier: Option<&str>, name: &str) -> Found<'_> {
        let mut found: Vec<&ScopeColumn> = self
            .columns
            .iter()
            .filter(|column| same(&column.name, name))
            .filter(|column| match qualifier {
                Some(qualifier) => column
                    .qualifier
                    .as_deref()
                    .is_some_and(|q| same(q, qualifier)),
                None => !column.hidden,
            })
            .collect();
        if found.len() > 1 {
            // Columns that differ only in case: the exact spelling wins.
            let exact: Vec<_> = found
                .iter()
                .copied()
                .filter(|column| column.name == name)
                .collect();
            if exact.len() == 1 {
                found = exact;
            }
        }
        match found.as_slice() {
            [] => Found::None,
            [one] => Found::One(one),
            _ => Found::Many(found),
        }
    }

    /// Whether some relation has this alias.
    pub(crate) fn has_qualifier(&self, qualifier: &str) -> bool {
        self.columns.iter().any(|column| {
            column
                .qualifier
                .as_deref()
                .is_some_and(|q| same(q, qualifier))
        })
    }

    /// The names nearest to one that was not found, best first, at most five.
    pub(crate) fn nearest(&self, name: &str) -> Vec<String> {
        let wanted = name.to_lowercase();
        let mut scored: Vec<(f64, String)> = self
            .columns
            .iter()
            .filter(|column| !column.hidden)
            .map(|column| {
                (
                    strsim::jaro_winkler(&column.name.to_lowercase(), &wanted),
                    column.name.clone(),
                )
            })
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        scored.dedup_by(|a, b| a.1 == b.1);
        scored
            .into_iter()
            .filter(|(score, _)| *score > 0.75)
            .map(|(_, name)| name)
            .take(5)
            .collect()
    }
}

/// Whether two names are the same: letter case does not count.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left == right
        || left.eq_ignore_ascii_case(right)
        || (!left.is_ascii() && left.to_lowercase() == right.to_lowercase())
}
