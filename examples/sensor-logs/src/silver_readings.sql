-- Complete rows, one per sensor and time, within what the sensors can measure. Incomplete rows go first: a broken copy
-- must not push out a sound one. Of several sound ones the history counts before what arrived, then the lower value.
CREATE OR REFRESH MATERIALIZED VIEW silver_readings
CLUSTER BY (sensor_id, timestamp)
COMMENT 'Sound readings, one per sensor and time'
AS SELECT sensor_id, timestamp, temperature, humidity, location
FROM (
  SELECT 1 AS rank, sensor_id, timestamp, temperature, humidity, location FROM bronze_history
  UNION ALL
  SELECT 2 AS rank, sensor_id, timestamp, temperature, humidity, location FROM bronze_arriving
)
WHERE sensor_id IS NOT NULL AND timestamp IS NOT NULL AND temperature IS NOT NULL
  AND humidity IS NOT NULL AND location IS NOT NULL
  AND temperature BETWEEN 50 AND 100
QUALIFY row_number() OVER (PARTITION BY sensor_id, timestamp ORDER BY rank, temperature, humidity, location) = 1;
