-- What somebody should look at: files whose columns are not the announced ones.
CREATE OR REFRESH MATERIALIZED VIEW schema_drift
COMMENT 'Files with columns that were not announced'
AS SELECT source_file, count(*) AS drifted_rows, min(_rescued_data) AS example
FROM bronze_arriving
WHERE _rescued_data IS NOT NULL
GROUP BY source_file;
