//! After sqlparser: tells CTEs from relations under SQL's scoping, gives relations their final numbers, and rewrites
//! columns qualified by a table's full name to its alias. Must not know which tables exist.

mod scope;
mod settle;

use std::collections::HashMap;
use std::ops::ControlFlow;

use sluice_model::{Diagnostic, Namespace};
use sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableFactor, TableWithJoins, VisitMut, VisitorMut,
};
use sqlparser::tokenizer::{Span, Token};

use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::query::{Relation, RelationSource};
use crate::rewrite::Draft;
use scope::{Entry, Scope};

/// Resolves the CTEs and qualifiers of a parsed query; returns the relations that remain.
pub(crate) fn resolve(
    query: &mut Query,
    drafts: Vec<Draft>,
    cursor: &Cursor<'_>,
) -> Parsed<Vec<Relation>> {
    let is_cte = vec![false; drafts.len()];
    let mut walk = Walk {
        drafts,
        is_cte,
        frames: vec![],
        namespace: cursor.namespace,
        cursor,
    };
    if let ControlFlow::Break(error) = query.visit(&mut walk) {
        return Err(error);
    }
    let Walk { drafts, is_cte, .. } = walk;
    let mut numbers = HashMap::new();
    let mut relations = vec![];
    for (draft, _) in drafts.into_iter().zip(is_cte).filter(|(_, is_cte)| !is_cte) {
        let mut relation = draft.relation;
        let placeholder = Relation::placeholder(relation.index);
        relation.index = relations.len();
        relation.alias = draft.alias.value;
        numbers.insert(placeholder, relation.index);
        relations.push(relation);
    }
    let _: ControlFlow<()> = query.visit(&mut Renumber { numbers });
    Ok(relations)
}

/// Gives placeholders their final numbers.
struct Renumber {
    numbers: HashMap<String, usize>,
}

impl VisitorMut for Renumber {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        let found = placeholder_of(name).and_then(|placeholder| self.numbers.get(placeholder));
        if let Some(index) = found {
            let span = span_of(name);
            *name = ObjectName::from(vec![Ident {
                value: Relation::placeholder(*index),
                quote_style: None,
                span,
            }]);
        }
        ControlFlow::Continue(())
    }
}

/// The placeholder that a table name is, with the back-ticks that only `rewrite` puts around it.
fn placeholder_of(name: &ObjectName) -> Option<&str> {
    match name.0.as_slice() {
        [part] => part
            .as_ident()
            .filter(|ident| {
                ident.quote_style == Some('`') && ident.value.starts_with("__relation_")
            })
            .map(|ident| ident.value.as_str()),
        _ => None,
    }
}

fn span_of(name: &ObjectName) -> Span {
    name.0
        .first()
        .and_then(|part| part.as_ident())
        .map_or_else(Span::empty, |ident| ident.span)
}

/// One query on the way down.
#[derive(Default)]
struct Frame {
    /// Names of its CTEs, lower case, in order.
    ctes: Vec<String>,
    /// `WITH RECURSIVE`: a CTE sees itself.
    recursive: bool,
    /// How many of its CTEs have been walked.
    walked: usize,
    /// Relations of the SELECT being walked (or just walked: ORDER BY sees them too).
    scope: Scope,
}

impl Frame {
    /// The CTEs that what is walked now may name.
    fn visible(&self) -> &[String] {
        let known = if self.walked < self.ctes.len() {
            self.walked + usize::from(self.recursive)
        } else {
            self.walked
        };
        self.ctes.get(..known).unwrap_or(&self.ctes)
    }
}

struct Walk<'a> {
    drafts: Vec<Draft>,
    is_cte: Vec<bool>,
    frames: Vec<Frame>,
    namespace: &'a Namespace,
    cursor: &'a Cursor<'a>,
}

type Step = ControlFlow<Box<Diagnostic>>;

impl VisitorMut for Walk<'_> {
    type Break = Box<Diagnostic>;

    fn pre_visit_query(&mut self, query: &mut Query) -> Step {
        if let Err(foreign) = settle::query(query) {
            return self.refuse(foreign);
        }
        let mut frame = Frame::default();
        if let Some(with) = &query.with {
            frame.recursive = with.recursive;
            frame.ctes = with
                .cte_tables
                .iter()
                .map(|cte| cte.alias.name.value.to_lowercase())
                .collect();
        }
        self.frames.push(frame);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &mut Query) -> Step {
        self.frames.pop();
        if let Some(outer) = self.frames.last_mut()
            && outer.walked < outer.ctes.len()
        {
            outer.walked += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Step {
        if let Err(foreign) = settle::select(select) {
            return self.refuse(foreign);
        }
        let mut entries = vec![];
        for joined in &mut select.from {
            self.relations(joined, &mut entries)?;
        }
        let scope = Scope::new(entries, &mut self.drafts);
        for (index, alias) in scope.renamed() {
            rename(&mut select.from, *index, alias);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.scope = scope;
        }
        for item in &mut select.projection {
            self.item(item)?;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Step {
        if let Expr::CompoundIdentifier(parts) = expr
            && let Some(text) = parts
                .iter()
                .find(|part| matches!(part.quote_style, Some('\'' | '"')))
        {
            let span = parts.first().map_or(text.span, |first| first.span);
            let error = self.cursor.fail(
                span,
                format!("a string cannot name a column: `'{}'`", text.value),
            );
            return ControlFlow::Break(
                error
                    .help(format!("quote the name with back-ticks: `{}`", text.value))
                    .into(),
            );
        }
        if let Expr::CompoundIdentifier(parts) = expr {
            self.shorten(parts, 1);
            if parts.len() == 1
                && let Some(only) = parts.pop()
            {
                *expr = Expr::Identifier(only);
            }
        } else if let Expr::CompoundFieldAccess { root, access_chain } = expr {
            scope::shorten_chain(root, access_chain, |parts| self.shorten(parts, 1));
        }
        ControlFlow::Continue(())
    }
}

impl Walk<'_> {
    /// The error of a form that Spark's queries do not have, at its first word.
    fn refuse(&self, foreign: settle::Foreign) -> Step {
        let is_word = |lexeme: &&Lexeme| matches!(&lexeme.token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(foreign.word));
        let span = self
            .cursor
            .lexemes
            .iter()
            .find(is_word)
            .map_or(self.cursor.here(), |lexeme| lexeme.span);
        let error = self
            .cursor
            .fail(span, format!("{} cannot stand here", foreign.word));
        ControlFlow::Break(error.help(foreign.help).into())
    }

    /// Collects the relations of one item of a FROM clause, without those of subqueries.
    fn relations(&mut self, joined: &mut TableWithJoins, entries: &mut Vec<Entry>) -> Step {
        self.factor(&mut joined.relation, entries)?;
        for join in &mut joined.joins {
            self.factor(&mut join.relation, entries)?;
        }
        ControlFlow::Continue(())
    }

    fn factor(&mut self, factor: &mut TableFactor, entries: &mut Vec<Entry>) -> Step {
        match factor {
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => self.relations(table_with_joins, entries),
            TableFactor::Pivot { table, .. } | TableFactor::Unpivot { table, .. } => {
                self.factor(table, entries)
            }
            TableFactor::Table { name, alias, .. } => {
                let index = placeholder_of(name)
                    .and_then(|text| text.strip_prefix("__relation_")?.parse().ok());
                let Some(index) = index else {
                    return ControlFlow::Continue(());
                };
                if let Some(cte) = self.cte(index)? {
                    let span = span_of(name);
                    *name = ObjectName::from(vec![Ident { span, ..cte }]);
                    if self
                        .drafts
                        .get(index)
                        .is_some_and(|draft| !draft.has_written_alias)
                    {
                        *alias = None;
                    }
                } else if let Some(draft) = self.drafts.get(index) {
                    entries.push(Entry::new(index, draft, self.namespace));
                }
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    /// The name of the CTE that a relation is, if it is one.
    fn cte(&mut self, index: usize) -> ControlFlow<Box<Diagnostic>, Option<Ident>> {
        let Some(draft) = self.drafts.get(index) else {
            return ControlFlow::Continue(None);
        };
        let RelationSource::Name(name) = &draft.relation.source else {
            return ControlFlow::Continue(None);
        };
        let [only] = name.parts.as_slice() else {
            return ControlFlow::Continue(None);
        };
        let lower = only.to_lowercase();
        if !self
            .frames
            .iter()
            .any(|frame| frame.visible().contains(&lower))
        {
            return ControlFlow::Continue(None);
        }
        let suffix = if draft.stream.is_some() {
            Some("STREAM")
        } else if draft.relation.time_travel.is_some() {
            Some("a version")
        } else if draft.relation.watermark.is_some() {
            Some("WATERMARK")
        } else {
            (!draft.relation.options.is_empty()).then_some("WITH (...)")
        };
        if let Some(suffix) = suffix {
            let message = format!("`{only}` is a common table expression, which takes no {suffix}");
            let span = draft.stream.unwrap_or_else(|| self.cursor.here());
            let place = if draft.stream.is_some() {
                self.cursor.origin(span)
            } else {
                draft.relation.origin.clone()
            };
            let error =
                Diagnostic::error(&sluice_model::condition::sql::PARSE_SYNTAX_ERROR, message)
                    .at(&place, "")
                    .help(format!(
                        "write {suffix} at the table inside `WITH {only} AS (...)`"
                    ));
            return ControlFlow::Break(error.into());
        }
        let name = Ident {
            value: only.clone(),
            quote_style: draft.quote_style,
            span: Span::empty(),
        };
        if let Some(flag) = self.is_cte.get_mut(index) {
            *flag = true;
        }
        ControlFlow::Continue(Some(name))
    }

    /// Checks the alias of a column, and shortens the qualifier of `t.*`.
    fn item(&mut self, item: &mut SelectItem) -> Step {
        match item {
            SelectItem::ExprWithAlias { alias, .. }
                if matches!(alias.quote_style, Some('\'' | '"')) =>
            {
                // sqlparser keeps no span for such an alias.
                let is_it = |lexeme: &&Lexeme| matches!(&lexeme.token, Token::SingleQuotedString(text) if *text == alias.value);
                let span = self
                    .cursor
                    .lexemes
                    .iter()
                    .rfind(is_it)
                    .map_or(alias.span, |lexeme| lexeme.span);
                let error = self.cursor.fail(
                    span,
                    format!("a string cannot name a column: `'{}'`", alias.value),
                );
                return ControlFlow::Break(
                    error
                        .help(format!("quote the name with back-ticks: `{}`", alias.value))
                        .into(),
                );
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let parts: Option<Vec<Ident>> =
                    name.0.iter().map(|part| part.as_ident().cloned()).collect();
                if let Some(mut parts) = parts {
                    self.shorten(&mut parts, 0);
                    *name = ObjectName::from(parts);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    /// Replaces a qualifier of several parts by the alias of the relation that it names, innermost scope first.
    /// At least `rest` parts stay behind the qualifier.
    fn shorten(&self, parts: &mut Vec<Ident>, rest: usize) {
        for frame in self.frames.iter().rev() {
            if frame.scope.shorten(parts, rest) {
                return;
            }
        }
    }
}

/// Gives the placeholder with a number another alias.
fn rename(from: &mut [TableWithJoins], index: usize, alias: &Ident) {
    for joined in from {
        rename_factor(&mut joined.relation, index, alias);
        for join in &mut joined.joins {
            rename_factor(&mut join.relation, index, alias);
        }
    }
}

fn rename_factor(factor: &mut TableFactor, index: usize, new: &Ident) {
    match factor {
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => {
            rename(std::slice::from_mut(table_with_joins.as_mut()), index, new);
        }
        TableFactor::Pivot { table, .. } | TableFactor::Unpivot { table, .. } => {
            rename_factor(table, index, new);
        }
        TableFactor::Table {
            name,
            alias: Some(alias),
            ..
        } if placeholder_of(name) == Some(Relation::placeholder(index).as_str()) => {
            alias.name = new.clone();
        }
        _ => {}
    }
}
