//! Which flows take part in an update, and how.

use sluice_model::suggest::did_you_mean;
use std::collections::{BTreeMap, BTreeSet};

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, DatasetName, Diagnostic, FlowKind, Namespace};

use crate::names::closest;
use crate::{FlowId, ResolvedGraph};

/// What the user asked to be refreshed. Everything empty means: refresh all.
///
/// A pattern is a dataset's name (one to three parts, `*` and `?` allowed), with `+` before it for everything
/// upstream and behind it for everything downstream.
#[derive(Debug, Clone, Default)]
pub struct SelectionRequest {
    /// `--refresh`, `--select`.
    pub refresh: Vec<String>,
    /// `--full-refresh`.
    pub full_refresh: Vec<String>,
    /// `--full-refresh-all`.
    pub full_refresh_all: bool,
    /// `--exclude`.
    pub exclude: Vec<String>,
}

/// How a flow takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Participation {
    /// Processes what is new.
    Refresh,
    /// Its table is emptied and filled from the beginning.
    FullRefresh,
    /// A full refresh was asked for, but `pipelines.reset.allowed` is false: it processes what is new, and says so.
    RefreshBecauseProtected,
    /// Does not run.
    Excluded,
}

/// The flows of an update; views are in none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Every flow that writes a table.
    pub flows: BTreeMap<FlowId, Participation>,
}

impl Selection {
    /// The datasets that are filled from the beginning.
    #[must_use]
    pub fn full_refreshed(&self) -> BTreeSet<DatasetName> {
        let full = |(_, participation): &(&FlowId, &Participation)| {
            **participation == Participation::FullRefresh
        };
        self.flows
            .iter()
            .filter(full)
            .map(|(id, _)| id.target.clone())
            .collect()
    }
}

impl ResolvedGraph {
    /// Decides for every flow that writes a table. Errors: a pattern that matches nothing.
    pub fn select(
        &self,
        request: &SelectionRequest,
        namespace: &Namespace,
    ) -> Result<Selection, Vec<Diagnostic>> {
        let mut errors = vec![];
        let mut matched = |patterns: &[String]| -> BTreeSet<DatasetName> {
            let mut all = BTreeSet::new();
            for pattern in patterns {
                match self.matching(pattern, namespace) {
                    Ok(mut tables) => all.append(&mut tables),
                    Err(error) => errors.push(error),
                }
            }
            all
        };
        let refresh = matched(&request.refresh);
        let full = matched(&request.full_refresh);
        let excluded = matched(&request.exclude);
        if !errors.is_empty() {
            return Err(errors);
        }
        let is_all = request.refresh.is_empty() && request.full_refresh.is_empty();
        let flows = self
            .flows
            .values()
            .filter(|flow| flow.kind != FlowKind::View)
            .map(|flow| {
                let target = &flow.id.target;
                let may_reset = self
                    .datasets
                    .get(target)
                    .is_none_or(|dataset| dataset.definition.reset_allowed);
                let participation = if excluded.contains(target) {
                    Participation::Excluded
                } else if request.full_refresh_all || full.contains(target) {
                    if may_reset {
                        Participation::FullRefresh
                    } else {
                        Participation::RefreshBecauseProtected
                    }
                } else if is_all || refresh.contains(target) {
                    Participation::Refresh
                } else {
                    Participation::Excluded
                };
                (flow.id.clone(), participation)
            });
        Ok(Selection {
            flows: flows.collect(),
        })
    }

    /// The tables that a pattern means.
    fn matching(
        &self,
        pattern: &str,
        namespace: &Namespace,
    ) -> Result<BTreeSet<DatasetName>, Diagnostic> {
        let (upstream, rest) = match pattern.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, pattern),
        };
        let (downstream, rest) = match rest.strip_suffix('+') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let parts: Vec<String> = rest
            .split('.')
            .map(|part| part.trim_matches('`').to_lowercase())
            .collect();
        let wanted = DatasetName::qualify(&parts, namespace);
        let is_meant = |name: &DatasetName| match &wanted {
            Some(wanted) if parts.len() > 1 => {
                glob(&wanted.catalog, &name.catalog)
                    && glob(&wanted.schema, &name.schema)
                    && glob(&wanted.name, &name.name)
            }
            Some(wanted) => glob(&wanted.name, &name.name),
            None => false,
        };
        let open: Vec<DatasetName> = self
            .datasets
            .values()
            .filter(|dataset| is_meant(&dataset.definition.name))
            .flat_map(|dataset| {
                self.tables_behind(&dataset.definition.name, dataset.definition.kind)
            })
            .collect();
        if open.is_empty() {
            return Err(self.nothing_matches(pattern, &parts));
        }
        let mut chosen: BTreeSet<DatasetName> = open.iter().cloned().collect();
        if upstream || downstream {
            let edges = self.table_edges();
            let reversed: Edges = reverse(&edges);
            if upstream {
                spread(&mut chosen, &open, &edges);
            }
            if downstream {
                spread(&mut chosen, &open, &reversed);
            }
        }
        Ok(chosen)
    }

    /// A table stands for itself, a view for the tables that it reads (it is computed with its readers).
    fn tables_behind(&self, name: &DatasetName, kind: DatasetKind) -> Vec<DatasetName> {
        if kind.is_table() {
            vec![name.clone()]
        } else {
            self.upstream_tables(&FlowId::implicit(name))
                .into_iter()
                .collect()
        }
    }

    /// Which tables each table reads, directly or through views.
    fn table_edges(&self) -> Edges {
        let mut edges = Edges::new();
        for flow in self
            .flows
            .values()
            .filter(|flow| flow.kind != FlowKind::View)
        {
            edges
                .entry(flow.id.target.clone())
                .or_default()
                .extend(self.upstream_tables(&flow.id));
        }
        edges
    }

    fn nothing_matches(&self, pattern: &str, parts: &[String]) -> Diagnostic {
        let error = Diagnostic::error(
            &condition::TABLE_OR_VIEW_NOT_FOUND,
            format!("no dataset of this pipeline matches `{pattern}`"),
        );
        match closest(
            parts.last().map_or("", String::as_str),
            self.datasets.keys(),
        ) {
            Some(near) => error.help(did_you_mean(&near.name)),
            None => error.help("`sluice lineage` lists the datasets of the pipeline"),
        }
    }
}

type Edges = BTreeMap<DatasetName, BTreeSet<DatasetName>>;

fn reverse(edges: &Edges) -> Edges {
    let mut reversed = Edges::new();
    for (from, tables) in edges {
        for to in tables {
            reversed.entry(to.clone()).or_default().insert(from.clone());
        }
    }
    reversed
}

/// Adds everything that can be reached.
fn spread(chosen: &mut BTreeSet<DatasetName>, from: &[DatasetName], edges: &Edges) {
    let mut seen: BTreeSet<&DatasetName> = BTreeSet::new();
    let mut open: Vec<&DatasetName> = from.iter().collect();
    while let Some(table) = open.pop() {
        for reached in edges.get(table).into_iter().flatten() {
            if seen.insert(reached) {
                chosen.insert(reached.clone());
                open.push(reached);
            }
        }
    }
}

/// Matches `*` (any run) and `?` (any one character); both sides lower case.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match last_star {
                Some((star, from)) => {
                    last_star = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, text, expected) in [
            ("gold", "gold", true),
            ("gold", "golden", false),
            ("gold_*", "gold_daily", true),
            ("*daily", "gold_daily", true),
            ("*d*y", "gold_daily", true),
            ("*d*x", "gold_daily", false),
            ("g?ld", "gold", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }
}
