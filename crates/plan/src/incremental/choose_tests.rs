//! What is chosen for which facts.

use super::*;
use crate::incremental::shape::TimeUse;
use sluice_model::Origin;

fn facts(changes: &[InputChange]) -> RefreshFacts {
    let inputs = changes
        .iter()
        .enumerate()
        .map(|(index, change)| InputFacts {
            name: format!("t{index}"),
            change: *change,
            rows: Some(100),
            added_rows: (*change == InputChange::AppendedOnly).then_some(5),
        });
    RefreshFacts {
        inputs: inputs.collect(),
        first_build: false,
        full_refresh: false,
        query_changed: false,
        configuration_changed: false,
        time_zone_changed: false,
        target_changed: false,
        date_changed: false,
        policy: RefreshPolicy::Auto,
        has_expectations: false,
    }
}

fn shape() -> Shape {
    Shape {
        structure: Structure::Linear,
        time: TimeUse::default(),
        nondeterministic: vec![],
    }
}

#[track_caller]
fn check(facts: &RefreshFacts, shape: &Shape, technique: Technique, issue: Option<&str>) {
    let choice = choose(facts, shape);
    assert_eq!(choice.technique, technique, "{}", choice.reason);
    let issues: Vec<&str> = choice.considered[1]
        .issues
        .iter()
        .map(|issue| issue.issue_type)
        .collect();
    if let Some(issue) = issue {
        assert!(issues.contains(&issue), "{issues:?}");
    }
}

#[test]
fn unchanged_inputs_need_nothing() {
    use InputChange::{AppendedOnly, Changed, NotVersioned, Replaced, Unchanged};
    check(
        &facts(&[Unchanged, Unchanged]),
        &shape(),
        Technique::NoOp,
        None,
    );
    check(
        &facts(&[Unchanged, AppendedOnly]),
        &shape(),
        Technique::AppendOnly,
        None,
    );
    check(
        &facts(&[AppendedOnly, Changed]),
        &shape(),
        Technique::CompleteRecompute,
        Some("DATA_HAS_CHANGED"),
    );
    check(
        &facts(&[NotVersioned]),
        &shape(),
        Technique::CompleteRecompute,
        Some("INPUT_NOT_IN_DELTA"),
    );
    check(
        &facts(&[Replaced]),
        &shape(),
        Technique::CompleteRecompute,
        Some("DATA_SCHEMA_CHANGED"),
    );
}

#[test]
fn only_new_rows_are_read_by_an_append() {
    let choice = choose(
        &facts(&[InputChange::AppendedOnly, InputChange::Unchanged]),
        &shape(),
    );
    assert_eq!((choice.rows_read, choice.rows_full), (Some(5), Some(200)));
}

#[test]
fn related_rows_are_recomputed() {
    let grouped = Shape {
        structure: Structure::Related {
            operator: "AGGREGATE",
        },
        ..shape()
    };
    check(
        &facts(&[InputChange::AppendedOnly]),
        &grouped,
        Technique::CompleteRecompute,
        Some("PLAN_NOT_INCREMENTALIZABLE"),
    );
    check(
        &facts(&[InputChange::Unchanged]),
        &grouped,
        Technique::NoOp,
        None,
    );
}

#[test]
fn time_counts_by_the_way_it_reaches_the_result() {
    let origin = vec![Origin::new("a.sql", 1, 1, 1)];
    let stamped = Shape {
        time: TimeUse {
            stamps: origin.clone(),
            ..TimeUse::default()
        },
        ..shape()
    };
    let dated = Shape {
        time: TimeUse {
            dates: origin.clone(),
            ..TimeUse::default()
        },
        ..shape()
    };
    let timed = Shape {
        time: TimeUse {
            timestamps: origin,
            ..TimeUse::default()
        },
        ..shape()
    };
    let same_day = facts(&[InputChange::Unchanged]);
    let next_day = RefreshFacts {
        date_changed: true,
        ..same_day.clone()
    };
    check(&next_day, &stamped, Technique::NoOp, None);
    check(&same_day, &dated, Technique::NoOp, None);
    check(
        &next_day,
        &dated,
        Technique::CompleteRecompute,
        Some("PLAN_NOT_DETERMINISTIC"),
    );
    check(
        &same_day,
        &timed,
        Technique::CompleteRecompute,
        Some("PLAN_NOT_DETERMINISTIC"),
    );
}

#[test]
fn some_facts_force_a_recompute() {
    let base = facts(&[InputChange::Unchanged]);
    let check_forced = |facts: RefreshFacts, issue| {
        check(&facts, &shape(), Technique::CompleteRecompute, Some(issue));
    };
    check_forced(
        RefreshFacts {
            first_build: true,
            ..base.clone()
        },
        "CHANGE_SET_MISSING",
    );
    check_forced(
        RefreshFacts {
            query_changed: true,
            ..base.clone()
        },
        "QUERY_FINGERPRINT_CHANGED",
    );
    check_forced(
        RefreshFacts {
            configuration_changed: true,
            ..base.clone()
        },
        "CONFIGURATION_CHANGED",
    );
    check_forced(
        RefreshFacts {
            time_zone_changed: true,
            ..base.clone()
        },
        "TIME_ZONE_CHANGED",
    );
    check_forced(
        RefreshFacts {
            target_changed: true,
            ..base.clone()
        },
        "DATA_HAS_CHANGED",
    );
    check_forced(
        RefreshFacts {
            policy: RefreshPolicy::Full,
            ..base
        },
        "CONFIGURATION_CHANGED",
    );
}

#[test]
fn a_strict_policy_is_broken_by_a_recompute_only() {
    let strict = RefreshFacts {
        policy: RefreshPolicy::IncrementalStrict,
        ..facts(&[InputChange::Changed])
    };
    assert!(choose(&strict, &shape()).breaks_policy(&strict));
    let first = RefreshFacts {
        first_build: true,
        ..strict.clone()
    };
    assert!(!choose(&first, &shape()).breaks_policy(&first));
    let unchanged = RefreshFacts {
        policy: RefreshPolicy::IncrementalStrict,
        ..facts(&[InputChange::Unchanged])
    };
    assert!(!choose(&unchanged, &shape()).breaks_policy(&unchanged));
}
