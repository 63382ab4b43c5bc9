//! What a resolved graph answers: which flows an update takes, and what changed since the last one.

use std::collections::BTreeMap;
use std::fmt::Write;

use sluice_graph::change::{Change, changes};
use sluice_graph::{FlowId, Participation, SelectionRequest};
use sluice_model::{DatasetName, Namespace};

use crate::rules::MEDALLION;
use crate::support::resolved;

#[test]
fn selections_follow_patterns() {
    let (graph, _) = resolved(MEDALLION);
    let chosen = |request: SelectionRequest| -> Vec<String> {
        let selection = graph.select(&request, &Namespace::default()).unwrap();
        let taking_part = selection
            .flows
            .iter()
            .filter(|(_, p)| **p != Participation::Excluded);
        taking_part
            .map(|(flow, p)| format!("{} {p:?}", flow.target.name))
            .collect()
    };
    let refresh = |pattern: &str| SelectionRequest {
        refresh: vec![pattern.to_owned()],
        ..Default::default()
    };
    assert_eq!(chosen(SelectionRequest::default()).len(), 4);
    assert_eq!(chosen(refresh("silver")), ["silver Refresh"]);
    assert_eq!(
        chosen(refresh("+silver")),
        ["bronze Refresh", "silver Refresh"]
    );
    assert_eq!(
        chosen(refresh("silver+")),
        ["gold Refresh", "silver Refresh"]
    );
    assert_eq!(chosen(refresh("s*")), ["side Refresh", "silver Refresh"]);
    assert_eq!(
        chosen(SelectionRequest {
            full_refresh: vec!["default.gold".to_owned()],
            ..Default::default()
        }),
        ["gold FullRefresh"]
    );
    assert_eq!(
        chosen(SelectionRequest {
            exclude: vec!["bronze".to_owned()],
            full_refresh_all: true,
            ..Default::default()
        }),
        ["gold FullRefresh", "side FullRefresh", "silver FullRefresh"]
    );
    let error = graph
        .select(&refresh("silverr"), &Namespace::default())
        .unwrap_err();
    assert_eq!(error[0].helps, ["did you mean `silver`?"]);
}

#[test]
fn changes_are_told_apart() {
    let (before, _) = resolved(MEDALLION);
    let known: BTreeMap<_, _> = before
        .flows
        .iter()
        .map(|(id, flow)| (id.clone(), flow.fingerprint.clone()))
        .collect();
    let change = |from: &str, to: &str, table: &str| {
        assert!(MEDALLION.contains(from));
        let (now, _) = resolved(&MEDALLION.replace(from, to));
        changes(&known, &now)[&FlowId::implicit(&DatasetName::new("main", "default", table))]
            .clone()
    };
    assert_eq!(
        change(
            "SELECT id FROM bronze",
            "select  id -- x\n from BRONZE",
            "side"
        ),
        Change::Unchanged
    );
    assert_eq!(
        change("SELECT id FROM bronze", "SELECT ts FROM bronze", "side"),
        Change::Query
    );
    assert_eq!(
        change("SELECT id, value FROM", "SELECT value, id FROM", "silver"),
        Change::Query
    );
    assert!(matches!(
        change("'/in'", "'/out'", "bronze"),
        Change::Source { .. }
    ));
    assert_eq!(
        change("MATERIALIZED VIEW side", "MATERIALIZED VIEW other", "side"),
        Change::Removed
    );
    assert_eq!(
        change("MATERIALIZED VIEW side", "MATERIALIZED VIEW other", "other"),
        Change::Created
    );
}

#[test]
fn views_count_once_in_a_fingerprint_however_they_are_read() {
    let mut sql = "CREATE TEMPORARY VIEW v0 AS SELECT name FROM devices;\n".to_owned();
    for n in 1..40 {
        let p = n - 1;
        let join = format!("v{p} a JOIN v{p} b ON a.name = b.name");
        writeln!(
            sql,
            "CREATE TEMPORARY VIEW v{n} AS SELECT a.name FROM {join};"
        )
        .unwrap();
    }
    sql += "CREATE MATERIALIZED VIEW m AS SELECT name FROM v39;";
    let (graph, _) = resolved(&sql);
    let target = FlowId::implicit(&DatasetName::new("main", "default", "m"));
    let known = BTreeMap::from([(target.clone(), graph.flows[&target].fingerprint.clone())]);
    let (changed, _) =
        resolved(&sql.replace("v0 AS SELECT name", "v0 AS SELECT device_id AS name"));
    assert_eq!(changes(&known, &changed)[&target], Change::Query);
    assert!(known[&target].query.len() < 20_000);
}
