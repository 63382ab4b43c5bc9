//! Whole projects: every dataset of the examples is typed without data, and materialized views run over empty tables.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use sluice_graph::{
    ExternalSchema, ExternalSource, ExternalTables, RelationSchema, Settings, declare, resolve,
};
use sluice_model::{DatasetName, Diagnostic, Namespace};
use sluice_plan::analyze::SessionAnalyzer;
use sluice_sql::query::RelationSource;
use sluice_sql::statement::{FlowBody, Statement, StatementKind};

use crate::support::{block_on, session, words};

/// Files whose columns are those that the reading query names, all STRING but for the ones listed.
struct Files {
    columns: Vec<(&'static str, DataType)>,
}

impl ExternalTables for Files {
    fn schema(&self, source: &ExternalSource<'_>) -> Result<ExternalSchema, Vec<Diagnostic>> {
        let ExternalSource::Function(..) = source else {
            return Ok(ExternalSchema::Missing);
        };
        let columns: Vec<Field> = self
            .columns
            .iter()
            .map(|(name, t)| Field::new(*name, t.clone(), true))
            .collect();
        let metadata = Fields::from(vec![Field::new("file_path", DataType::Utf8, true)]);
        let hidden = Fields::from(vec![Field::new(
            "_metadata",
            DataType::Struct(metadata),
            true,
        )]);
        Ok(ExternalSchema::Known(RelationSchema {
            columns: Arc::new(Schema::new(columns)),
            hidden,
        }))
    }

    fn names(&self) -> Vec<DatasetName> {
        vec![]
    }
}

fn lakehouse() -> Files {
    let strings = "event_id device_id timestamp sensor_type unit location_id quality_flag firmware_version customer_id company_name \
        contact_name email phone industry subscription_tier product_id product_name category unit_price description order_id quantity \
        total_amount order_status device_name device_type manufacturer model status location_name building floor zone latitude longitude \
        alert_id threshold_id alert_type severity message triggered_value min_value max_value alert_message __op __deleted";
    let mut columns: Vec<(&'static str, DataType)> = strings
        .split_whitespace()
        .map(|name| (name, DataType::Utf8))
        .collect();
    columns.extend(
        ["__ts_ms", "created_at", "updated_at", "order_date"].map(|name| (name, DataType::Int64)),
    );
    columns.extend(["value", "battery_level"].map(|name| (name, DataType::Float64)));
    Files { columns }
}

fn sql_files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sql_files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            out.push(path);
        }
    }
    out.sort();
}

fn statements(example: &str) -> Vec<Statement> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(example)
        .join("src");
    let mut files = vec![];
    sql_files(&root, &mut files);
    let mut all = vec![];
    for path in files {
        let text = std::fs::read_to_string(&path)
            .unwrap()
            .replace("${catalog}", "main");
        let name: Arc<str> = Arc::from(path.strip_prefix(&root).unwrap().to_str().unwrap());
        let (statements, errors) =
            sluice_sql::parse_file(&name, &text, vec![], &Namespace::default());
        assert!(errors.is_empty(), "{}", words(&errors));
        all.extend(statements);
    }
    all
}

#[test]
fn the_lakehouse_is_typed_without_data() {
    let (declared, errors) = declare(
        statements("iot-lakehouse"),
        "lakehouse",
        &Settings::default(),
    );
    assert!(errors.is_empty(), "{}", words(&errors));
    let (resolved, problems) = resolve(&declared, &SessionAnalyzer::new(session()), &lakehouse());
    let errors: Vec<Diagnostic> = problems.into_iter().filter(Diagnostic::is_error).collect();
    assert!(errors.is_empty(), "{}", words(&errors));
    let unknown: Vec<_> = resolved
        .datasets
        .iter()
        .filter(|(_, dataset)| dataset.schema.is_none())
        .map(|(n, _)| n)
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_lakehouse_runs_over_empty_tables() {
    let (declared, _) = declare(
        statements("iot-lakehouse"),
        "lakehouse",
        &Settings::default(),
    );
    let (resolved, _) = resolve(&declared, &SessionAnalyzer::new(session()), &lakehouse());
    let schemas: HashMap<String, _> = resolved
        .datasets
        .iter()
        .filter_map(|(name, dataset)| {
            Some((name.name.clone(), Arc::clone(dataset.schema.as_ref()?)))
        })
        .collect();
    let mut failed = BTreeMap::new();
    for statement in statements("iot-lakehouse") {
        let StatementKind::MaterializedView(view) = &statement.kind else {
            continue;
        };
        let Some(FlowBody::Query(query)) = &view.body else {
            continue;
        };
        let inputs: Vec<Arc<dyn TableProvider>> = query
            .relations
            .iter()
            .map(|relation| {
                let RelationSource::Name(name) = &relation.source else {
                    panic!("{relation:?}")
                };
                let schema = &schemas[&name.parts.last().unwrap().to_lowercase()];
                Arc::new(EmptyTable::new(Arc::clone(schema))) as Arc<dyn TableProvider>
            })
            .collect();
        let name = view.name.parts.last().unwrap().clone();
        match session().bind(query, &inputs) {
            Err(errors) => drop(failed.insert(name, words(&errors))),
            Ok(bound) => {
                if let Err(error) = block_on(bound.collect()) {
                    failed.insert(name, format!("{error} {:?}", error.facts));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
