//! The program against a real S3 server: what works there, what is refused by name, and faults on the way.

mod commands;
mod faults;
mod project;
mod server;
mod troubles;
pub(crate) mod world;

use libtest_mimic::{Failed, Trial};

use project::Project;
use server::{Fault, Server};

type Outcome = Result<(), String>;

/// All trials of this folder.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial(
            "every command works on a warehouse in a bucket",
            every_command,
        ),
        trial(
            "a LOCATION may be in another bucket, from a bucket or from disk",
            other_bucket,
        ),
        trial(
            "files are found by prefix and pattern, and read once",
            sources,
        ),
        trial(
            "cleanSource moves objects within a bucket and into another",
            clean_source,
        ),
        trial(
            "an object that changed after it was listed is not read",
            changed_object,
        ),
        trial("a lease is respected, given back and taken over", lease),
        trial("what people can mend has a name", named_conditions),
        trial(
            "an export into a bucket is one object, and replaces none unasked",
            commands::export,
        ),
        trial(
            "an exported table appears in a bucket with one commit, and is replaced with one",
            commands::export_table,
        ),
        trial(
            "new objects start a job that watches their prefix",
            commands::file_arrival,
        ),
    ];
    trials.extend(faults::trials());
    trials.extend(troubles::trials());
    trials
}

fn trial(name: &str, test: fn() -> Outcome) -> Trial {
    Trial::test(format!("s3: {name}"), move || test().map_err(Failed::from))
}

fn check(found: &str, expected: &str, what: &str) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}\nexpected:\n{expected}\nfound:\n{found}"))
}

const PLANT: &str = "\
CREATE OR REFRESH STREAMING TABLE bronze AS
SELECT id, site FROM STREAM read_files('s3://landing/in', format => 'json', schema => 'id BIGINT, site STRING');
CREATE OR REFRESH STREAMING TABLE silver (CONSTRAINT known EXPECT (site IS NOT NULL) ON VIOLATION DROP ROW) AS
SELECT id, site FROM STREAM bronze;
CREATE OR REFRESH MATERIALIZED VIEW gold AS SELECT site, count(*) AS readings FROM silver GROUP BY site;
";

fn every_command() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    server.put(
        "landing",
        "in/1.json",
        "{\"id\":1,\"site\":\"a\"}\n{\"id\":2}\n",
    )?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    project.sluice(&["run"])?.done()?;
    server.put(
        "landing",
        "in/2.json",
        "{\"id\":3,\"site\":\"a\"}\n{\"id\":4,\"site\":\"b\"}\n",
    )?;
    project.sluice(&["run"])?.done()?;
    check(
        &project.query("SELECT * FROM gold ORDER BY site")?,
        "a,2\nb,1",
        "gold",
    )?;
    let table = project.query("SELECT count(*) FROM delta.`s3://lake/wh/main/default/silver`")?;
    check(&table, "3", "a table by its place")?;
    for command in [
        &["show", "gold"][..],
        &["history"],
        &["history", "silver"],
        &["logs"],
        &["plan"],
        &["lineage"],
        &["optimize"],
        &["vacuum"],
        &["sql", "DESCRIBE DETAIL silver"],
        &["export", "silver", "out.csv"],
    ] {
        project
            .sluice(command)?
            .done()
            .map_err(|error| format!("{command:?}: {error}"))?;
    }
    let exported = std::fs::read_to_string(project.folder().join("out.csv")).unwrap_or_default();
    if !exported.contains("4,b") {
        return Err(format!("export wrote {exported}"));
    }
    let first = project.query("SELECT count(*) FROM silver VERSION AS OF 1")?;
    check(&first, "1", "silver as it was")?;
    project
        .sluice(&["restore", "silver", "--version", "1"])?
        .done()?;
    check(
        &project.query("SELECT count(*) FROM silver")?,
        "1",
        "silver restored",
    )?;
    project.sluice(&["run"])?.done()?;
    check(
        &project.query("SELECT count(*) FROM silver")?,
        "3",
        "silver filled again",
    )?;
    project.sluice(&["run", "--full-refresh-all"])?.done()?;
    check(
        &project.query("SELECT * FROM gold ORDER BY site")?,
        "a,2\nb,1",
        "gold afterwards",
    )?;
    // Nothing of the warehouse lies on disk.
    let traces = project.folder().join(".sluice");
    if traces.join("warehouse").exists() {
        return Err("a warehouse was made on disk".into());
    }
    Ok(())
}

fn other_bucket() -> Outcome {
    let server = Server::start(&["lake", "landing", "shared"])?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    let sql = "\
CREATE OR REFRESH STREAMING TABLE bronze LOCATION 's3://shared/tables/bronze' AS
SELECT id FROM STREAM read_files('s3://landing/in', format => 'json', schema => 'id BIGINT');
CREATE OR REFRESH MATERIALIZED VIEW total AS SELECT sum(id) AS total FROM bronze;
";
    for warehouse in ["s3://lake/wh", "./tables"] {
        let project = Project::new(&server, warehouse, sql)?;
        if warehouse == "./tables" {
            // Another pipeline: the table of the first one is its own.
            project.write(
                "transformations/plant.sql",
                &sql.replace("tables/bronze", "tables/second"),
            )?;
        }
        project.sluice(&["run"])?.done()?;
        check(&project.query("SELECT * FROM total")?, "1", warehouse)?;
        project.sluice(&["run"])?.done()?;
        check(
            &project.query("SELECT count(*) FROM bronze")?,
            "1",
            warehouse,
        )?;
    }
    for folder in ["bronze", "second"] {
        let table = server.bucket("shared").join("tables").join(folder);
        for inside in ["_delta_log", "_sluice"] {
            if !table.join(inside).is_dir() {
                return Err(format!("{inside} of {folder} is not in its bucket"));
            }
        }
    }
    Ok(())
}

fn sources() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    for (key, id) in [
        ("in/day=1/a.json", 1),
        ("in/day=2/b.json", 2),
        ("in/day=2/c.txt", 3),
        ("in/_hidden/d.json", 4),
        ("inside/e.json", 5),
        ("in/day=2/f g.json", 6),
    ] {
        server.put("landing", key, &format!("{{\"id\":{id}}}\n"))?;
    }
    let sql = "\
CREATE OR REFRESH STREAMING TABLE taken AS
SELECT id, day, _metadata.file_path AS path, _metadata.file_size AS size
FROM STREAM read_files('s3://landing/in/*/*.json', format => 'json', schema => 'id BIGINT, day INT');
CREATE OR REFRESH STREAMING TABLE later AS
SELECT id FROM STREAM read_files('s3://landing/later', format => 'json', schema => 'id BIGINT');
CREATE OR REFRESH MATERIALIZED VIEW whole AS
SELECT count(*) AS n FROM read_files('s3a://landing/in', format => 'json', schema => 'id BIGINT');
";
    let project = Project::new(&server, "s3://lake/wh", sql)?;
    project.sluice(&["run"])?.done()?;
    let expected = "\
1,1,s3://landing/in/day=1/a.json,9
2,2,s3://landing/in/day=2/b.json,9
6,2,s3://landing/in/day=2/f g.json,9";
    check(
        &project.query("SELECT * FROM taken ORDER BY id")?,
        expected,
        "by pattern",
    )?;
    check(&project.query("SELECT n FROM whole")?, "4", "by prefix")?;
    check(
        &project.query("SELECT count(*) FROM later")?,
        "0",
        "a prefix without objects",
    )?;
    server.put("landing", "in/day=3/h.json", "{\"id\":7}\n")?;
    server.put("landing", "later/i.json", "{\"id\":8}\n")?;
    project.sluice(&["run"])?.done()?;
    check(
        &project.query("SELECT * FROM later")?,
        "8",
        "its first object",
    )?;
    check(
        &project.query("SELECT count(*) FROM taken")?,
        "4",
        "one more",
    )?;
    // The engine's own tables are no source.
    let own = "CREATE MATERIALIZED VIEW m AS SELECT * FROM read_files('s3://lake/wh/main', format => 'parquet');";
    project.write("transformations/plant.sql", own)?;
    project
        .sluice(&["validate"])?
        .refused(1, "PATH_NOT_ALLOWED")?;
    // A mapping wins over the bucket.
    project.write("local/in/1.json", "{\"id\":9}\n")?;
    let settings = std::fs::read_to_string(project.folder().join("sluice.yml")).unwrap_or_default();
    project.write(
        "sluice.yml",
        &format!("{settings}paths:\n  s3://landing/: ./local\n"),
    )?;
    let mapped = project.query("SELECT id FROM read_files('s3://landing/in', format => 'json')")?;
    check(&mapped, "9", "mapped to a folder")
}

fn clean_source() -> Outcome {
    let server = Server::start(&["lake", "landing", "archive"])?;
    for (warehouse, destination) in [("s3://lake/a", "landing"), ("s3://lake/b", "archive")] {
        let sql = format!(
            "CREATE OR REFRESH STREAMING TABLE taken AS SELECT id FROM STREAM read_files('s3://landing/in', format => 'json', schema => 'id BIGINT', cleanSource => 'MOVE', `cleanSource.moveDestination` => 's3://{destination}/done', `cleanSource.retentionDuration` => '0 seconds');"
        );
        server.put("landing", "in/1.json", "{\"id\":1}\n")?;
        // The server takes a folder that lost its last file for an object that does not read.
        server.put("landing", "in/_kept", "-")?;
        let project = Project::new(&server, warehouse, &sql)?;
        for _ in 0..2 {
            project.sluice(&["run"])?.done()?;
        }
        check(&project.query("SELECT * FROM taken")?, "1", destination)?;
        if server.bucket("landing").join("in/1.json").exists() {
            return Err(format!("moved to {destination}, and still there"));
        }
        if !server.bucket(destination).join("done").is_dir() {
            return Err(format!("nothing came to {destination}"));
        }
    }
    Ok(())
}

fn changed_object() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    let place = server.bucket("landing").join("in/1.json");
    let times = std::sync::atomic::AtomicU64::new(0);
    server.judge(move |_, request| {
        if request.is_get_of("/landing/in/1.json") {
            // Another version each time: a batch that is planned again with a version that stays would be done.
            let id = 22 + times.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let _ = std::fs::write(&place, format!("{{\"id\":{id},\"site\":\"other\"}}\n"));
        }
        None
    });
    project.sluice(&["run"])?.refused(1, "FILE_CHANGED")?;
    server.relent();
    check(
        &project.query("SELECT count(*) FROM bronze")?,
        "0",
        "bronze",
    )
}

fn lease() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    project.sluice(&["run"])?.done()?;
    let key = "wh/_sluice/plant/default/lease.json";
    let place = server.bucket("lake").join(key);
    let left = std::fs::read_to_string(&place).map_err(|error| error.to_string())?;
    if !left.contains("\"epoch\":0") {
        return Err(format!("the lease of the first engine says {left}"));
    }
    project.sluice(&["run"])?.done()?;
    let held = "{\"owner\":\"another machine\",\"epoch\":7,\"expires\":\"2999-01-01T00:00:00Z\"}";
    server.put("lake", key, held)?;
    project
        .sluice(&["run"])?
        .refused(4, "PIPELINE_ALREADY_RUNNING")?;
    check(
        &project.query("SELECT readings FROM gold")?,
        "1",
        "questions need no lease",
    )?;
    server.put("lake", key, &held.replace("2999", "2020"))?;
    project.sluice(&["run"])?.done()?;
    let left = std::fs::read_to_string(&place).map_err(|error| error.to_string())?;
    if left.contains("\"epoch\":8") {
        Ok(())
    } else {
        Err(format!("the lease that was taken over says {left}"))
    }
}

fn named_conditions() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    let mut project = Project::new(&server, "s3://lake/wh", PLANT)?;
    server.judge(|_, request| (request.method == "PUT").then_some(Fault::Denied));
    let denied = project.sluice(&["run"])?;
    denied.refused(1, "S3_ACCESS_DENIED")?;
    if !denied.err.contains("s3:PutObject") {
        return Err(format!("the permission is not named: {}", denied.err));
    }
    server.judge(|_, _| Some(Fault::WrongRegion));
    let elsewhere = project.sluice(&["run"])?;
    elsewhere.refused(1, "S3_WRONG_REGION")?;
    if !elsewhere.err.contains("region: eu-central-1") {
        return Err(format!("the region is not told: {}", elsewhere.err));
    }
    server.judge(|_, request| (request.method == "PUT").then_some(Fault::Unconditional));
    project.sluice(&["run"])?.refused(1, "STORAGE_UNSAFE")?;
    server.relent();
    project.sluice(&["run"])?.done()?;
    project.set_secret("wrong");
    project
        .sluice(&["run"])?
        .refused(1, "S3_CREDENTIALS_REFUSED")?;
    let missing = Project::new(&server, "s3://no-such-lake/wh", PLANT)?;
    // The server makes buckets that are not there.
    server.judge(|_, _| Some(Fault::NoBucket));
    missing
        .sluice(&["run"])?
        .refused(1, "S3_BUCKET_NOT_FOUND")?;
    let settings = "warehouse: s3://lake/wh\ns3: {credentials: nobody}\n";
    missing.write("sluice.yml", settings)?;
    let unknown = missing.sluice(&["run"])?;
    if unknown.err.contains("[S3_SETTINGS_INVALID]") {
        Ok(())
    } else {
        Err(format!("expected S3_SETTINGS_INVALID: {unknown:?}"))
    }
}
