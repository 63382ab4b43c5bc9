//! The command line: what it takes and what it refuses.

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn spellings_that_others_script() {
    for line in [
        "run -t dev --project d --output json",
        "run iot -t dev",
        "run --spec spark-pipeline.yml --full-refresh-all",
        "run --refresh a,b --full-refresh c",
        "run --select +gold.x",
        "dry-run --spec f.yml",
        "sql -t dev --project d --mode csv -c SELECT",
        "validate --syntax f.sql",
        "bundle validate -t dev",
        "bundle summary -t dev --output json",
        "bundle run -t dev iot --refresh-all",
        "bundle run iot --validate-only",
        "bundle run iot --no-wait --restart",
        "bundle deploy -t dev --auto-approve --force-lock --fail-on-active-runs -c 0123",
        "pipelines deploy --force --auto-approve",
        "pipelines run --var a=b=c",
        "pipelines dry-run iot",
        "pipelines logs iot --level ERROR,WARN -n 5",
        "pipelines history",
        "pipelines show main.a.b -n 5",
        "show t --history",
        "test silver -k late --junit out.xml",
        "test --regimes",
        "init",
        "init spark --name plant",
        "bundle init default-sql --config-file c.json --output-dir d",
        "pipelines init --output-dir d",
        "test --regimes=all --output json",
        "test --update",
        "history main.a.b",
        "optimize t --zorder a,b",
        "optimize t --where day='2026-01-01'",
        "vacuum t --retain 168h --dry-run",
        "vacuum --force --retain 0h t",
        "restore t --version 3",
        "restore t --timestamp 2026-01-01",
        "export t f.csv --format csv --overwrite",
        "completion zsh",
        "explain",
        "fmt --check src a.sql",
        "version --json",
        "simulate bridge-sensors --rate 100/s --seed 7 --anomalies 1% --to stdout",
    ] {
        let parsed = Arguments::try_parse_from(std::iter::once("sluice").chain(line.split(' ')));
        assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
    }
}

#[test]
fn sql_may_begin_with_a_comment_beside_flags() {
    let query = "-- one row\nSELECT 1";
    for words in [
        vec!["sql", query],
        vec!["sql", "--mode", "json", query, "-q"],
        vec!["sql", "-c", query, "--mode", "json"],
        vec!["sql", "-q", "-c", query, "-c", query],
        vec!["sql", "-c", "--one row"],
    ] {
        let line = words.join(" ");
        let given = std::iter::once("sluice")
            .chain(words)
            .map(std::ffi::OsString::from);
        let parsed = Arguments::try_parse_from(told_apart(given)).unwrap();
        let Command::Sql(sql) = parsed.command else {
            panic!("not sql");
        };
        let mut texts = sql.query.iter().chain(&sql.commands);
        assert!(texts.all(|text| text.contains("--one row") || text.contains(query)));
        let is_json = sql.mode == Some(Mode::Json);
        assert_eq!(is_json, line.contains("json"), "{line}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    for line in [
        "run --full-refresh-all --refresh a",
        "run --full-refresh-all --refresh-all",
        "show t --history --schema",
        "run --var novalue",
        "run --parallelism 0",
        "sql --moed csv",
        "logs --level LOUD",
        "logs --event-type nosuch",
        "test --update --regimes",
        "restore t",
        "restore t --version 1 --timestamp x",
        "optimize t --full --zorder a",
        "export t",
        "frobnicate",
        "simulate",
        "simulate bridge-sensor",
        "simulate fleet-poc --template t.txt",
        "simulate fleet-poc --to-time 2026-01-01",
    ] {
        let parsed = Arguments::try_parse_from(std::iter::once("sluice").chain(line.split(' ')));
        assert_eq!(parsed.unwrap_err().exit_code(), 2, "{line}");
    }
}
