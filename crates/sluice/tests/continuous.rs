//! A continuous update as a process: its lease, and how it ends. What its flows do is tested by the cases.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what prepares a test may end it")]

use std::fs;
use std::io::{BufRead, BufReader};
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
    let mut child = sluice(folder, &["run", "--continuous", "--events", "-"])
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
