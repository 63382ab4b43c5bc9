//! `CREATE [TEMPORARY] VIEW` and its legacy spellings.

use std::collections::BTreeMap;

use sluice_model::Diagnostic;
use sluice_model::condition::sql::{PARSE_SYNTAX_ERROR, TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS};
use sqlparser::tokenizer::Token;

use super::clause::{Seen, properties};
use super::column::{self, Items};
use super::query::{Place, query};
use crate::cursor::{Cursor, Parsed};
use crate::statement::CreateView;

/// Takes what follows `VIEW`.
pub(super) fn create(
    cursor: &mut Cursor<'_>,
    temporary: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Parsed<CreateView> {
    cursor.take(&["IF", "NOT", "EXISTS"]);
    let name = cursor.qualified_name("the name of the view")?;
    let is_live = name.parts.len() == 2
        && name
            .parts
            .first()
            .is_some_and(|part| part.eq_ignore_ascii_case("live"));
    if temporary && name.parts.len() > 1 && !is_live {
        let message = format!(
            "`{}` has several parts, a temporary view has one",
            name.parts.join(".")
        );
        let error = cursor.fail_with(&TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS, &name.origin, message);
        diagnostics.push(error.help(
            "a temporary view belongs to the pipeline, not to a schema: remove the qualifier",
        ));
    }
    let mut items = Items::default();
    if !column::no_items(cursor) && cursor.sees_symbol(&Token::LParen) {
        items = column::items(cursor, diagnostics)?;
    }
    refuse_items(cursor, &items, temporary, diagnostics);
    let (mut comment, mut options, mut seen) = (None, BTreeMap::new(), Seen::default());
    loop {
        let span = cursor.here();
        if cursor.take(&["COMMENT"]) {
            seen.once(cursor, "COMMENT", span)?;
            comment = Some(cursor.string("the comment as a string")?.value);
        } else if cursor.take(&["TBLPROPERTIES"]) {
            seen.once(cursor, "TBLPROPERTIES", span)?;
            options = properties(cursor)?;
        } else {
            break;
        }
    }
    if !cursor.take(&["AS"]) {
        return cursor.expected_words(&["AS", "COMMENT", "TBLPROPERTIES"]);
    }
    let query = query(
        cursor.part(cursor.at, cursor.lexemes.len()),
        Place::Pipeline,
    )?;
    let Items {
        columns,
        expectations,
        ..
    } = items;
    Ok(CreateView {
        name,
        temporary,
        columns,
        expectations,
        comment,
        properties: options,
        query,
    })
}

/// Reports items that a view does not take.
fn refuse_items(
    cursor: &Cursor<'_>,
    items: &Items,
    temporary: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some(first) = items.expectations.first().filter(|_| !temporary) {
        let message = "a view of the catalog takes no expectations";
        let error = cursor.fail_with(&PARSE_SYNTAX_ERROR, &first.expectation.origin, message);
        diagnostics.push(
            error.help("declare it as `CREATE TEMPORARY VIEW`, or put the expectations on a table"),
        );
    }
    if let Some(refused) = items.refused.first() {
        let message = format!("a view takes no {}", refused.value.clause);
        let error = cursor.fail_with(&PARSE_SYNTAX_ERROR, &refused.origin, message);
        diagnostics.push(error.help(refused.value.help.clone()));
    }
}
