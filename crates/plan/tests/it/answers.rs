//! Our answers to the lines of `tests/oracle`, in the form of its files, and how they differ from Spark's.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use sluice_decode::cast::value_text;
use sluice_decode::datetime::Zone;
use sluice_model::SparkType;
use sluice_plan::{Session, SessionSettings};

use crate::support::{NOW_US, Tables, bind_in, block_on, table};

const ARROW: &str = " => ";

/// One value in the form of the answer files.
fn text(array: &dyn Array, row: usize, zone: Zone) -> String {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return "NULL".into();
    }
    match array.data_type() {
        DataType::Utf8 => serde_json::to_string(array.as_string::<i32>().value(row)).unwrap(),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            format!(
                "x'{}'",
                bytes
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<Vec<_>>()
                    .concat()
            )
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len())
                .map(|i| text(items.as_ref(), i, zone))
                .collect();
            format!("[{}]", items.join(", "))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns();
            let fields: Vec<String> = columns
                .iter()
                .map(|column| text(column.as_ref(), row, zone))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let pairs: Vec<String> = (0..entries.len())
                .map(|i| {
                    format!(
                        "{}: {}",
                        text(keys.as_ref(), i, zone),
                        text(values.as_ref(), i, zone)
                    )
                })
                .collect();
            format!("map{{{}}}", pairs.join(", "))
        }
        _ => value_text(array, row, &zone),
    }
}

/// Our answer to a line, in the form of the answer files.
pub(crate) fn ours(line: &str) -> String {
    ours_in("UTC", line, &Tables::new())
}

/// How a line begins that is a query and no expression.
const QUERY_BEGINS: [&str; 4] = ["SELECT ", "WITH ", "FROM ", "(SELECT "];

/// Our answer in a session time zone.
fn ours_in(zone: &str, line: &str, tables: &Tables) -> String {
    let upper = line.to_uppercase();
    let is_query = upper == "SELECT" || QUERY_BEGINS.iter().any(|begin| upper.starts_with(begin));
    let sql = if is_query {
        line.to_string()
    } else {
        format!("SELECT {line} AS v")
    };
    let settings = SessionSettings {
        now_us: NOW_US,
        time_zone: zone.into(),
        ..SessionSettings::default()
    };
    let session = Session::new(&settings).unwrap();
    let query = match bind_in(&session, &sql, tables) {
        Ok(query) => query,
        Err(errors) => return format!("error:{}", errors[0].condition.name),
    };
    let types: Vec<String> = query
        .schema()
        .fields()
        .iter()
        .map(|field| {
            SparkType::from_arrow(field.data_type())
                .map_or_else(|| interval(field.data_type()), |t| t.to_string())
        })
        .collect();
    let batches = match block_on(query.collect()) {
        Ok(batches) => batches,
        Err(error) if error.condition.name == "QUERY_EXECUTION_FAILED" => {
            return format!("error:{error} {:?}", error.facts);
        }
        Err(error) => return format!("error:{}", error.condition.name),
    };
    let zone = Zone::parse(zone).unwrap();
    let mut rows = vec![];
    for batch in &batches {
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| text(column.as_ref(), row, zone))
                .collect();
            rows.push(cells.join(" | "));
        }
    }
    format!("{}{ARROW}{}", types.join(" | "), rows.join(" ; "))
}

/// Conditions are compared without the finer part behind the dot.
fn coarse(answer: &str) -> String {
    match answer.strip_prefix("error:") {
        Some(name) => format!(
            "error:{}",
            name.split(['.', ' ']).next().unwrap_or_default()
        ),
        None => answer.to_string(),
    }
}

fn lines(path: &Path) -> BTreeMap<String, String> {
    let content = std::fs::read_to_string(path).unwrap_or_default();
    let pairs = content
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(ARROW));
    pairs
        .map(|(line, answer)| (line.to_string(), answer.to_string()))
        .collect()
}

/// The relations that the lists of a folder share: `name: query` in `tables.sql`.
fn shared_tables(folder: &Path) -> Tables {
    let content = std::fs::read_to_string(folder.join("tables.sql")).unwrap_or_default();
    let pairs = content.lines().filter_map(|line| line.split_once(": "));
    pairs
        .map(|(name, query)| (name.to_string(), table(query)))
        .collect()
}

/// The answer with its rows sorted, for queries that leave their order open.
fn any_order(answer: &str) -> String {
    match answer.split_once(ARROW) {
        Some((types, rows)) => {
            let mut rows: Vec<&str> = rows.split(" ; ").collect();
            rows.sort_unstable();
            format!("{types}{ARROW}{}", rows.join(" ; "))
        }
        None => answer.to_string(),
    }
}

/// The session time zone that the first line of a list names.
fn zone(path: &Path) -> String {
    let content = std::fs::read_to_string(path).unwrap_or_default();
    let first = content.lines().next().unwrap_or_default();
    first
        .strip_prefix("# session time zone: ")
        .unwrap_or("UTC")
        .to_string()
}

/// The lines of a list in which we differ from Spark without `differences.txt` saying so, or other than it says.
pub(crate) fn differences(folder: &Path, list: &str) -> Vec<String> {
    let known = lines(&folder.join("differences.txt"));
    let answers = lines(&folder.join(list));
    let zone = zone(&folder.join(list));
    let tables = shared_tables(folder);
    assert!(answers.len() > 10, "{list} has {} answers", answers.len());
    let mut wrong = vec![];
    for (line, spark) in &answers {
        let found = ours_in(&zone, line, &tables);
        let same = if list == "condition.txt" {
            // A list of conditions is compared with the finer part, too.
            found == *spark
        } else if line.contains(" ORDER BY ") {
            coarse(&found) == coarse(spark)
        } else {
            any_order(&coarse(&found)) == any_order(&coarse(spark))
        };
        match known.get(line) {
            Some(_) if same => {
                wrong.push(format!(
                    "{line}\n  is no difference any more: remove it from differences.txt"
                ));
            }
            Some(told) if *told != found => {
                wrong.push(format!(
                    "{line}\n  differences.txt: {told}\n  ours: {found}"
                ));
            }
            None if !same => {
                wrong.push(format!("{line}\n  spark: {spark}\n  ours:  {found}"));
            }
            _ => {}
        }
    }
    wrong
}

/// The name of an interval's type: it has no [`SparkType`].
fn interval(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Duration(TimeUnit::Second) => "interval day",
        DataType::Duration(_) => "interval day to second",
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month",
        _ => return data_type.to_string(),
    };
    name.into()
}
