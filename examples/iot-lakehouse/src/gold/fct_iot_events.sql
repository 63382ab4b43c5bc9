-- Readings with the keys of their dimensions and a verdict against the thresholds of their sensor type.
-- A sensor type may have several thresholds: the tightest bounds count, so that a reading stays one row.
CREATE OR REFRESH MATERIALIZED VIEW fct_iot_events
COMMENT 'Sensor readings, one row per event.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH bounds AS (
  SELECT sensor_type, MAX(min_value) AS min_value, MIN(max_value) AS max_value
  FROM LIVE.stg_alert_thresholds
  WHERE NOT _is_deleted
  GROUP BY sensor_type
)
SELECT
  e._surrogate_key AS event_key,
  COALESCE(md5(e.device_id), md5('UNKNOWN')) AS device_key,
  COALESCE(md5(e.location_id), md5('UNKNOWN')) AS location_key,
  md5(CAST(e.event_date AS STRING)) AS date_key,
  e.event_id,
  e.device_id,
  e.event_timestamp,
  e.event_date,
  HOUR(e.event_timestamp) AS event_hour,
  e.sensor_type,
  e.sensor_value,
  e.sensor_unit,
  e.quality_flag,
  e.is_valid_reading,
  e.battery_level,
  e.battery_status,
  b.min_value AS threshold_min,
  b.max_value AS threshold_max,
  COALESCE(e.sensor_value < b.min_value OR e.sensor_value > b.max_value, FALSE) AS is_threshold_breach,
  current_timestamp() AS _loaded_at
FROM LIVE.stg_iot_events e
LEFT JOIN bounds b ON e.sensor_type = b.sensor_type;
