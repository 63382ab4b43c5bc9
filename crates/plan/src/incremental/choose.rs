//! Which technique brings a materialized view up to date, and why: facts in, choice out. Names of techniques and
//! issues are those of Databricks' `planning_information`, so that monitoring written for it reads ours.

use sluice_sql::statement::RefreshPolicy;

use super::shape::{Shape, Structure, TimeDependence};

/// What happened to an input since the view was last refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputChange {
    /// Nothing: the same version of the same table.
    Unchanged,
    /// Rows were added and none removed or changed.
    AppendedOnly,
    /// Rows were removed or changed, or it cannot be known.
    Changed,
    /// It is no Delta table: what changed cannot be asked.
    NotVersioned,
    /// Another table stands under the name, or the columns that are read have changed.
    Replaced,
}

/// One input of the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFacts {
    /// The table, for people.
    pub name: String,
    /// What happened to it.
    pub change: InputChange,
    /// Rows it has, if known.
    pub rows: Option<u64>,
    /// Rows that were added, if known.
    pub added_rows: Option<u64>,
}

/// Everything that the choice depends on, besides the shape of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each of which has its own answer"
)]
pub struct RefreshFacts {
    /// The inputs.
    pub inputs: Vec<InputFacts>,
    /// The view was never built, or its history cannot be read.
    pub first_build: bool,
    /// A full refresh was asked for.
    pub full_refresh: bool,
    /// The query is another than at the last refresh.
    pub query_changed: bool,
    /// Settings that can change results are others than at the last refresh.
    pub configuration_changed: bool,
    /// The session time zone is another than at the last refresh.
    pub time_zone_changed: bool,
    /// Someone else has written the view's table since.
    pub target_changed: bool,
    /// The date in the session time zone is another than at the last refresh.
    pub date_changed: bool,
    /// `REFRESH POLICY`.
    pub policy: RefreshPolicy,
    /// Whether the view has expectations.
    pub has_expectations: bool,
}

/// How a view is brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Technique {
    /// Nothing is read or written.
    NoOp,
    /// The query runs over the new rows, its result is appended.
    AppendOnly,
    /// The query runs over everything, the table is overwritten.
    CompleteRecompute,
}

impl Technique {
    /// `NO_OP`, `APPEND_ONLY`, `COMPLETE_RECOMPUTE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoOp => "NO_OP",
            Self::AppendOnly => "APPEND_ONLY",
            Self::CompleteRecompute => "COMPLETE_RECOMPUTE",
        }
    }
}

/// Why a technique cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `issue_type` of the event log.
    pub issue_type: &'static str,
    /// Name and value of a `…_sub_type`, where the issue has one.
    pub sub_type: Option<(&'static str, &'static str)>,
    /// In words.
    pub words: String,
}

/// A technique that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The technique.
    pub technique: Technique,
    /// Empty if it could be used.
    pub issues: Vec<Issue>,
    /// Rows that it reads, if known.
    pub rows_read: Option<u64>,
}

/// The choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// How the view is refreshed.
    pub technique: Technique,
    /// Why, one sentence.
    pub reason: String,
    /// Every technique that was looked at, the cheapest first.
    pub considered: Vec<Considered>,
    /// Rows that the refresh reads, if known.
    pub rows_read: Option<u64>,
    /// Rows that a full recompute reads, if known.
    pub rows_full: Option<u64>,
}

impl Choice {
    /// Whether the policy forbids this choice: INCREMENTAL STRICT with a full recompute that is not the first build.
    #[must_use]
    pub fn breaks_policy(&self, facts: &RefreshFacts) -> bool {
        facts.policy == RefreshPolicy::IncrementalStrict
            && self.technique == Technique::CompleteRecompute
            && !facts.first_build
            && !facts.full_refresh
    }
}

/// Chooses the cheapest technique whose result equals the query.
#[must_use]
pub fn choose(facts: &RefreshFacts, shape: &Shape) -> Choice {
    let rows_full = total(facts, |input| input.rows);
    let common = forced(facts, shape);
    let mut no_op = common.clone();
    no_op.extend(
        facts
            .inputs
            .iter()
            .filter(|input| input.change != InputChange::Unchanged)
            .map(changed),
    );
    no_op.extend(time(facts, shape));
    let mut append = common;
    append.extend(appended(facts, shape));
    append.extend(time(facts, shape));
    let added = total(facts, |input| {
        if input.change == InputChange::Unchanged {
            Some(0)
        } else {
            input.added_rows
        }
    });
    let considered = vec![
        Considered {
            technique: Technique::NoOp,
            issues: no_op,
            rows_read: Some(0),
        },
        Considered {
            technique: Technique::AppendOnly,
            issues: append,
            rows_read: added,
        },
        Considered {
            technique: Technique::CompleteRecompute,
            issues: vec![],
            rows_read: rows_full,
        },
    ];
    let chosen = considered
        .iter()
        .find(|considered| considered.issues.is_empty());
    let (technique, rows_read) = chosen
        .map_or((Technique::CompleteRecompute, rows_full), |chosen| {
            (chosen.technique, chosen.rows_read)
        });
    let reason = reason(technique, facts, shape, &considered);
    Choice {
        technique,
        reason,
        considered,
        rows_read,
        rows_full,
    }
}

fn total(facts: &RefreshFacts, rows: impl Fn(&InputFacts) -> Option<u64>) -> Option<u64> {
    facts.inputs.iter().map(rows).sum()
}

fn issue(issue_type: &'static str, words: impl Into<String>) -> Issue {
    Issue {
        issue_type,
        sub_type: None,
        words: words.into(),
    }
}

/// What forces a full recompute whatever the inputs did.
fn forced(facts: &RefreshFacts, shape: &Shape) -> Vec<Issue> {
    let mut issues = vec![];
    if facts.first_build {
        issues.push(issue("CHANGE_SET_MISSING", "the view was never built"));
    }
    if facts.full_refresh {
        issues.push(issue("CHANGE_SET_MISSING", "a full refresh was asked for"));
    }
    if facts.policy == RefreshPolicy::Full {
        issues.push(issue("CONFIGURATION_CHANGED", "its REFRESH POLICY is FULL"));
    }
    if facts.query_changed {
        issues.push(issue("QUERY_FINGERPRINT_CHANGED", "the query has changed"));
    }
    if facts.configuration_changed {
        issues.push(issue(
            "CONFIGURATION_CHANGED",
            "settings that can change the result have changed",
        ));
    }
    if facts.time_zone_changed {
        issues.push(issue(
            "TIME_ZONE_CHANGED",
            "the session time zone has changed",
        ));
    }
    if facts.target_changed {
        issues.push(issue(
            "DATA_HAS_CHANGED",
            "another writer has changed the view's own table",
        ));
    }
    if let Some((name, _)) = shape.nondeterministic.first() {
        issues.push(Issue {
            issue_type: "PLAN_NOT_DETERMINISTIC",
            sub_type: Some((
                "plan_not_deterministic_sub_type",
                "NON_DETERMINISTIC_EXPRESSION",
            )),
            words: format!("`{name}` gives another answer each time"),
        });
    }
    for input in &facts.inputs {
        match input.change {
            InputChange::NotVersioned => {
                issues.push(issue(
                    "INPUT_NOT_IN_DELTA",
                    format!(
                        "`{}` is no Delta table: what changed in it cannot be known",
                        input.name
                    ),
                ));
            }
            InputChange::Replaced => {
                issues.push(issue(
                    "DATA_SCHEMA_CHANGED",
                    format!("`{}` was replaced, or its columns have changed", input.name),
                ));
            }
            _ => {}
        }
    }
    issues
}

fn changed(input: &InputFacts) -> Issue {
    issue("DATA_HAS_CHANGED", format!("`{}` has changed", input.name))
}

/// What the passing of time forbids. An audit stamp forbids nothing: rows that do not change keep theirs.
fn time(facts: &RefreshFacts, shape: &Shape) -> Option<Issue> {
    let time_function = |words: &str| Issue {
        issue_type: "PLAN_NOT_DETERMINISTIC",
        sub_type: Some(("plan_not_deterministic_sub_type", "TIME_FUNCTION")),
        words: words.into(),
    };
    match shape.time.dependence() {
        TimeDependence::Timestamp => Some(time_function("the result depends on the current time")),
        TimeDependence::Date if facts.date_changed => Some(time_function(
            "the result depends on the date, which has changed",
        )),
        _ => None,
    }
}

/// What forbids to append the result over the new rows.
fn appended(facts: &RefreshFacts, shape: &Shape) -> Vec<Issue> {
    let mut issues = vec![];
    if let Structure::Related { operator } = &shape.structure {
        issues.push(Issue {
            issue_type: "PLAN_NOT_INCREMENTALIZABLE",
            sub_type: Some((
                "plan_not_incrementalizable_sub_type",
                "OPERATOR_NOT_SUPPORTED",
            )),
            words: format!(
                "its {} relates rows to each other",
                operator.to_lowercase().replace('_', " ")
            ),
        });
    }
    issues.extend(
        facts
            .inputs
            .iter()
            .filter(|input| input.change == InputChange::Changed)
            .map(|input| {
                issue(
                    "DATA_HAS_CHANGED",
                    format!("rows of `{}` were changed or removed", input.name),
                )
            }),
    );
    issues
}

fn reason(
    technique: Technique,
    facts: &RefreshFacts,
    shape: &Shape,
    considered: &[Considered],
) -> String {
    let names = |change: InputChange| {
        let names = facts
            .inputs
            .iter()
            .filter(|input| input.change == change)
            .map(|input| format!("`{}`", input.name));
        names.collect::<Vec<_>>().join(", ")
    };
    match technique {
        Technique::NoOp => match shape.time.dependence() {
            TimeDependence::None => "no input has changed".into(),
            TimeDependence::AuditStamp => {
                "no input has changed, and time is only a stamp on the rows".into()
            }
            _ => "no input has changed, nor has the date".into(),
        },
        Technique::AppendOnly => format!(
            "{} only gained rows, and each row of the view comes from one of them",
            names(InputChange::AppendedOnly)
        ),
        Technique::CompleteRecompute => {
            let append = considered
                .iter()
                .find(|considered| considered.technique == Technique::AppendOnly);
            let words: Vec<&str> = append
                .iter()
                .flat_map(|c| &c.issues)
                .map(|issue| issue.words.as_str())
                .collect();
            if words.is_empty() {
                "every row is computed again".into()
            } else {
                words.join("; ")
            }
        }
    }
}

#[cfg(test)]
#[path = "choose_tests.rs"]
mod tests;
