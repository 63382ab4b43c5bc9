-- The folder that is watched: each file is read once. Columns that nobody announced do not stop the stream: they go to
-- _rescued_data, and the expectation counts them. Such rows are kept.
CREATE OR REFRESH STREAMING TABLE bronze_arriving (
  CONSTRAINT no_schema_drift EXPECT (_rescued_data IS NULL)
)
COMMENT 'Readings as they arrive, times parsed'
AS SELECT
  sensor_id,
  to_timestamp(timestamp) AS timestamp,
  temperature,
  humidity,
  location,
  _rescued_data,
  _metadata.file_name AS source_file
FROM STREAM read_files(
  '${landing}/arriving',
  format => 'csv',
  header => true,
  schema => 'sensor_id INT, timestamp STRING, temperature DOUBLE, humidity DOUBLE, location STRING',
  rescuedDataColumn => '_rescued_data'
);
