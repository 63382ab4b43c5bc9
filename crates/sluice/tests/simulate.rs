//! `sluice simulate` as scripts see it: bytes, files, exit codes, and that a pipeline counts what was made. What a
//! record holds is tested beside the simulator, not here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what prepares a test may end it"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sluice::embedded_kinesis::EmbeddedKinesis;
use tempfile::TempDir;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

/// Runs `sluice` in a folder.
fn sluice(folder: &Path, arguments: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn simulate(folder: &Path, line: &str) -> Ended {
    let arguments: Vec<&str> = ["simulate"].into_iter().chain(line.split(' ')).collect();
    sluice(folder, &arguments)
}

/// The only row of a query, as texts.
fn asked(folder: &Path, query: &str) -> Vec<String> {
    let ended = sluice(folder, &["sql", "--mode", "csv", "-c", query]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let row = ended.stdout.lines().nth(1).unwrap();
    row.split(',').map(ToOwned::to_owned).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Files below a folder with their bytes, by their paths.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = vec![];
    let mut open = vec![folder.to_path_buf()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(below).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                found.push((name.display().to_string(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

const FAULTS: &str = "--anomalies 1% --late 2% --late-by 30m --duplicates 1.5% --broken 0.5%";

#[test]
fn a_pipeline_counts_what_was_made() {
    let project = folder();
    let at = project.path();
    fs::create_dir(at.join("transformations")).unwrap();
    fs::write(
        at.join("transformations/all.sql"),
        "CREATE STREAMING TABLE readings AS SELECT * FROM STREAM read_files('landing', format => 'json', mode => 'PERMISSIVE',
           schema => 'n BIGINT, device_id STRING, metrics STRUCT<temperature_c DOUBLE>, broken STRING', columnNameOfCorruptRecord => 'broken');
         CREATE MATERIALIZED VIEW devices AS SELECT device_id, count(DISTINCT n) AS n FROM readings WHERE n IS NOT NULL GROUP BY device_id;",
    )
    .unwrap();
    // In two halves, with a run after each: what arrives late or twice may come in another update.
    let mut made = [0; 3];
    for (seed, day) in [(1, "2026-11-19"), (2, "2026-11-20")] {
        let line = format!(
            "fleet-poc --to file:landing --from {day} --count 3000 --seed {seed} --rows-per-file 700 --gzip --number-field n {FAULTS} --json"
        );
        let report = simulate(at, &line).json();
        assert_eq!(report["records"], 3_000);
        for (sum, name) in made.iter_mut().zip(["arrived", "broken", "duplicates"]) {
            *sum += report[name].as_u64().unwrap();
        }
        let run = sluice(at, &["run", "-q"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let [arrived, broken, duplicates] = made;
    assert!(broken > 5 && duplicates > 20, "{made:?}");
    let row = asked(
        at,
        "SELECT count(*), count(DISTINCT n), count_if(n IS NULL AND broken IS NULL) FROM readings",
    );
    assert_eq!(row[0], arrived.to_string(), "every record once");
    assert_eq!(row[2], "0", "nothing unread that is not kept");
    let distinct = asked(
        at,
        "SELECT count(DISTINCT device_id, n), count(DISTINCT device_id) FROM readings WHERE n IS NOT NULL",
    );
    // The devices of the two seeds have different names.
    assert_eq!(distinct, [(6_000 - broken).to_string(), "10".to_owned()]);
    assert_eq!(
        asked(at, "SELECT sum(n) FROM devices"),
        [(6_000 - broken).to_string()]
    );
}

#[test]
fn csv_with_a_header_in_every_file_is_read() {
    let project = folder();
    let at = project.path();
    fs::write(
        at.join("all.sql"),
        "CREATE STREAMING TABLE logs AS SELECT * FROM STREAM read_files('landing', format => 'csv', header => true,
           schema => 'sensor_id INT, timestamp STRING, temperature DOUBLE, humidity DOUBLE, location STRING');",
    )
    .unwrap();
    let line = "sensor-logs --to file:landing --from 2025-05-01 --to-time 2025-05-02 --rows-per-file 5000 --json";
    let report = simulate(at, line).json();
    assert_eq!(report["records"], 17_280, "a row every five seconds");
    assert_eq!(report["files"], 4);
    assert_eq!(sluice(at, &["run", "-q"]).code, 0);
    let row = asked(
        at,
        "SELECT count(*), count(temperature), min(sensor_id), max(sensor_id), max(timestamp) FROM logs",
    );
    assert_eq!(
        row,
        ["17280", "17280", "1001", "1005", "2025-05-01 23:59:55"]
    );
}

#[test]
fn the_same_seed_and_time_give_the_same_bytes() {
    let at = folder();
    for preset in [
        "bridge-sensors",
        "fleet-poc",
        "sensor-logs",
        "predictive-maintenance",
        "iot-lakehouse",
    ] {
        let line = |to: &str, seed: u32| {
            format!("{preset} --from 2026-11-01 --count 2000 --seed {seed} {FAULTS} --to {to}")
        };
        let first = simulate(at.path(), &line("stdout", 1));
        assert_eq!(first.code, 0, "{}", first.stderr);
        assert_eq!(first.stdout, simulate(at.path(), &line("stdout", 1)).stdout);
        assert_ne!(first.stdout, simulate(at.path(), &line("stdout", 2)).stdout);
        let folders = ["a", "b"].map(|name| format!("{preset}-{name}"));
        for name in &folders {
            let ended = simulate(at.path(), &line(&format!("file:{name}"), 1));
            assert_eq!(ended.code, 0, "{}", ended.stderr);
        }
        let [one, other] = folders.map(|name| files(&at.path().join(name)));
        assert_eq!(one, other);
        assert!(!one.is_empty() && one.iter().all(|(name, _)| !name.contains(".tmp")));
    }
}

#[test]
fn a_template_makes_records() {
    let at = folder();
    fs::write(
        at.path().join("t.json"),
        "{\n  \"device_id\": \"SENSOR-{{random(1, 3)}}\",\n  \"temperature\": {{random.number({\"min\": 15, \"max\": 35})}},\n  \"at\": \"{{date.utc}}\"\n}\n",
    )
    .unwrap();
    let ended = simulate(
        at.path(),
        "--template t.json --from 2026-11-20T20:00:00Z --rate 2/s --count 3 --seed 1 --number-field n",
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let rows: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2]["n"], 3);
    assert_eq!(rows[2]["at"], "2026-11-20T20:00:01Z");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what is refused")]
fn what_makes_no_sense_is_refused() {
    let at = folder();
    fs::write(
        at.path().join("wrong.txt"),
        "{\"a\": 1,\n \"b\": {{random.numbr(3)}}}",
    )
    .unwrap();
    fs::write(at.path().join("plain.txt"), "{{random.number}},x").unwrap();
    fs::write(at.path().join("a-file"), "").unwrap();
    for (line, code, said) in [
        (
            "fleet-poc --to kinesis://",
            2,
            "UNSUPPORTED_SIMULATION_TARGET",
        ),
        (
            "fleet-poc --partition-key f",
            2,
            "add `--to kinesis:STREAM`",
        ),
        (
            "fleet-poc --to kinesis:s --gzip",
            2,
            "`--gzip` is for files",
        ),
        (
            "fleet-poc --to kinesis:s --credential nobody",
            2,
            "what credential `nobody` is",
        ),
        ("fleet-poc --to s3://b", 2, "UNSUPPORTED_SIMULATION_TARGET"),
        ("--template wrong.txt", 2, "SIMULATION_TEMPLATE_INVALID"),
        ("--template wrong.txt", 2, "wrong.txt:2:9"),
        ("--template wrong.txt", 2, "did you mean `random.number`?"),
        ("--template gone.txt", 2, "PROJECT_FILE_NOT_FOUND"),
        ("--template plain.txt --number-field n", 2, "{{seq}}"),
        ("--template plain.txt --anomalies 1%", 2, "{{anomaly("),
        (
            "fleet-poc --to file:x --rate max",
            2,
            "SIMULATION_ARGUMENT_INVALID",
        ),
        (
            "fleet-poc --to file:x --from 2026-01-01",
            2,
            "--to-time TIME",
        ),
        (
            "fleet-poc --gzip --count 1",
            2,
            "SIMULATION_ARGUMENT_INVALID",
        ),
        (
            "fleet-poc --rate max --from 2026-01-01 --count 1",
            2,
            "needs a rate",
        ),
        (
            "fleet-poc --from 2026-01-02 --to-time 2026-01-01",
            2,
            "not behind",
        ),
        ("iot-lakehouse --table nix --count 1", 2, "`cdc_orders`"),
        ("fleet-poc --table t --count 1", 2, "leave `--table` out"),
        (
            "fleet-poc --to file:a-file/x --count 1",
            2,
            "OUTPUT_NOT_WRITABLE",
        ),
        ("bridge", 2, "bridge-sensors"),
        ("fleet-poc --anomalies 1", 2, "such as `0.5%`"),
        ("fleet-poc --rate 0", 2, "100/s"),
        ("fleet-poc --devices 0", 2, "--devices"),
        ("fleet-poc --count 0", 2, "--count"),
    ] {
        let ended = simulate(at.path(), line);
        assert_eq!(ended.code, code, "{line}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{line}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{line}");
    }
    assert!(!at.path().join("x").exists(), "nothing was made");
}

#[test]
fn rows_are_shown_as_they_are_committed() {
    let project = folder();
    let at = project.path();
    fs::create_dir(at.join("transformations")).unwrap();
    fs::write(
        at.join("transformations/all.sql"),
        "CREATE STREAMING TABLE readings AS SELECT * FROM STREAM read_files('landing', format => 'json', schema => 'id INT, value INT');
         CREATE MATERIALIZED VIEW per_id AS SELECT id, sum(value) AS total FROM readings GROUP BY id;
         CREATE TEMPORARY VIEW large AS SELECT * FROM readings WHERE value > 10;",
    )
    .unwrap();
    fs::create_dir(at.join("landing")).unwrap();
    let ran = |name: &str, lines: &str| {
        fs::write(at.join("landing").join(name), lines).unwrap();
        let run = sluice(at, &["run", "-q"]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    };
    ran("1.json", "{\"id\":1,\"value\":1}\n{\"id\":2,\"value\":2}\n");
    ran("2.json", "{\"id\":1,\"value\":5}\n");
    let tap = |line: &str| {
        let arguments: Vec<&str> = ["tap"].into_iter().chain(line.split(' ')).collect();
        sluice(at, &arguments)
    };
    let csv = tap("readings --from-start --limit 3 --format csv");
    assert_eq!(
        (csv.code, csv.stdout.as_str()),
        (0, "id,value\n1,1\n2,2\n1,5\n"),
        "{}",
        csv.stderr
    );
    let two = tap("readings --from-start --limit 2");
    assert_eq!(
        two.stdout.lines().count(),
        2,
        "json, an object per line: {}",
        two.stdout
    );
    // Of the view: its first two rows, then the one that changed.
    let view = tap("per_id --from-start --limit 3 --format csv");
    let mut rows: Vec<&str> = view.stdout.lines().skip(1).collect();
    rows[..2].sort_unstable();
    assert_eq!(rows, ["1,1", "2,2", "1,6"]);
    for (line, said) in [
        ("large", "EXPECT_TABLE_NOT_VIEW"),
        (
            "nothing",
            "the tables are main.default.per_id, main.default.readings",
        ),
    ] {
        let ended = tap(line);
        assert_eq!(ended.code, 1, "{line}");
        assert!(ended.stderr.contains(said), "{line}: {}", ended.stderr);
    }
    let top = sluice(at, &["top", "--count", "1", "--interval", "50ms", "--json"]).json();
    let rows: Vec<&Value> = top["flows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flow| &flow["rows"])
        .collect();
    assert_eq!(rows, [2, 3]);
}

/// The bytes of base 64.
fn unpacked(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let values = text
        .bytes()
        .filter_map(|byte| letters.iter().position(|letter| *letter == byte));
    let values: Vec<usize> = values.collect();
    let groups = values.chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, value| bits << 6 | value);
        let bits = bits << (6 * (4 - group.len()));
        let bytes = u32::try_from(bits).unwrap().to_be_bytes();
        bytes[1..group.len()].to_vec()
    });
    groups.collect()
}

/// Partition keys and records of a stream, shard by shard.
async fn records(kinesis: &EmbeddedKinesis, stream: &str) -> Vec<Vec<(String, Value)>> {
    let call = async |operation, request| kinesis.call(operation, request).await.unwrap();
    let shards = call("ListShards", json!({ "StreamName": stream })).await;
    let mut found = vec![];
    for shard in shards["Shards"].as_array().unwrap() {
        let id = &shard["ShardId"];
        let at =
            json!({ "StreamName": stream, "ShardId": id, "ShardIteratorType": "TRIM_HORIZON" });
        let iterator = call("GetShardIterator", at).await["ShardIterator"].clone();
        let answer = call(
            "GetRecords",
            json!({ "ShardIterator": iterator, "Limit": 10_000 }),
        )
        .await;
        let records = answer["Records"].as_array().unwrap().iter().map(|record| {
            let bytes = unpacked(record["Data"].as_str().unwrap());
            let key = record["PartitionKey"].as_str().unwrap().to_owned();
            (key, serde_json::from_slice(&bytes).unwrap())
        });
        found.push(records.collect());
    }
    found
}

#[test]
fn a_stream_takes_every_record_in_the_order_of_its_key() {
    let at = folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kinesis = runtime.block_on(EmbeddedKinesis::start()).unwrap();
    let simulate = |line: &str| {
        let to = format!("--region us-east-1 --endpoint {}", kinesis.endpoint());
        let arguments = format!("simulate {line} {to}");
        let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args(arguments.split(' '))
            .envs([("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")])
            .current_dir(at.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, _, said) = simulate("fleet-poc --to kinesis:readings --count 1");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("SIMULATION_STREAM_NOT_FOUND"), "{said}");
    assert!(
        said.contains("--to kinesis:readings --create-stream 1"),
        "{said}"
    );

    let nobody = sluice(
        at.path(),
        &[
            "simulate",
            "fleet-poc",
            "--to",
            "kinesis:s",
            "--region",
            "us-east-1",
        ]
        .into_iter()
        .chain(["--endpoint", "http://127.0.0.1:1"])
        .collect::<Vec<_>>(),
    );
    assert_eq!(nobody.code, 2, "{}", nobody.stderr);
    assert!(nobody.stderr.contains("SIMULATION_STREAM_NOT_WRITABLE"));

    let line = "fleet-poc --to kinesis://readings --create-stream 4 --rate max --count 9000 --devices 50 --number-field n --json";
    let (code, report, said) = simulate(line);
    assert_eq!(code, Some(0), "{said}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["sent"], 9_000);
    let shards = runtime.block_on(records(&kinesis, "readings"));
    assert!(
        shards.iter().all(|shard| !shard.is_empty()),
        "spread by key"
    );
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = 0;
    for (key, record) in shards.into_iter().flatten() {
        assert_eq!(record["device_id"], key);
        let number = record["n"].as_u64().unwrap();
        assert!(last.insert(key, number).is_none_or(|last| last < number));
        count += 1;
    }
    assert_eq!((count, last.len()), (9_000, 50));
}

#[test]
fn the_same_simulation_does_not_overwrite_its_files() {
    let at = folder();
    let line = "fleet-poc --to file:x --from 2026-01-01 --count 5 --seed 1";
    assert_eq!(simulate(at.path(), line).code, 0);
    let before = files(&at.path().join("x"));
    let again = simulate(at.path(), line);
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("is already there"),
        "{}",
        again.stderr
    );
    assert_eq!(files(&at.path().join("x")), before);
}
