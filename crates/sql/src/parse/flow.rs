//! Flows: `CREATE FLOW … AS …`, the `FLOW` clause of a table, `APPLY CHANGES INTO`.

use sluice_model::FlowName;
use sluice_model::condition::sql::MULTIPART_FLOW_NAME_NOT_SUPPORTED;
use sqlparser::tokenizer::Token;

use super::auto_cdc;
use super::query::{Place, expression, query};
use crate::cursor::{Cursor, Parsed};
use crate::query::{Expression, Query};
use crate::statement::{CreateFlow, FlowBody, Located, Replace, WrittenName};

/// Takes what follows `CREATE FLOW`.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Parsed<CreateFlow> {
    let name = cursor.qualified_name("the name of the flow")?;
    let [only] = name.parts.as_slice() else {
        let shown = name.parts.join(".");
        let error = cursor.fail_with(
            &MULTIPART_FLOW_NAME_NOT_SUPPORTED,
            &name.origin,
            format!(
                "the name of a flow has one part, `{shown}` has {}",
                name.parts.len()
            ),
        );
        let last = name.parts.last().map(String::as_str).unwrap_or_default();
        return Err(error.help(format!("write `CREATE FLOW {last}`")).into());
    };
    let name = Located {
        value: FlowName::new(only),
        origin: name.origin.clone(),
    };
    let comment = if cursor.take(&["COMMENT"]) {
        Some(cursor.string("the comment as a string")?.value)
    } else {
        None
    };
    cursor.need(&["AS"])?;
    let (target, body) = if cursor.take(&["INSERT"]) {
        insert(cursor)?
    } else if cursor.sees(&["AUTO", "CDC"]) || cursor.sees(&["APPLY", "CHANGES"]) {
        let from = cursor.at;
        cursor.at += 2;
        let once = cursor.take(&["ONCE"]);
        let target = into(cursor)?;
        (target, auto_cdc::specification(cursor, from, once)?)
    } else {
        return cursor.expected_words(&["INSERT", "AUTO"]);
    };
    Ok(CreateFlow {
        name,
        comment,
        target,
        body,
    })
}

/// Takes `APPLY CHANGES INTO t …`; the flow is named as its target.
pub(super) fn apply_changes(cursor: &mut Cursor<'_>) -> Parsed<CreateFlow> {
    let from = cursor.at;
    cursor.need(&["APPLY", "CHANGES"])?;
    let target = into(cursor)?;
    let last = target.parts.last().map(String::as_str).unwrap_or_default();
    let name = Located {
        value: FlowName::new(last),
        origin: target.origin.clone(),
    };
    let body = auto_cdc::specification(cursor, from, false)?;
    Ok(CreateFlow {
        name,
        comment: None,
        target,
        body,
    })
}

/// Whether the rest of the statement holds a `FLOW` clause.
pub(super) fn has_flow_clause(cursor: &Cursor<'_>) -> bool {
    let mut ahead = *cursor;
    while !ahead.is_end() {
        if ahead.sees(&["AS"]) {
            return false;
        }
        if ["INSERT", "AUTO", "REPLACE"]
            .iter()
            .any(|next| ahead.sees(&["FLOW", next]))
        {
            return true;
        }
        if ahead.sees_symbol(&Token::LParen) {
            if ahead.skip_group().is_err() {
                return false;
            }
        } else {
            ahead.next();
        }
    }
    false
}

/// Takes what follows `FLOW` in the declaration of a table.
pub(super) fn clause(cursor: &mut Cursor<'_>) -> Parsed<FlowBody> {
    if cursor.take(&["INSERT"]) {
        let once = cursor.take(&["ONCE"]);
        cursor.take(&["BY", "NAME"]);
        return Ok(flow_body(rest(cursor)?, once));
    }
    if cursor.sees(&["AUTO", "CDC"]) {
        let from = cursor.at;
        cursor.at += 2;
        let once = cursor.take(&["ONCE"]);
        return auto_cdc::specification(cursor, from, once);
    }
    if cursor.sees(&["REPLACE"]) {
        return replace(cursor);
    }
    cursor.expected_words(&["INSERT", "AUTO", "REPLACE"])
}

fn flow_body(query: Query, once: bool) -> FlowBody {
    if once {
        FlowBody::Once(Box::new(query))
    } else {
        FlowBody::Query(Box::new(query))
    }
}

/// The rest of the statement as a query.
fn rest(cursor: &Cursor<'_>) -> Parsed<Query> {
    query(
        cursor.part(cursor.at, cursor.lexemes.len()),
        Place::Pipeline,
    )
}

fn into(cursor: &mut Cursor<'_>) -> Parsed<WrittenName> {
    cursor.need(&["INTO"])?;
    cursor.take(&["TABLE"]);
    cursor.qualified_name("the table that the flow fills")
}

/// Behind `INSERT` of `CREATE FLOW`; `ONCE` may stand on either side of `INTO`, which may then be left out.
fn insert(cursor: &mut Cursor<'_>) -> Parsed<(WrittenName, FlowBody)> {
    if cursor.sees(&["OVERWRITE"]) {
        let error = cursor.fail(cursor.here(), "a flow appends, it does not OVERWRITE");
        return Err(error
            .help("a table that always equals a query is a MATERIALIZED VIEW")
            .into());
    }
    let mut once = cursor.take(&["ONCE"]);
    let has_into = cursor.take(&["INTO"]);
    if !once && !has_into {
        return cursor.expected_words(&["INTO", "ONCE"]);
    }
    once |= has_into
        && cursor.sees(&["ONCE"])
        && !cursor.sees(&["ONCE", "BY"])
        && cursor.take(&["ONCE"]);
    cursor.take(&["TABLE"]);
    let target = cursor.qualified_name("the table that the flow fills")?;
    once |= cursor.take(&["ONCE"]);
    refuse_insert_clauses(cursor)?;
    cursor.take(&["BY", "NAME"]);
    if cursor.sees(&["REPLACE"]) {
        return Ok((target, replace(cursor)?));
    }
    Ok((target, flow_body(rest(cursor)?, once)))
}

/// Clauses of a plain INSERT that a flow does not take.
fn refuse_insert_clauses(cursor: &Cursor<'_>) -> Parsed<()> {
    let opens_query = ["SELECT", "WITH", "FROM", "VALUES"].iter().any(|word| {
        cursor
            .word_nth(1)
            .is_some_and(|inner| inner.eq_ignore_ascii_case(word))
    }) || cursor
        .peek_nth(1)
        .is_some_and(|next| next.token == Token::LParen);
    let (what, help) = if cursor.sees_symbol(&Token::LParen) && !opens_query {
        (
            "a list of columns",
            "remove it: columns are matched by name; rename them in the query",
        )
    } else if cursor.sees(&["PARTITION"]) {
        (
            "PARTITION",
            "remove it: the partition of a row follows from its values",
        )
    } else if cursor.sees(&["IF", "NOT", "EXISTS"]) {
        ("IF NOT EXISTS", "remove it")
    } else {
        return Ok(());
    };
    Err(cursor
        .fail(
            cursor.here(),
            format!(
                "the INSERT of a flow takes no {}",
                what.trim_start_matches("a ")
            ),
        )
        .help(help)
        .into())
}

/// Takes `REPLACE WHERE pred BY NAME query` or `REPLACE USING (cols) SEQUENCE BY col BY NAME query`, with `BY NAME`
/// before REPLACE or after it.
fn replace(cursor: &mut Cursor<'_>) -> Parsed<FlowBody> {
    let origin = cursor.origin(cursor.here());
    cursor.need(&["REPLACE"])?;
    let (mut predicate, mut using, mut sequence_by) = (None, vec![], None);
    if cursor.take(&["WHERE"]) {
        predicate = Some(until_query(cursor, "the condition of REPLACE WHERE")?);
    } else if cursor.take(&["USING"]) {
        using = cursor.list(super::clause::column)?;
        cursor.need(&["SEQUENCE", "BY"])?;
        sequence_by = Some(until_query(cursor, "the sequence of REPLACE USING")?);
    } else {
        return cursor.expected_words(&["WHERE", "USING"]);
    }
    cursor.take(&["BY", "NAME"]);
    let query = rest(cursor)?;
    Ok(FlowBody::Replace(Box::new(Replace {
        origin,
        predicate,
        using,
        sequence_by,
        query,
    })))
}

/// The expression up to `BY NAME`, or else up to the query.
fn until_query(cursor: &mut Cursor<'_>, what: &str) -> Parsed<Expression> {
    let mut ahead = *cursor;
    let begins_query =
        |at: &Cursor<'_>| at.sees(&["BY", "NAME"]) || at.sees(&["SELECT"]) || at.sees(&["WITH"]);
    while !ahead.is_end() && !begins_query(&ahead) {
        if ahead.sees_symbol(&Token::LParen) {
            ahead.skip_group()?;
        } else {
            ahead.next();
        }
    }
    let expression = expression(cursor.part(cursor.at, ahead.at), what)?;
    cursor.at = ahead.at;
    Ok(expression)
}
