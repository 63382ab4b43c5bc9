-- Readings as columns. Times come as milliseconds since 1970, and their fraction is kept.
CREATE OR REFRESH STREAMING TABLE iot_sensor_processed (
  CONSTRAINT is_reading EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW
)
COMMENT 'Readings of the fleet.'
AS SELECT
  reading.device_id,
  CAST(reading.`timestamp` / 1000 AS TIMESTAMP) AS event_timestamp,
  reading.metrics.temperature_c AS temperature_c,
  reading.metrics.pressure_hpa AS pressure_hpa,
  reading.metrics.humidity_percent AS humidity_percent,
  reading.status,
  reading.region,
  CASE WHEN reading.metrics.temperature_c > ${critical_above} THEN true ELSE false END AS is_critical,
  kinesis_time
FROM (
  SELECT kinesis_time, from_json(
    json_payload,
    'device_id STRING, `timestamp` BIGINT, metrics STRUCT<temperature_c: FLOAT, pressure_hpa: FLOAT, humidity_percent: FLOAT>, status STRING, region STRING'
  ) AS reading
  FROM STREAM(iot_sensor_raw)
);
