//! Shapes that public projects have: whole files of the examples, and notebooks as people export them.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod support;

use std::path::{Path, PathBuf};

use support::{check, errors};

/// Every SQL file below a folder, in order.
fn sql_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "sql") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_pipeline_file_of_the_examples_parses() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files: Vec<PathBuf> = sql_files(&examples)
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .collect();
    assert!(files.len() >= 26, "{files:?}");
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut plain = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once("${") {
            plain.push_str(before);
            plain.push('x');
            rest = behind.split_once('}').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(errors(&plain), Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn a_notebook_without_semicolons() {
    check(
        "-- Databricks notebook source\n-- DBTITLE 1,Settings: it's global\n\
         SET spark.databricks.cloudFiles.schemaInference.sampleSize.numFiles = 100000\n\n-- COMMAND ----------\n\n\
         -- DBTITLE 1,Raw\nCREATE OR REFRESH STREAMING TABLE raw_status\nCOMMENT \"Raw, from\n two lines\"\n\
         TBLPROPERTIES (\"quality\" = \"bronze\", pipelines.autoOptimize.zOrderCols = \"user\")\nAS\n\
         SELECT *, regexp_extract(_metadata.file_name, \"(.*)_(.*).json\", 2) AS station FROM STREAM read_files(\n  \"/landing/status\", \n  format => \"json\", \n  inferColumnTypes => \"true\"\n  )\n\n\
         -- COMMAND ----------\n\n-- MAGIC %md\n-- MAGIC ## Don't parse `this\n\n-- COMMAND ----------\n\n\
         CREATE OR REFRESH TEMPORARY STREAMING TABLE exploded\nAS SELECT s.id, last, clouds.all AS cover FROM (\n  SELECT EXPLODE(data.items) AS s, last FROM STREAM(raw_status)\n  )\n\n\
         -- COMMAND ----------\n\nCREATE STREAMING LIVE TABLE silver (\n CONSTRAINT `id should not be null` EXPECT(id IS NOT NULL) on VIOLATION DROP ROW\n);\n\
         APPLY CHANGES INTO\n  LIVE.silver\nFROM\n  stream(LIVE.exploded)\nKEYS\n  (id)\nAPPLY AS DELETE WHEN\n  is_deleted = \"true\"\nSEQUENCE BY\n  last\nCOLUMNS * EXCEPT\n  (is_deleted, last)\nSTORED AS\n  SCD TYPE 2;\n",
        &[
            "streaming table raw_status comment=Raw, from\n two lines properties=pipelines.autoOptimize.zOrderCols:user,quality:bronze \
             <- stream read_files(='/landing/status',format='json',inferColumnTypes='true') AS read_files",
            "streaming table exploded private=yes <- stream raw_status AS raw_status",
            "streaming table silver expect=id should not be null(id IS NOT NULL)DropRow <- nothing",
            "flow silver into LIVE.silver <- auto cdc stream live.exploded AS exploded keys=id by last delete=is_deleted = 'true' \
             columns=-is_deleted-last stored=ScdType2",
        ],
    );
}

#[test]
fn kinesis_with_json_in_a_binary_column() {
    check(
        "CREATE OR REFRESH STREAMING TABLE bronze_sensor_raw
         TBLPROPERTIES ('quality' = 'bronze', 'source' = 'kinesis')
         AS SELECT CAST(data AS STRING) AS raw_payload
         FROM STREAM read_kinesis(streamName => 'iot-sensor-data', initialPosition => 'TRIM_HORIZON', maxRecordsPerFetch => 10000,
           maxFetchRate => 2.0, serviceCredential => 'kinesis-credential', region => 'us-east-1');
         CREATE OR REFRESH STREAMING TABLE gold_10min AS
         SELECT window.start AS window_start, device_id, avg(temperature) AS avg_temperature, count_if(category = 'High') AS high
         FROM STREAM(LIVE.silver) WATERMARK timestamp DELAY OF INTERVAL 10 MINUTES
         GROUP BY window(timestamp, '10 minutes'), device_id;
         CREATE OR REFRESH STREAMING TABLE silver_enriched AS
         SELECT c.* EXCEPT (signal_strength), m.category FROM STREAM(LIVE.cleaned) c LEFT JOIN LIVE.metadata m ON c.device_id = m.device_id",
        &[
            "streaming table bronze_sensor_raw properties=quality:bronze,source:kinesis <- stream read_kinesis(streamName='iot-sensor-data',\
             initialPosition='TRIM_HORIZON',maxRecordsPerFetch=10000,maxFetchRate=2.0,serviceCredential='kinesis-credential',\
             region='us-east-1') AS read_kinesis",
            "streaming table gold_10min <- stream live.silver {} Some((\"timestamp\", 600000000)) AS silver",
            "streaming table silver_enriched <- stream live.cleaned AS c, batch live.metadata AS m",
        ],
    );
}

#[test]
fn materialized_views_over_other_catalogs() {
    check(
        "CREATE OR REFRESH MATERIALIZED VIEW dim (key BIGINT NOT NULL, date DATE, type STRING, CONSTRAINT pk PRIMARY KEY(key)) AS
         WITH dates AS (SELECT explode(sequence(DATE'1992-01-01', DATE'1998-12-31', INTERVAL 1 MONTH)) as date),
              n AS (SELECT n.name, r.name AS region FROM samples.tpch.nation n JOIN samples.tpch.region r ON n.key = r.key)
         SELECT CAST(DATE_FORMAT(date, 'yyyyMM') AS BIGINT) AS key, date, `type` FROM dates, n
         UNION ALL
         SELECT -1, NULL, \"unknown\"",
        &["materialized view dim columns=key:bigint!,date:date,type:string noted=CONSTRAINT_pk_PRIMARY_KEY(key) \
           <- batch samples.tpch.nation AS n, batch samples.tpch.region AS r"],
    );
    check(
        "CREATE LIVE TABLE clean AS SELECT CAST(REPLACE(rate, '%', '') AS float) AS rate,
           (CAST(SUBSTR(a, 5, 4) AS double) - CAST(SUBSTR(b, 5, 4) AS double)) AS years,
           TRIM(REPLACE(v, \"Source Verified\", \"Verified\")) AS v
         FROM parquet.`/databricks-datasets/samples/lending_club/parquet/` WHERE s IN (\"Default\", \"Charged Off\")",
        &["materialized view clean <- batch parquet.`/databricks-datasets/samples/lending_club/parquet/` \
           AS /databricks-datasets/samples/lending_club/parquet/"],
    );
}
