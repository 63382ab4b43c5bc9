-- Readings with a time, a verdict on their quality and on the battery.
CREATE OR REFRESH MATERIALIZED VIEW stg_iot_events
COMMENT 'Sensor readings, typed and judged.'
TBLPROPERTIES ('quality' = 'silver')
AS SELECT
  md5(event_id) AS _surrogate_key,
  event_id,
  device_id,
  COALESCE(event_timestamp, TRY_CAST(timestamp AS TIMESTAMP), _ingested_at) AS event_timestamp,
  DATE(COALESCE(event_timestamp, TRY_CAST(timestamp AS TIMESTAMP), _ingested_at)) AS event_date,
  sensor_type,
  value AS sensor_value,
  unit AS sensor_unit,
  location_id,
  quality_flag,
  COALESCE(quality_flag = 'good', FALSE) AS is_valid_reading,
  firmware_version,
  battery_level,
  CASE
    WHEN battery_level IS NULL THEN 'unknown'
    WHEN battery_level < 20 THEN 'critical'
    WHEN battery_level < 40 THEN 'low'
    WHEN battery_level < 60 THEN 'medium'
    ELSE 'good'
  END AS battery_status,
  _ingested_at,
  _source_file,
  current_timestamp() AS _transformed_at
FROM LIVE.iot_events;
