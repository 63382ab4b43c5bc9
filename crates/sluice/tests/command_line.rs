//! The shipped binary as scripts see it: exit codes, stdout, stderr, files left behind. What pipelines compute is
//! tested by the cases under `tests/cases`, not here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what prepares a test may end it"
)]

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

#[path = "command_line/bundle.rs"]
mod bundle;
#[path = "command_line/serving.rs"]
mod serving;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// `sluice` in a folder, the line cut at spaces; `'…'` keeps spaces.
fn command(folder: &Path, line: &str) -> Command {
    let mut arguments: Vec<String> = vec![];
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            arguments.push(part.to_owned());
        } else {
            arguments.extend(part.split_whitespace().map(ToOwned::to_owned));
        }
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command
        .args(&arguments)
        .current_dir(folder)
        .env("USER", "jane")
        .env_remove("SLUICE_USER");
    command
}

/// Runs `sluice` in a folder.
fn sluice(folder: &Path, line: &str) -> Ended {
    let output = command(folder, line).output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// One streaming table with an expectation, one materialized view.
fn project() -> TempDir {
    folder(&[
        (
            "spark-pipeline.yml",
            "name: plant\nschema: iot\nconfiguration: {limit: '50'}\nlibraries:\n  - glob: {include: transformations/**}\n",
        ),
        (
            "transformations/bronze.sql",
            "CREATE STREAMING TABLE readings (CONSTRAINT valid EXPECT (v < ${limit}) ON VIOLATION DROP ROW)\n\
             AS SELECT id, v FROM STREAM read_files('data', format => 'json', schema => 'id STRING, v INT');\n",
        ),
        (
            "transformations/gold.sql",
            "CREATE MATERIALIZED VIEW total AS SELECT id, sum(v) AS v FROM readings GROUP BY id;\n",
        ),
        (
            "data/1.json",
            "{\"id\":\"a\",\"v\":1}\n{\"id\":\"a\",\"v\":2}\n{\"id\":\"b\",\"v\":99}\n",
        ),
    ])
}

/// `/dev/full` takes nothing, as a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let project = project();
    for line in [
        "version",
        "validate -o json",
        "plan --detailed-exitcode",
        "run -o json -q",
        "run --skip-code -q",
        "sql -c 'SELECT * FROM range(100000)'",
        "logs",
        "simulate fleet-poc --count 1",
    ] {
        let mut command = command(project.path(), line);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = command.stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        let told = "error[OUTPUT_NOT_WRITABLE]: cannot write the result to stdout";
        assert_eq!(stderr.matches(told).count(), 1, "{line}: {stderr}");
        // Nobody reads: that is how `| head` ends.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(!stderr.contains("OUTPUT_NOT_WRITABLE"), "{line}: {stderr}");
        assert_ne!(output.status.code(), Some(1), "{line}: {stderr}");
    }
}

/// The tables are what an update is for: it goes on without the file.
#[cfg(target_os = "linux")]
#[test]
fn events_that_cannot_be_written_are_told_once() {
    let project = project();
    let ended = sluice(project.path(), "run -q --events /dev/full");
    let told = "warning[OUTPUT_NOT_WRITABLE]: cannot write events to `/dev/full`";
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches(told).count(), 1, "{}", ended.stderr);
    let rows = sluice(project.path(), "sql --mode csv 'SELECT id, v FROM total'");
    assert_eq!(rows.stdout, "id,v\na,3\n", "{}", rows.stderr);
}

/// Who reads events line by line must not meet a word for people.
#[test]
fn events_on_stdout_stand_there_alone() {
    let project = project();
    for line in ["run --events -", "run --events - -o json"] {
        let ended = sluice(project.path(), line);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("COMPLETED"), "{}", ended.stderr);
        let is_event = |line: &str| {
            let event: Result<Value, _> = serde_json::from_str(line);
            event.is_ok_and(|event| event["event_type"].is_string())
        };
        let mut events = ended.stdout.lines();
        assert!(events.all(is_event), "{line}: {}", ended.stdout);
        assert!(ended.stdout.contains("is COMPLETED"), "{}", ended.stdout);
    }
}

#[test]
fn upkeep_of_several_tables_is_one_document() {
    let project = project();
    assert_eq!(sluice(project.path(), "run -q").code, 0);
    for (line, tables) in [
        ("optimize -o json", 2),
        ("optimize readings total -o json", 2),
        ("vacuum -o json", 2),
        ("vacuum total --dry-run -o json", 1),
    ] {
        let told = sluice(project.path(), line).json();
        assert_eq!(
            told.as_array().map(Vec::len),
            Some(tables),
            "{line}: {told}"
        );
    }
}

#[test]
fn sql_may_begin_with_a_comment() {
    let empty = folder(&[]);
    for line in [
        "sql '-- one row\nSELECT 1 AS n' --mode csv",
        "sql --mode csv -c '-- one row\nSELECT 1 AS n'",
        "sql -c '--one row\nSELECT 1 AS n' --mode csv",
    ] {
        let ended = sluice(empty.path(), line);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "n\n1\n"), "{line}");
    }
}

#[test]
fn commands_with_a_dot_stand_in_scripts_too() {
    let project = project();
    let script = "SELECT 1 AS n;\n.mode json\nSELECT 2\n AS n;\n.quit\nSELECT 3;\n";
    fs::write(project.path().join("script.txt"), script).unwrap();
    let ended = sluice(project.path(), "sql --mode csv -f script.txt");
    assert_eq!((ended.code, &*ended.stdout), (0, "n\n1\n[{\"n\":2}]\n"));
    let ended = sluice(project.path(), "sql --mode csv -c .tables");
    assert!(
        ended.stdout.starts_with("namespace,tableName,"),
        "{}",
        ended.stdout
    );
    let ended = sluice(project.path(), "sql -c 'SELECT 1 AS n;\n.frob'");
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("there is no `frob`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn commands_that_need_no_project() {
    let empty = folder(&[
        (
            "good.sql",
            "CREATE MATERIALIZED VIEW a AS SELECT ${x} FROM ${catalog}.t;",
        ),
        ("bad.sql", "CREATE MATERIALISED VIEW a;"),
    ]);
    for (line, code, stdout, stderr) in [
        ("sql --mode csv -c 'SELECT 1 AS a'", 0, "a\n1\n", ""),
        ("version", 0, "sluice ", ""),
        ("explain project_not_found", 0, "PROJECT_NOT_FOUND", ""),
        (
            "explain PROJECT_NOT_FOUNT",
            2,
            "",
            "did you mean `PROJECT_NOT_FOUND`?",
        ),
        ("completion bash", 0, "complete -F", ""),
        ("validate --syntax good.sql", 0, "1 statements", ""),
        ("validate --syntax bad.sql", 1, "", "bad.sql:1:"),
        (
            "validate --syntax gone.sql",
            1,
            "",
            "PROJECT_FILE_NOT_FOUND",
        ),
        ("validate --project gone", 2, "", "PROJECT_NOT_FOUND"),
        ("run --frobnicate", 2, "", "--frobnicate"),
        ("sql -c 'SELECT nope'", 1, "", "<command line>:1:8"),
    ] {
        let ended = sluice(empty.path(), line);
        assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
        assert!(ended.stdout.contains(stdout), "{line}: {}", ended.stdout);
        assert!(ended.stderr.contains(stderr), "{line}: {}", ended.stderr);
        assert_eq!(
            ended.stderr.is_empty(),
            stderr.is_empty(),
            "{line}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_project_is_run_and_asked() {
    let project = project();
    let at = project.path();
    assert_eq!(sluice(at, "validate").code, 0);
    assert_eq!(sluice(at, "plan --detailed-exitcode").code, 2);
    assert!(!at.join(".sluice").exists(), "questions leave no trace");

    let first = sluice(at, "run --output json --events events.ndjson");
    assert_eq!(first.code, 0, "{}", first.stderr);
    let report = first.json();
    assert_eq!(report["state"], "COMPLETED");
    assert_eq!(report["datasets"][0]["name"], "main.iot.readings");
    assert_eq!(report["datasets"][0]["rows_out"], 2);
    assert_eq!(
        report["datasets"][0]["expectations"][0]["failed_records"],
        1
    );
    assert!(
        first.stderr.contains(" update_progress INFO \"Update "),
        "{}",
        first.stderr
    );
    assert_eq!(
        fs::read_to_string(at.join(".sluice/.gitignore")).unwrap(),
        "*\n"
    );
    let events = fs::read_to_string(at.join("events.ndjson")).unwrap();
    assert!(
        events
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );

    let again = sluice(at, "run -q --skip-code");
    assert_eq!((again.code, again.stderr.as_str()), (99, ""));
    assert_eq!(
        sluice(at, "plan --detailed-exitcode").code,
        2,
        "a stream is always looked at"
    );
    let rows = sluice(at, "sql --mode csv -c 'SELECT * FROM total'");
    assert_eq!(rows.stdout, "id,v\na,3\n", "{}", rows.stderr);
    let shown = sluice(at, "pipelines show readings -n 1");
    assert!(
        shown.stdout.starts_with("id  v\n--  -\n") && shown.stdout.ends_with("\n1 row\n"),
        "{}",
        shown.stdout
    );
    assert_eq!(
        sluice(at, "history --json")
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let logs = sluice(at, "logs --event-type update_progress -n 1");
    assert!(
        logs.stdout.contains("is COMPLETED."),
        "{}{}",
        logs.stdout,
        logs.stderr
    );
    let lineage = sluice(at, "lineage --format mermaid");
    assert!(
        lineage.stdout.contains("main.iot.total"),
        "{}",
        lineage.stdout
    );
}

#[test]
fn a_plan_says_of_no_view_that_it_stays_while_its_input_may_change() {
    let project = project();
    let at = project.path();
    assert_eq!(sluice(at, "run -q").code, 0);
    let plan = sluice(at, "plan").stdout;
    let behind = plan.lines().find(|line| line.contains("main.iot.total"));
    assert!(
        behind.is_some_and(|line| line.contains("unless `main.iot.readings` gets rows before it")),
        "a view behind a stream is not said to stay as it is: {plan}"
    );
}

#[test]
fn the_spellings_of_others_work() {
    let project = project();
    let elsewhere = folder(&[]);
    let spec = project.path().join("spark-pipeline.yml");
    let run = sluice(
        elsewhere.path(),
        &format!("run --spec {} --full-refresh-all -q", spec.display()),
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(sluice(project.path(), "pipelines dry-run").code, 0);
    let bundle = folder(&[
        (
            "databricks.yml",
            "bundle: {name: b}\nresources: {pipelines: {p: {name: n, libraries: [{file: {path: a.sql}}]}}}\ntargets: {dev: {mode: development}}\n",
        ),
        ("a.sql", "CREATE MATERIALIZED VIEW one AS SELECT 1 AS x;"),
    ]);
    assert_eq!(sluice(bundle.path(), "bundle validate -t dev").code, 0);
    let deployed = sluice(bundle.path(), "bundle deploy -t dev --auto-approve");
    assert_eq!(deployed.code, 0, "{}", deployed.stderr);
    assert!(
        deployed.stderr.contains("nothing to deploy"),
        "{}",
        deployed.stderr
    );
    let summary = sluice(bundle.path(), "bundle summary -t dev --output json").json();
    assert_eq!(
        summary["resources"]["pipelines"]["p"]["name"],
        "[dev jane] n"
    );
    assert_eq!(sluice(bundle.path(), "bundle run p -t dev -q").code, 0);
    assert_eq!(sluice(bundle.path(), "bundle run q -t dev").code, 2);
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_nothing_is_made() {
    let project = project();
    let at = project.path();
    fs::write(
        at.join("transformations/gold.sql"),
        "CREATE MATERIALIZED VIEW total AS SELECT nope, ${nix} FROM readings",
    )
    .unwrap();
    fs::write(at.join("transformations/more.sql"), b"SELECT \xff").unwrap();
    let told = sluice(at, "validate --json").json();
    let codes: Vec<&str> = told["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| d["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes[..3],
        [
            "CONFIGURATION_KEY_NOT_FOUND",
            "PROJECT_FILE_NOT_UTF8",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION"
        ]
    );
    assert_eq!(told["diagnostics"][0]["line"], 1);
    assert_eq!(told["diagnostics"][0]["col"], 48);
    assert_eq!(told["valid"], false);
    assert_eq!(sluice(at, "run").code, 1);
    assert!(!at.join(".sluice").exists());
}

#[test]
fn a_backlog_of_micro_batches_leaves_a_short_log_all_along() {
    let folder = folder(&[]);
    let landing = folder.path().join("landing");
    fs::create_dir(&landing).unwrap();
    let sql = format!(
        "CREATE STREAMING TABLE readings AS SELECT * FROM STREAM read_files('{}', format => 'json', schema => 'n INT', maxFilesPerTrigger => 1)",
        landing.display()
    );
    fs::write(folder.path().join("readings.sql"), sql).unwrap();
    for n in 0..205 {
        fs::write(landing.join(format!("{n}.json")), format!("{{\"n\":{n}}}")).unwrap();
    }
    let ended = sluice(folder.path(), "run");
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let warehouse = folder.path().join(".sluice/warehouse");
    let log = fs::read_dir(warehouse.join("main/default/readings/_delta_log")).unwrap();
    let checkpoints = log
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".checkpoint.parquet"))
        .count();
    assert_eq!(checkpoints, 2, "of 205 commits and more");
    let counted = sluice(
        folder.path(),
        "sql -c 'SELECT count(*) || sum(n) AS all FROM readings'",
    );
    assert!(counted.stdout.contains("20520910"), "{}", counted.stdout);
}

#[test]
fn one_engine_at_a_time() {
    let project = project();
    let at = project.path();
    assert_eq!(sluice(at, "run -q").code, 0);
    let lease = at.join(".sluice/warehouse/_sluice/plant/default/lease.lock");
    let held = File::options().write(true).open(lease).unwrap();
    held.try_lock().unwrap();
    let second = sluice(at, "run -q");
    assert_eq!(second.code, 4, "{}", second.stderr);
    assert!(second.stderr.contains("PIPELINE_ALREADY_RUNNING"));
    held.unlock().unwrap();
    assert_eq!(sluice(at, "run -q").code, 0);
}

/// A project that reads a volume that nobody mapped, and a bucket.
fn tested(tests: &[(&str, &str)]) -> TempDir {
    let project = folder(&[
        (
            "databricks.yml",
            "bundle: {name: plant}\nresources: {pipelines: {plant: {name: plant, schema: iot, libraries: [{glob: {include: src/**}}]}}}\n",
        ),
        (
            "src/a.sql",
            "CREATE STREAMING TABLE bronze AS SELECT id, v FROM STREAM read_files('/Volumes/main/iot/raw', format => 'json', schema => 'id STRING, v INT');\n\
            CREATE STREAMING TABLE silver (CONSTRAINT cool EXPECT (v < 50) ON VIOLATION DROP ROW) AS SELECT id, v FROM STREAM(bronze);\n\
            CREATE MATERIALIZED VIEW gold AS SELECT id, max(v) AS v, current_timestamp() AS at FROM silver GROUP BY id;\n",
        ),
    ]);
    for (name, text) in tests {
        let path = project.path().join("tests").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    project
}

const HOT: &str = "# Hot readings are dropped.\n\
    --- clock 2026-02-03T04:05:06Z\n\
    --- put /Volumes/main/iot/raw/1.json\n{\"id\":\"a\",\"v\":1}\n{\"id\":\"b\",\"v\":99}\n\n\
    --- update\nsilver COMPLETED append +1 row dropped 1 cool: 1 passed, 1 failed\n...\n\
    --- query\nSELECT * FROM gold\n--- expect\nid | v | at\na | 1 | 2026-02-03 04:05:06\n";

#[test]
fn tests_of_a_project_hold_under_every_regime() {
    let project = tested(&[
        ("hot.test", HOT),
        (
            "deep/given.test",
            "# Silver alone, its source in two batches, rows in any order.\n\
             --- given bronze\nid STRING | v INT\na | 1\nNULL | 60\n--- update\n\
             --- given bronze\nid STRING | v INT\nb | 2\n--- update\n\
             --- query\nSELECT id, v FROM silver\n--- expect\nid | v\nb | 2\na | 1\n",
        ),
        (
            "rows.test",
            "# A table of values is a file.\n--- rows /Volumes/main/iot/raw/x.json\nid | v\na | 7\n'' | NULL\n--- update\n\
             --- query\nSELECT id, v FROM bronze ORDER BY v\n--- expect\nid | v\n'' | NULL\na | 7\n",
        ),
    ]);
    let plain = sluice(project.path(), "test");
    assert_eq!(plain.code, 0, "{}{}", plain.stdout, plain.stderr);
    assert!(plain.stdout.contains("3 passed, 0 failed"));
    assert!(!project.path().join(".sluice").exists());
    for (line, runs) in [
        ("test --regimes=sample", 15),
        ("test rows --regimes=all", 5),
    ] {
        let ended = sluice(project.path(), &format!("{line} --output json"));
        let told = ended.json();
        assert_eq!(
            (ended.code, &told["failed"]),
            (0, &Value::from(0)),
            "{told}"
        );
        assert_eq!(told["tests"].as_array().unwrap().len(), runs);
    }
    let one = sluice(project.path(), "test deep -k SILVER");
    assert!(one.stdout.contains("1 passed"), "{}", one.stdout);
}

#[test]
fn a_test_that_does_not_hold_says_where_and_what() {
    let wrong = HOT.replace("a | 1 | 2026", "a | 2 | 2026");
    let project = tested(&[("hot.test", &wrong)]);
    let ended = sluice(project.path(), "test --junit out.xml");
    assert_eq!(ended.code, 1);
    for shown in [
        "FAIL  tests/hot.test  Hot readings are dropped.",
        "error[TEST_ANSWER_DIFFERS]: `query` does not answer what the test expects",
        "--> tests/hot.test:12:1",
        "        id | v | at\n",
        "      - a  | 2 | 2026-02-03 04:05:06\n      + a  | 1 | 2026-02-03 04:05:06\n             ^\n",
        "0 passed, 1 failed",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}\n{}", ended.stdout);
    }
    let junit = fs::read_to_string(project.path().join("out.xml")).unwrap();
    assert!(junit.contains("<testsuite name=\"plant\" tests=\"1\" failures=\"1\""));
    assert!(junit.contains("classname=\"tests.hot\" name=\"Hot readings are dropped.\""));
    let filled = sluice(project.path(), "test --update");
    assert_eq!(filled.code, 0, "{}", filled.stdout);
    let text = fs::read_to_string(project.path().join("tests/hot.test")).unwrap();
    assert!(
        text.contains("id | v | at\na  | 1 | 2026-02-03 04:05:06\n"),
        "{text}"
    );
    // An answer that holds stays as it was written.
    assert!(
        text.contains("silver COMPLETED append +1 row dropped 1"),
        "{text}"
    );
    assert_eq!(sluice(project.path(), "test").code, 0);
}

/// A text that is no test, the condition that it gets, its line, and words of the help.
const UNREADABLE: [(&str, &str, u32, &str); 13] = [
    (
        "--- update\n",
        "TEST_SYNTAX_ERROR",
        1,
        "begin with `# what this test shows`",
    ),
    ("# x\n", "TEST_SYNTAX_ERROR", 1, "--- query"),
    (
        "# x\n--- updat\n",
        "TEST_SYNTAX_ERROR",
        2,
        "a station is one of",
    ),
    ("# x\n--- clock +5\n", "TEST_SYNTAX_ERROR", 2, "10m"),
    (
        "# x\n--- clock noon\n",
        "TEST_SYNTAX_ERROR",
        2,
        "2026-01-01T00:00:00Z",
    ),
    (
        "# x\n--- update --force\n",
        "TEST_SYNTAX_ERROR",
        2,
        "--full-refresh-all",
    ),
    (
        "# x\n--- put ../out.json\n1\n",
        "TEST_SYNTAX_ERROR",
        2,
        "relative to the project",
    ),
    (
        "# x\n--- copy ../plant\n",
        "TEST_SYNTAX_ERROR",
        2,
        "relative to the project",
    ),
    (
        "# x\n--- rows a.parquet\nid\n1\n",
        "TEST_SYNTAX_ERROR",
        2,
        ".csv",
    ),
    (
        "# x\n--- given bronze\nid | v\n1\n",
        "TEST_SYNTAX_ERROR",
        2,
        "NULL for no value",
    ),
    (
        "# x\n# not under: crash\n--- update\n",
        "TEST_SYNTAX_ERROR",
        2,
        "(reason)",
    ),
    (
        "# x\n--- query\nSELECT 1 AS a\n",
        "TEST_STATION_FAILED",
        2,
        "`expect` station is missing",
    ),
    (
        "# x\n--- query\nSELECT nope\n",
        "TEST_STATION_FAILED",
        2,
        "UNRESOLVED_COLUMN",
    ),
];

#[test]
fn a_test_that_cannot_be_read_is_told_by_line() {
    for (text, condition, line, help) in UNREADABLE {
        let place = format!("tests/a.test:{line}:1");
        let project = tested(&[("a.test", text)]);
        let ended = sluice(project.path(), "test");
        assert_eq!(ended.code, 1, "{text}");
        for shown in [condition, &place, help] {
            assert!(ended.stdout.contains(shown), "{shown}\n{}", ended.stdout);
        }
    }
    let none = tested(&[]);
    let ended = sluice(none.path(), "test");
    assert_eq!(
        (ended.code, ended.stderr.contains("TEST_NOT_FOUND")),
        (2, true)
    );
}

#[test]
fn every_template_runs_and_tests_at_once() {
    for template in ["files-medallion", "minimal", "spark"] {
        let room = folder(&[]);
        let made = sluice(room.path(), &format!("init {template} --name plant"));
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert!(made.stdout.contains("cd plant && sluice run"));
        let project = room.path().join("plant");
        for line in ["validate --strict", "test --regimes", "run -q", "test"] {
            let ended = sluice(&project, line);
            assert_eq!(
                ended.code, 0,
                "{template}: {line}: {}{}",
                ended.stdout, ended.stderr
            );
            assert!(!ended.stderr.contains("warning"), "{}", ended.stderr);
        }
        let again = sluice(&project, "run --output json").json();
        for dataset in again["datasets"].as_array().unwrap() {
            assert_eq!(dataset["rows_out"], 0, "{template}: {dataset}");
        }
    }
}

#[test]
fn init_touches_nothing_that_is_there() {
    let room = folder(&[
        ("plant/kept.txt", "kept"),
        (
            "good.json",
            "{\"project_name\": \"fleet\", \"default_catalog\": \"lab\", \"language\": \"sql\"}",
        ),
        ("python.json", "{\"language\": \"python\"}"),
        ("odd.json", "{\n\"colour\": 1}"),
        ("broken.json", "{\n,"),
    ]);
    for (line, code, condition) in [
        ("init --name plant", 2, "INIT_WOULD_OVERWRITE"),
        ("init nothing", 2, "INIT_TEMPLATE_NOT_FOUND"),
        ("init --name ../up", 2, "INIT_NAME_INVALID"),
        ("init --name 1st", 2, "INIT_NAME_INVALID"),
        ("init --config-file gone.json", 2, "INIT_CONFIG_INVALID"),
        ("init --config-file python.json", 2, "INIT_CONFIG_INVALID"),
        (
            "init --config-file odd.json",
            2,
            "`colour` is no text that a template asks for",
        ),
        ("init --config-file broken.json", 2, "broken.json:2:1"),
        ("init --output-dir good.json", 2, "OUTPUT_NOT_WRITABLE"),
    ] {
        let ended = sluice(room.path(), line);
        assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(condition), "{line}: {}", ended.stderr);
    }
    assert_eq!(fs::read_dir(room.path().join("plant")).unwrap().count(), 1);
    let made = sluice(
        room.path(),
        "bundle init lakeflow-pipelines --config-file good.json --output-dir new --output json",
    );
    assert_eq!(made.json()["template"], "files-medallion");
    let bundle = fs::read_to_string(room.path().join("new/fleet/databricks.yml")).unwrap();
    assert!(bundle.contains("name: fleet") && bundle.contains("default: lab"));
    assert_eq!(sluice(&room.path().join("new/fleet"), "test").code, 0);
}

#[path = "command_line/left_out.rs"]
mod left_out;

#[path = "command_line/refusing.rs"]
mod refusing;

#[path = "command_line/testing.rs"]
mod testing;
