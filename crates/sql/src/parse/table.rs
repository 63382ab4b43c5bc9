//! `CREATE STREAMING TABLE`, `CREATE MATERIALIZED VIEW`, `CREATE TABLE … FLOW`: name, items, clauses, body.

use std::collections::BTreeMap;

use sluice_model::Diagnostic;
use sluice_model::condition::sql::SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED;
use sqlparser::tokenizer::Token;

use super::column::{self, Items};
use super::query::{Place, query};
use super::{clause, flow};
use crate::cursor::{Cursor, Parsed};
use crate::statement::{CreateTable, FlowBody, RefreshPolicy, WrittenName};

/// What is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    StreamingTable,
    MaterializedView,
    /// `CREATE TABLE … FLOW INSERT …`.
    ManagedTable,
}

/// Takes what follows the words that name the kind.
pub(super) fn create(
    cursor: &mut Cursor<'_>,
    kind: Kind,
    private: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<CreateTable> {
    cursor.take(&["IF", "NOT", "EXISTS"]);
    let name = cursor.qualified_name("the name of the table")?;
    let mut items = Items::default();
    if !column::no_items(cursor) && cursor.sees_symbol(&Token::LParen) {
        items = column::items(cursor, diagnostics)?;
    }
    let mut table = empty(name, private, items);
    let mut seen = clause::Seen::default();
    while clause::take(cursor, &mut table, &mut seen)? {}
    if let (Some(_), Some(cluster)) = (table.partitioned_by.first(), table.cluster_by.first()) {
        let message = "a table is either partitioned or clustered";
        let error = cursor.fail_with(
            &SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED,
            &cluster.origin,
            message,
        );
        diagnostics.push(error.help("remove PARTITIONED BY or CLUSTER BY"));
    }
    table.body = body(cursor, kind)?;
    Ok(table)
}

fn empty(name: WrittenName, private: bool, items: Items) -> CreateTable {
    CreateTable {
        name,
        private,
        columns: items.columns,
        expectations: items.expectations,
        partitioned_by: vec![],
        cluster_by: vec![],
        location: None,
        comment: None,
        properties: BTreeMap::new(),
        refresh_policy: RefreshPolicy::default(),
        noted: items.noted,
        refused: items.refused,
        body: None,
    }
}

/// Takes `[AS] query` or `FLOW …`. As in Spark's CREATE TABLE the `AS` may be missing; the first DLT notebooks leave it out.
fn body(cursor: &mut Cursor<'_>, kind: Kind) -> Parsed<Option<FlowBody>> {
    if cursor.is_end() && kind == Kind::StreamingTable {
        return Ok(None);
    }
    let begins_query = cursor.sees(&["SELECT"]) || cursor.sees(&["WITH"]);
    if kind != Kind::ManagedTable && (cursor.take(&["AS"]) || begins_query) {
        let query = query(
            cursor.part(cursor.at, cursor.lexemes.len()),
            Place::Pipeline,
        )?;
        return Ok(Some(FlowBody::Query(Box::new(query))));
    }
    if kind != Kind::MaterializedView && cursor.take(&["FLOW"]) {
        return flow::clause(cursor).map(Some);
    }
    let words = clause::beginnings(kind == Kind::MaterializedView);
    cursor.expected_words::<()>(&words).map(|()| None)
}
