//! Commands that reach into buckets beside the warehouse: what they write there, and what they watch.

use super::project::Project;
use super::server::Server;
use super::{Outcome, PLANT, check};

pub(super) fn export() -> Outcome {
    let server = Server::start(&["lake", "landing", "reports"])?;
    let rows = "{\"id\":1,\"site\":\"a\"}\n{\"id\":2,\"site\":\"b\"}\n";
    server.put("landing", "in/1.json", rows)?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    project.sluice(&["run"])?.done()?;
    let place = server.bucket("reports").join("day/silver.csv");
    let target = "s3://reports/day/silver.csv";
    project.sluice(&["export", "silver", target])?.done()?;
    let written = std::fs::read_to_string(&place).map_err(|error| error.to_string())?;
    check(
        &written.replace('\r', ""),
        "id,site\n1,a\n2,b\n",
        "exported",
    )?;
    project
        .sluice(&["export", "gold", target])?
        .refused(2, "OUTPUT_EXISTS")?;
    project
        .sluice(&["export", "gold", target, "--overwrite"])?
        .done()?;
    let replaced = std::fs::read_to_string(&place).map_err(|error| error.to_string())?;
    check(
        &replaced.replace('\r', ""),
        "site,readings\na,1\nb,1\n",
        "replaced",
    )?;
    project
        .sluice(&["export", "silver", "s3://reports/day/silver.parquet"])?
        .done()?;
    let read = project.query("SELECT count(*) FROM read_files('s3://reports/day/*.parquet')")?;
    check(&read, "2", "as Parquet")?;
    project
        .sluice(&["export", "silver", "s3://reports", "--format", "csv"])?
        .refused(2, "OUTPUT_NOT_WRITABLE")?;
    Ok(())
}

pub(super) fn export_table() -> Outcome {
    let server = Server::start(&["lake", "landing", "reports"])?;
    let rows = "{\"id\":1,\"site\":\"a b\"}\n{\"id\":2,\"site\":\"c\"}\n";
    server.put("landing", "in/1.json", rows)?;
    let sql = PLANT.replace("DROP ROW) AS", "DROP ROW) PARTITIONED BY (site) AS");
    let project = Project::new(&server, "s3://lake/wh", &sql)?;
    project.sluice(&["run"])?.done()?;
    let export = |table: &str, more: &[&str]| {
        let command = [
            "export",
            table,
            "s3://reports/tables/t",
            "--format",
            "delta",
        ];
        project.sluice(&[&command, more].concat())
    };
    let read = |columns: &str| {
        let from = "FROM delta.`s3://reports/tables/t`";
        project.query(&format!("SELECT {columns} {from}"))
    };
    export("silver", &[])?.done()?;
    let silver = "concat_ws(' ', sort_array(collect_list(concat(id, '=', site))))";
    check(&read(silver)?, "1=a b 2=c", "exported")?;
    let log = server.bucket("reports").join("tables/t/_delta_log");
    let commits = std::fs::read_dir(&log)
        .map_err(|error| error.to_string())?
        .count();
    check(
        &commits.to_string(),
        "1",
        "the table appears with one commit",
    )?;
    let live = "s3://lake/wh/main/default/silver";
    let command = ["export", "gold", live, "--format", "delta", "--overwrite"];
    let refused = "OUTPUT_NOT_WRITABLE";
    project.sluice(&command)?.refused(2, refused)?;
    export("gold", &[])?.refused(2, "OUTPUT_EXISTS")?;
    export("gold", &["--overwrite"])?.done()?;
    check(
        &read("sum(readings)")?,
        "2",
        "replaced by a table of other columns",
    )?;
    export("silver", &["--overwrite"])?.done()?;
    check(&read(silver)?, "1=a b 2=c", "replaced again")
}

pub(super) fn file_arrival() -> Outcome {
    let server = Server::start(&["lake", "landing"])?;
    server.put("landing", "in/1.json", "{\"id\":1,\"site\":\"a\"}\n")?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    let bundle = "bundle: {name: plant}
resources:
  pipelines:
    plant: {libraries: [{glob: {include: transformations/**}}]}
  jobs:
    arrivals:
      trigger: {file_arrival: {url: 's3://landing/in'}}
      tasks: [{task_key: refresh, pipeline_task: {pipeline_id: '${resources.pipelines.plant.id}'}}]
    patterns:
      trigger: {file_arrival: {url: 's3://landing/*/in'}}
      tasks: [{task_key: refresh, pipeline_task: {pipeline_id: '${resources.pipelines.plant.id}'}}]
";
    project.write("databricks.yml", bundle)?;
    let serve = || project.sluice(&["serve", "arrivals", "--once"])?.done();
    let first = serve()?;
    if first.contains("started") {
        return Err(format!("what was there before has started a run: {first}"));
    }
    server.put("landing", "in/deep/2.json", "{\"id\":2,\"site\":\"a\"}\n")?;
    let second = serve()?;
    if !second.contains("refresh completed") {
        return Err(format!("a new object has started nothing: {second}"));
    }
    check(
        &project.query("SELECT count(*) FROM bronze")?,
        "2",
        "bronze",
    )?;
    let third = serve()?;
    if third.contains("started") {
        return Err(format!("nothing new has started a run: {third}"));
    }
    let watched = project.sluice(&["serve", "patterns", "--once"])?;
    if watched.err.contains("[PATH_INVALID]") {
        Ok(())
    } else {
        Err(format!("a pattern is watched: {watched:?}"))
    }
}
