-- Two series of the Numenta Anomaly Benchmark. The series is the file's name.
CREATE OR REFRESH STREAMING TABLE bronze_temperatures
COMMENT 'NAB: temperatures of two systems that failed'
AS SELECT
  split_part(_metadata.file_name, '.', 1) AS series,
  timestamp,
  value
FROM STREAM read_files(
  '${landing}/temperatures',
  format => 'csv',
  header => true,
  schema => 'timestamp TIMESTAMP, value DOUBLE'
);

-- The windows in which people say that something was wrong: an object of lists of pairs, as published.
CREATE OR REFRESH MATERIALIZED VIEW labelled_windows
COMMENT 'NAB: labelled anomaly windows'
AS SELECT
  split_part(split_part(series_file, '/', 2), '.', 1) AS series,
  CAST(pair[0] AS TIMESTAMP) AS window_start,
  CAST(pair[1] AS TIMESTAMP) AS window_end
FROM (
  SELECT series_file, explode(pairs) AS pair
  FROM (
    SELECT explode(map(
      'realKnownCause/ambient_temperature_system_failure.csv', `realKnownCause/ambient_temperature_system_failure.csv`,
      'realKnownCause/machine_temperature_system_failure.csv', `realKnownCause/machine_temperature_system_failure.csv`
    )) AS (series_file, pairs)
    FROM read_files(
      '${landing}/labels',
      format => 'json',
      multiLine => true,
      schema => '`realKnownCause/ambient_temperature_system_failure.csv` ARRAY<ARRAY<STRING>>, `realKnownCause/machine_temperature_system_failure.csv` ARRAY<ARRAY<STRING>>'
    )
  )
);
