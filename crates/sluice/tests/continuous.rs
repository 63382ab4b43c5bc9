//! A continuous update as a process: its lease, how it ends, who is told of its alerts, and `sluice dev`, which runs
//! one. What its flows do is tested by the cases.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what prepares a test may end it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const PIPELINE: &str = "CREATE STREAMING TABLE t AS SELECT id FROM STREAM read_files('in', format => 'json', schema => 'id BIGINT');";

fn project() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pipeline.sql"), PIPELINE).unwrap();
    fs::create_dir(folder.path().join("in")).unwrap();
    fs::write(folder.path().join("in/1.json"), "{\"id\":1}\n").unwrap();
    folder
}

fn sluice(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    command.args(arguments).current_dir(folder);
    command
}

/// Starts an update and waits until it has committed a micro-batch.
fn start(folder: &Path) -> (Child, BufReader<ChildStdout>) {
    start_with(folder, &[])
}

/// As [`start`], with these in the environment.
fn start_with(folder: &Path, environment: &[(&str, String)]) -> (Child, BufReader<ChildStdout>) {
    let mut child = sluice(folder, &["run", "--continuous", "--events", "-"])
        .envs(environment.iter().cloned())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap());
    until(&mut events, "Completed a micro-batch");
    (child, events)
}

fn until(events: &mut BufReader<ChildStdout>, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(events.read_line(&mut line).unwrap(), 0, "no `{words}`");
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

#[test]
fn new_files_are_taken_and_ctrl_c_ends_it_with_130() {
    let project = project();
    let (mut child, mut events) = start(project.path());
    let second = project.path().join("in/2.json");
    fs::write(project.path().join("in/2.tmp"), "{\"id\":2}\n").unwrap();
    fs::rename(project.path().join("in/2.tmp"), second).unwrap();
    until(&mut events, "Completed a micro-batch");
    let other = sluice(project.path(), &["run"]).output().unwrap();
    assert_eq!(other.status.code(), Some(4), "the lease is held");
    signal(&child, "-INT");
    until(&mut events, "is STOPPING");
    until(&mut events, "is CANCELED");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rows = sluice(project.path(), &["sql", "SELECT count(*) AS n FROM t"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(rows.stdout).unwrap(), "n\n2\n");
}

#[test]
fn a_service_that_is_told_to_end_ends_well() {
    let project = project();
    let (mut child, _events) = start(project.path());
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// A request that an endpoint has received and not answered.
struct Asked {
    stream: TcpStream,
    key: String,
    body: String,
}

impl Asked {
    /// Waits for the next request.
    fn next(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut key, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else {
                if line.trim_end().is_empty() {
                    break;
                }
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => value.clone_into(&mut key),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        Self { stream, key, body }
    }

    fn take(mut self) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        self.stream.write_all(answer).unwrap();
    }
}

#[test]
fn an_endpoint_that_hangs_slows_no_flow_and_hears_of_every_row() {
    let project = project();
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = endpoint.local_addr().unwrap();
    let settings = "notification_destinations:\n  ops: {webhook: \"env:HOOK\", table: t, deduplication_key: [id]}\n";
    fs::write(project.path().join("sluice.yml"), settings).unwrap();
    let hook = ("HOOK", format!("http://{address}/hook"));
    let (mut child, mut events) = start_with(project.path(), &[hook]);
    let hanging = Asked::next(&endpoint);
    assert!(
        hanging.body.contains(r#""rows":[{"id":1}]"#),
        "{}",
        hanging.body
    );
    // Nobody has answered, and the flow goes on.
    fs::write(project.path().join("2.tmp"), "{\"id\":2}\n").unwrap();
    fs::rename(
        project.path().join("2.tmp"),
        project.path().join("in/2.json"),
    )
    .unwrap();
    until(&mut events, "Completed a micro-batch");
    let (key, body) = (hanging.key.clone(), hanging.body.clone());
    drop(hanging.stream);
    let again = Asked::next(&endpoint);
    assert_eq!((&again.key, &again.body), (&key, &body), "the same message");
    again.take();
    let second = Asked::next(&endpoint);
    assert!(
        second.body.contains(r#""rows":[{"id":2}]"#),
        "{}",
        second.body
    );
    assert_ne!(second.key, key);
    second.take();
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn dev_shows_alerts_of_made_up_readings_and_takes_up_changes() {
    let folder = tempfile::tempdir().unwrap();
    let bronze = "CREATE STREAMING TABLE bronze AS SELECT CAST(data AS STRING) AS text FROM STREAM read_kinesis(streamName => 'iot-sensor-data', region => 'eu-west-1', initialPosition => 'trim_horizon');\n";
    let alerts = "CREATE STREAMING TABLE alerts AS SELECT 'first' AS version, length(text) > 0 AS has_text FROM STREAM(bronze);\n";
    let pipeline = folder.path().join("pipeline.sql");
    fs::write(&pipeline, format!("{bronze}{alerts}")).unwrap();
    let told = folder.path().join("told.txt");
    let mut child = sluice(folder.path(), &["dev", "--json"])
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap());
    until(&mut rows, r#""version":"first""#);
    let changed = alerts.replace("first", "second");
    fs::write(&pipeline, format!("{bronze}{changed}")).unwrap();
    until(&mut rows, r#""version":"second""#);
    // What cannot be read changes nothing: rows keep coming.
    fs::write(&pipeline, "CREATE NONSENSE;").unwrap();
    while !fs::read_to_string(&told).unwrap().contains("error[") {
        until(&mut rows, r#""version":"second""#);
    }
    until(&mut rows, r#""version":"second""#);
    let told = fs::read_to_string(&told).unwrap();
    assert!(told.contains("pipeline.sql:1"), "{told}");
    assert!(
        told.contains("`sluice top --warehouse .sluice/dev`"),
        "{told}"
    );
    signal(&child, "-INT");
    // Whoever reads slowly must not keep it from ending.
    std::io::copy(&mut rows, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
