//! Every scenario of `tests/oracle/streaming` through the engine: the same files, the same query, and after each step the
//! rows that Spark Structured Streaming gave. Where we are known to differ stands in `differences.txt` there, with the
//! reason; a line that is out of date fails. Must not know what is right: the answers are Spark's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use sluice::testing::{Answers, Case, Regime};

/// How the conditions begin of what is understood and not built.
const NOT_BUILT: &str = "error[UNSUPPORTED";

/// Walks through a case under a regime.
type Walk = fn(Case, Regime, Answers) -> Result<(), String>;

/// One scenario in one of its two ways.
struct Scenario {
    name: String,
    recorded: Value,
    way: Way,
}

/// How the files come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All at once; one update takes one of them per micro-batch.
    Triggered,
    /// One after the other, an update after each.
    Fed,
}

/// A test for each way of each scenario; `walk` runs a case.
pub(crate) fn trials(root: &Path, walk: Walk) -> Result<Vec<Trial>, String> {
    let folder = root.join("tests/oracle/streaming");
    let known = differences(&folder)?;
    let mut trials = vec![];
    for path in lists(&folder)? {
        let list = path.file_stem().unwrap_or_default().display().to_string();
        for line in read(&path)?.lines() {
            let recorded: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
            if recorded["frame"].is_string() || recorded["zone"] != "UTC" {
                // Not SQL; and a pipeline casts in one zone.
                continue;
            }
            for (way, word) in [(Way::Triggered, "triggered"), (Way::Fed, "fed")] {
                if recorded.get("error").is_some() && way == Way::Fed {
                    continue;
                }
                let name = format!("{list}/{} {word}", text(&recorded["name"]));
                let scenario = Scenario {
                    name: name.clone(),
                    recorded: recorded.clone(),
                    way,
                };
                let reason = known.get(&name).cloned();
                trials.push(Trial::test(format!("spark/{name}"), move || {
                    judge(&scenario, reason.as_deref(), walk)
                }));
            }
        }
    }
    Ok(trials)
}

fn judge(scenario: &Scenario, reason: Option<&str>, walk: Walk) -> Result<(), Failed> {
    let source = scenario.case();
    let agrees = match (
        scenario.refusal(walk)?,
        scenario.recorded.get("error").map(text),
    ) {
        (Some(refused), Some(error)) => is_named_alike(&refused, error),
        (None, Some(error)) => Err(format!("Spark refuses it: {error}")),
        // What is refused by name, because it is not built, gives no wrong answer.
        (Some(refused), None) if refused.contains(NOT_BUILT) => Ok(()),
        (Some(refused), None) => Err(format!("Spark takes it, here:\n{refused}")),
        (None, None) => {
            let case = Case::parse(&scenario.name, &source).map_err(|error| error.to_string())?;
            walk(case, Regime::Plain, Answers::Tables)
        }
    };
    match (agrees, reason) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Ok(()), Some(reason)) => Err(Failed::from(format!(
            "differences.txt says that this differs ({reason}), but it does not"
        ))),
        (Err(difference), None) => Err(Failed::from(format!("{source}\n{difference}"))),
    }
}

/// Conditions are compared without the finer part behind the dot; what Spark has no name for may have any.
fn is_named_alike(refused: &str, error: &str) -> Result<(), String> {
    let coarse = error.split('.').next().unwrap_or_default();
    let nameless = coarse.starts_with('_') || !coarse.contains('_') || coarse == "STREAM_FAILED";
    let named = refused.contains(&format!("error[{coarse}"));
    if nameless || named || refused.contains(NOT_BUILT) {
        return Ok(());
    }
    Err(format!("Spark refuses it with {error}, here:\n{refused}"))
}

impl Scenario {
    /// What `validate` has against the query.
    fn refusal(&self, walk: Walk) -> Result<Option<String>, String> {
        let mut source = self.project();
        for (stream, _) in entries(&self.recorded["streams"]) {
            let _ = writeln!(source, "--- put $input/{stream}/0.json\n{{}}\n");
        }
        source.push_str("--- validate\n");
        let case = Case::parse(&self.name, &source).map_err(|error| error.to_string())?;
        Ok(walk(case, Regime::Plain, Answers::All).err())
    }

    /// The project alone.
    fn project(&self) -> String {
        let recorded = &self.recorded;
        let mut case = format!("# {}\n\n--- file pipeline.sql\n", self.name);
        for (table, query) in entries(&recorded["tables"]) {
            let _ = writeln!(case, "CREATE MATERIALIZED VIEW {table} AS {};", text(query));
        }
        let mut query = text(&recorded["query"]).to_string();
        for (stream, content) in entries(&recorded["streams"]) {
            let reader = format!(
                "STREAM read_files('$input/{stream}', format => 'json', schema => '{}', maxFilesPerTrigger => 1)",
                text(&content[0])
            );
            query = replaced(&query, stream, &reader);
        }
        let _ = writeln!(case, "CREATE STREAMING TABLE result AS {query};\n");
        case
    }

    /// The scenario as a case.
    fn case(&self) -> String {
        let recorded = &self.recorded;
        let mut case = self.project();
        let files = entries(&recorded["streams"]).map(|(_, content)| items(&content[1]).len());
        let turns = files.max().unwrap_or_default();
        let mut rows = vec![];
        for turn in 0..turns {
            for (stream, content) in entries(&recorded["streams"]) {
                let Some(file) = items(&content[1]).get(turn).and_then(Value::as_array) else {
                    continue;
                };
                let _ = writeln!(case, "--- put $input/{stream}/{turn}.json");
                for row in file {
                    let _ = writeln!(case, "{row}");
                }
                case.push('\n');
            }
            if self.way == Way::Fed {
                if let Some(batches) = recorded["fed"].get(turn) {
                    self.take(&mut rows, batches);
                }
                self.step(&mut case, &rows);
            }
        }
        if self.way == Way::Triggered {
            self.take(&mut rows, &recorded["triggered"]);
            self.step(&mut case, &rows);
        }
        case
    }

    /// An update and what the table holds then.
    fn step(&self, case: &mut String, rows: &[String]) {
        let columns = names(text(&self.recorded["columns"])).join("`, `");
        let row = format!("CAST(struct(`{columns}`) AS STRING)");
        let _ = writeln!(case, "--- update\n...\n\n--- query");
        let _ = writeln!(
            case,
            "SELECT {row} AS row FROM result ORDER BY row\n--- expect\nrow"
        );
        for row in rows {
            let _ = writeln!(case, "{row}");
        }
        case.push('\n');
    }

    /// The rows of the table after some micro-batches.
    fn take(&self, rows: &mut Vec<String>, batches: &Value) {
        for batch in items(batches) {
            if self.recorded["mode"] == "complete" {
                rows.clear();
            }
            rows.extend(
                items(&batch["rows"])
                    .iter()
                    .map(|row| text(row).to_string()),
            );
        }
        rows.sort();
    }
}

/// The top-level names of a struct type in Spark's words.
fn names(columns: &str) -> Vec<&str> {
    let inside = columns.trim_start_matches("struct<");
    let (mut names, mut depth, mut begin) = (vec![], 0_usize, Some(0));
    for (at, letter) in inside.char_indices() {
        match letter {
            ':' if depth == 0 => names.extend(begin.take().and_then(|begin| inside.get(begin..at))),
            ',' if depth == 0 => begin = Some(at + 1),
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    names
}

/// A query whose stream is read by a reader; only the whole name is it.
fn replaced(query: &str, stream: &str, reader: &str) -> String {
    let name = format!("STREAM {stream}");
    let mut out = String::new();
    let mut rest = query;
    while let Some(at) = rest.find(&name) {
        let (before, found) = rest.split_at(at);
        let after = &found[name.len()..];
        let goes_on = after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
        out.push_str(before);
        out.push_str(if goes_on { &name } else { reader });
        rest = after;
    }
    out + rest
}

/// `list/name way => reason` per line.
fn differences(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let content = read(&folder.join("differences.txt"))?;
    let lines = content.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(" => "));
    Ok(pairs
        .map(|(name, reason)| (name.to_string(), reason.to_string()))
        .collect())
}

fn lists(folder: &Path) -> Result<Vec<std::path::PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "jsonl")
    });
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
