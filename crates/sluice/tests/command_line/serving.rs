//! Jobs by the clock, and alert rows to a webhook, as a user of the command line sees them.

use super::*;

/// A bundle with a job of every kind of start, and one that waits for people.
fn scheduled() -> TempDir {
    let task = "tasks: [{task_key: refresh, pipeline_task: {pipeline_id: '${resources.pipelines.etl.id}'}}]";
    let bundle = format!(
        "bundle: {{name: plant}}\nresources:\n  pipelines:\n    etl: {{libraries: [{{file: {{path: a.sql}}}}]}}\n  jobs:\n    \
         nightly: {{schedule: {{quartz_cron_expression: 0 0 2 * * ?, timezone_id: Europe/Berlin}}, {task}}}\n    \
         arrivals: {{trigger: {{file_arrival: {{url: data}}}}, {task}}}\n    by_hand: {{{task}}}\n\
         targets:\n  prod: {{default: true}}\n  dev: {{mode: development}}\n"
    );
    folder(&[
        ("databricks.yml", &bundle),
        (
            "a.sql",
            "CREATE STREAMING TABLE r AS SELECT * FROM STREAM read_files('data', format => 'json', schema => 'id INT');",
        ),
        ("data/1.json", "{\"id\": 1}\n"),
    ])
}

#[test]
fn starts_are_shown_in_the_zone_of_the_job_and_in_utc() {
    let project = scheduled();
    let listed = sluice(project.path(), "schedule list --json").json();
    let of = |index: usize, key: &str| listed[index][key].as_str().unwrap_or_default().to_owned();
    assert_eq!(of(0, "starts"), "on new files in data");
    assert_eq!(of(1, "starts"), "by hand");
    assert_eq!(of(2, "starts"), "at 0 0 2 * * ? (Europe/Berlin)");
    let next = sluice(
        project.path(),
        "schedule next nightly -n 2 --from 2026-03-28T12:00:00Z --json",
    );
    let next = next.json();
    assert_eq!(next[0]["start"], "2026-03-29T03:00:00+02:00 Europe/Berlin");
    assert_eq!(next[0]["utc"], "2026-03-29T01:00:00Z");
    assert_eq!(next[1]["start"], "2026-03-30T02:00:00+02:00 Europe/Berlin");
    let wrong = sluice(project.path(), "schedule next nigthly");
    assert!(
        wrong.stderr.contains("[SCHEDULE_JOB_NOT_FOUND]"),
        "{}",
        wrong.stderr
    );
    assert!(
        wrong.stderr.contains("did you mean `nightly`?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn serving_runs_what_is_due_and_says_when_nothing_ever_is() {
    let project = scheduled();
    let paused = sluice(project.path(), "serve -t dev --once");
    assert_eq!(paused.code, 1);
    assert!(
        paused.stderr.contains("[SCHEDULE_NOT_DECLARED]"),
        "{}",
        paused.stderr
    );
    assert!(
        paused.stderr.contains("`nightly` is paused by the target"),
        "{}",
        paused.stderr
    );
    // The first time it only looks: what lies there has started nothing.
    let first = sluice(project.path(), "serve arrivals --once");
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(!first.stdout.contains("started"), "{}", first.stdout);
    fs::write(project.path().join("data/2.json"), "{\"id\": 2}\n").unwrap();
    let second = sluice(project.path(), "serve arrivals --once");
    assert_eq!(second.code, 0, "{}", second.stderr);
    assert!(
        second.stdout.contains("refresh completed"),
        "{}",
        second.stdout
    );
    let rows = sluice(
        project.path(),
        "sql --mode csv 'SELECT count(*) AS n FROM r'",
    );
    assert_eq!(rows.stdout, "n\n2\n");
    let third = sluice(project.path(), "serve arrivals --once");
    assert!(!third.stdout.contains("started"), "{}", third.stdout);
}

/// An endpoint that takes every message and hands its body over.
fn receiver() -> (String, std::sync::mpsc::Receiver<Value>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, received) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, send) = (stream.unwrap(), send.clone());
            std::thread::spawn(move || {
                let mut bytes = vec![];
                loop {
                    let mut part = [0; 4096];
                    match stream.read(&mut part) {
                        Ok(0) | Err(_) => return,
                        Ok(number) => bytes.extend_from_slice(&part[..number]),
                    }
                    let text = String::from_utf8_lossy(&bytes);
                    let Some((_, body)) = text.split_once("\r\n\r\n") else {
                        continue;
                    };
                    if let Ok(body) = serde_json::from_str(body) {
                        send.send(body).unwrap();
                        stream
                            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                            .unwrap();
                        bytes.clear();
                    }
                }
            });
        }
    });
    (url, received)
}

#[test]
fn new_rows_and_updates_reach_a_webhook_once() {
    let (url, received) = receiver();
    let settings = format!(
        "notification_destinations:\n  ops: {{webhook: '{url}', table: alerts, alerts: [on-update-success]}}\n  \
         later: {{slack: env:SLUICE_NO_SUCH_VARIABLE, table: alerts}}\n  \
         share: {{webhook: 'file:address.txt'}}\n"
    );
    let project = folder(&[
        (
            "spark-pipeline.yml",
            "name: plant\nlibraries:\n  - glob: {include: transformations/**}\n",
        ),
        (
            "transformations/a.sql",
            "CREATE STREAMING TABLE alerts AS SELECT * FROM STREAM read_files('data', format => 'json', schema => 'id INT');\n",
        ),
        ("sluice.yml", &settings),
        ("address.txt", "ftp://files.example.com/alerts"),
        ("data/1.json", "{\"id\": 1}\n{\"id\": 2}\n"),
    ]);
    let bodies = || {
        let mut shown: Vec<String> = received
            .try_iter()
            .map(|body| {
                format!(
                    "{} {}",
                    body["table"],
                    body["rows"].as_array().map_or(0, Vec::len)
                )
            })
            .collect();
        shown.sort();
        shown
    };
    let first = sluice(project.path(), "run");
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(
        first.stderr.contains("[DESTINATION_SECRET_NOT_FOUND]"),
        "{}",
        first.stderr
    );
    assert_eq!(bodies(), ["\"main.default.alerts\" 2", "\"updates\" 1"]);
    assert_eq!(sluice(project.path(), "run").code, 0);
    assert_eq!(bodies(), ["\"updates\" 1"]);
    let listed = sluice(project.path(), "alerts list --json").json();
    assert_eq!(listed[0]["table"], "main.default.alerts");
    assert_eq!(listed[0]["next_version"], "2");
    assert_eq!(listed[1]["address"], "env:SLUICE_NO_SUCH_VARIABLE");
    assert_eq!(sluice(project.path(), "alerts test ops").code, 0);
    assert_eq!(bodies(), ["\"test\" 1"]);
    assert_eq!(sluice(project.path(), "alerts test later").code, 1);
    let share = sluice(project.path(), "alerts test share");
    assert_eq!(share.code, 1);
    assert!(
        share.stderr.contains("[DESTINATION_URL_NOT_ALLOWED]"),
        "{}",
        share.stderr
    );
    assert!(
        !share.stderr.contains("files.example.com"),
        "{}",
        share.stderr
    );
    let nobody = sluice(project.path(), "alerts test opz");
    assert_eq!(nobody.code, 1);
    assert!(
        nobody.stderr.contains("[DESTINATION_NOT_FOUND]"),
        "{}",
        nobody.stderr
    );
    assert!(
        nobody.stderr.contains("did you mean `ops`?"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn a_webhook_hears_of_the_runs_of_a_job() {
    let (url, received) = receiver();
    let bundle = "bundle: {name: plant}\nresources:\n  pipelines:\n    etl: {libraries: [{file: {path: a.sql}}]}\n  jobs:\n    \
        arrivals:\n      trigger: {file_arrival: {url: data}}\n      \
        webhook_notifications: {on_start: [{id: ops}], on_success: [{id: ops}], on_failure: [{id: OPS}]}\n      \
        tasks: [{task_key: refresh, pipeline_task: {pipeline_id: '${resources.pipelines.etl.id}'}}]\n";
    let sql = "CREATE STREAMING TABLE r (CONSTRAINT small EXPECT (id < 9) ON VIOLATION FAIL UPDATE) AS SELECT * FROM STREAM read_files('data', format => 'json', schema => 'id INT');";
    let settings = format!("notification_destinations:\n  ops: {{webhook: '{url}'}}\n");
    let project = folder(&[
        ("databricks.yml", bundle),
        ("sluice.yml", &settings),
        ("a.sql", sql),
        ("data/1.json", "{\"id\": 1}\n"),
    ]);
    let heard = || {
        let mut events: Vec<String> = received
            .try_iter()
            .map(|body| format!("{} {}", body["event_type"], body["job"]["job_id"]))
            .collect();
        events.sort();
        events
    };
    assert_eq!(sluice(project.path(), "serve --once").code, 0);
    assert_eq!(heard(), [""; 0]);
    fs::write(project.path().join("data/2.json"), "{\"id\": 2}\n").unwrap();
    let served = sluice(project.path(), "serve --once");
    assert_eq!(served.code, 0, "{}", served.stderr);
    let well = [
        "\"jobs.on_start\" \"arrivals\"",
        "\"jobs.on_success\" \"arrivals\"",
    ];
    assert_eq!(heard(), well);
    fs::write(project.path().join("data/3.json"), "{\"id\": 9}\n").unwrap();
    assert_eq!(sluice(project.path(), "serve --once").code, 1);
    let badly = [
        "\"jobs.on_failure\" \"arrivals\"",
        "\"jobs.on_start\" \"arrivals\"",
    ];
    assert_eq!(heard(), badly);
}
