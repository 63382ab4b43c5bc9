-- The files of the past, read whole at each update: types are inferred from the values.
CREATE OR REFRESH MATERIALIZED VIEW bronze_history
COMMENT 'Readings of the first day, as the loggers wrote them'
AS SELECT sensor_id, timestamp, temperature, humidity, location
FROM read_files('${landing}/history', format => 'csv', header => true, inferSchema => true);
