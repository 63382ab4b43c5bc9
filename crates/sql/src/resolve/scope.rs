//! The relations of one SELECT and the names under which their columns may be qualified. Must not walk trees.

use std::collections::HashMap;

use sluice_model::{DatasetName, Namespace};
use sqlparser::ast::{AccessExpr, Expr, Ident};

use crate::query::RelationSource;
use crate::rewrite::Draft;

/// One relation of a SELECT.
#[derive(Debug)]
pub(super) struct Entry {
    index: usize,
    alias: Ident,
    /// Catalog, schema and name, lower case; `None` with an alias of the user's, which hides them.
    full: Option<[String; 3]>,
    /// Whether it is a function without an alias: nothing can qualify its columns.
    is_bare_function: bool,
    /// The name as written, for an alias of its own when two relations end alike.
    written: String,
}

impl Entry {
    pub(super) fn new(index: usize, draft: &Draft, namespace: &Namespace) -> Self {
        let name = match &draft.relation.source {
            RelationSource::Name(name) if !draft.has_written_alias => Some(name),
            _ => None,
        };
        let full =
            name.and_then(|name| DatasetName::qualify(&without_live(&name.parts), namespace));
        Self {
            index,
            alias: draft.alias.clone(),
            is_bare_function: !draft.has_written_alias
                && matches!(draft.relation.source, RelationSource::Function(_)),
            full: full.map(|name| [name.catalog, name.schema, name.name]),
            written: name.map(|name| name.parts.join(".")).unwrap_or_default(),
        }
    }

    /// Whether a qualifier of at least two parts names this relation.
    fn is_named(&self, qualifier: &[Ident]) -> bool {
        let Some(full) = &self.full else { return false };
        let matches = |parts: &[Ident], names: &[String]| {
            parts.len() == names.len()
                && parts
                    .iter()
                    .zip(names)
                    .all(|(part, name)| part.value.to_lowercase() == *name)
        };
        match qualifier {
            [live, rest @ ..]
                if live.value.eq_ignore_ascii_case("live")
                    && matches(rest, &full[3 - rest.len().min(3)..]) =>
            {
                true
            }
            parts => parts.len() <= 3 && matches(parts, &full[3 - parts.len()..]),
        }
    }
}

/// The parts of a name without a leading `LIVE`.
pub(super) fn without_live(parts: &[String]) -> Vec<&str> {
    let skipped = usize::from(
        parts.len() > 1
            && parts
                .first()
                .is_some_and(|first| first.eq_ignore_ascii_case("live")),
    );
    parts.iter().skip(skipped).map(String::as_str).collect()
}

/// The relations of one SELECT.
#[derive(Debug, Default)]
pub(super) struct Scope {
    entries: Vec<Entry>,
    renamed: Vec<(usize, Ident)>,
}

impl Scope {
    /// Makes a scope. Two tables whose names end alike (`a.t`, `b.t`) and have no alias get one each: their full
    /// names as written. So do two calls of one function: its name with their numbers.
    pub(super) fn new(mut entries: Vec<Entry>, drafts: &mut [Draft]) -> Self {
        let mut ends: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            ends.entry(entry.alias.value.to_lowercase())
                .or_default()
                .push(at);
        }
        let mut renamed = vec![];
        for group in ends.values().filter(|group| group.len() > 1) {
            let fulls: Vec<_> = group
                .iter()
                .filter_map(|at| entries.get(*at)?.full.clone())
                .collect();
            let differ = fulls
                .first()
                .is_some_and(|first| fulls.iter().any(|other| other != first));
            for at in group {
                let Some(entry) = entries.get_mut(*at) else {
                    continue;
                };
                let name = if entry.is_bare_function {
                    format!("{}_{}", entry.alias.value, entry.index)
                } else if differ && entry.full.is_some() {
                    entry.written.clone()
                } else {
                    continue;
                };
                entry.alias = Ident {
                    value: name,
                    quote_style: Some('`'),
                    span: entry.alias.span,
                };
                renamed.push((entry.index, entry.alias.clone()));
                if let Some(draft) = drafts.get_mut(entry.index) {
                    draft.alias = entry.alias.clone();
                }
            }
        }
        Self { entries, renamed }
    }

    /// Relations that got another alias.
    pub(super) fn renamed(&self) -> &[(usize, Ident)] {
        &self.renamed
    }

    /// Replaces a qualifier of one to four parts by an alias, the longest first; `false` if none fits. A qualifier
    /// that is an alias already gets its spelling: names do not depend on case.
    pub(super) fn shorten(&self, parts: &mut Vec<Ident>, rest: usize) -> bool {
        for length in (1..=parts.len().saturating_sub(rest).min(4)).rev() {
            let Some(qualifier) = parts.get(..length) else {
                continue;
            };
            let names = |entry: &&Entry| match qualifier {
                [only] => only.value.to_lowercase() == entry.alias.value.to_lowercase(),
                _ => entry.is_named(qualifier),
            };
            let Some(entry) = self.entries.iter().find(names) else {
                continue;
            };
            let span = qualifier.last().map_or(entry.alias.span, |last| last.span);
            let alias = Ident {
                span,
                ..entry.alias.clone()
            };
            parts.splice(..length, [alias]);
            return true;
        }
        false
    }
}

/// Shortens the qualifier of `schema.t.items[0].name`, whose leading names lie in a root and a chain.
pub(super) fn shorten_chain(
    root: &mut Box<Expr>,
    chain: &mut Vec<AccessExpr>,
    shorten: impl Fn(&mut Vec<Ident>),
) {
    let mut parts = match root.as_ref() {
        Expr::Identifier(first) => vec![first.clone()],
        Expr::CompoundIdentifier(first) => first.clone(),
        _ => return,
    };
    let in_root = parts.len();
    let names = chain.iter().map_while(|access| match access {
        AccessExpr::Dot(Expr::Identifier(name)) => Some(name.clone()),
        _ => None,
    });
    parts.extend(names);
    let before = parts.len();
    shorten(&mut parts);
    if parts.len() == before {
        if let (Expr::Identifier(first), Some(part)) = (root.as_mut(), parts.into_iter().next()) {
            *first = part;
        }
        return;
    }
    let mut parts = parts.into_iter();
    let Some(alias) = parts.next() else { return };
    chain.splice(
        ..before - in_root,
        parts.map(|part| AccessExpr::Dot(Expr::Identifier(part))),
    );
    **root = Expr::Identifier(alias);
}
