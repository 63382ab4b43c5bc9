-- Each device, day and sensor type: how much it measured, how well, and what went wrong that day.
CREATE OR REFRESH MATERIALIZED VIEW agg_daily_device_metrics
COMMENT 'One row per device, day and sensor type.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH readings AS (
  SELECT
    device_key,
    device_id,
    event_date,
    sensor_type,
    COUNT(*) AS total_readings,
    COUNT_IF(is_valid_reading) AS valid_readings,
    COUNT_IF(NOT is_valid_reading) AS invalid_readings,
    COUNT_IF(is_threshold_breach) AS breach_count,
    ROUND(AVG(sensor_value), 4) AS avg_value,
    MIN(sensor_value) AS min_value,
    MAX(sensor_value) AS max_value,
    ROUND(STDDEV(sensor_value), 4) AS stddev_value,
    ROUND(AVG(battery_level), 2) AS avg_battery_level,
    MIN(battery_level) AS min_battery_level
  FROM LIVE.fct_iot_events
  GROUP BY device_key, device_id, event_date, sensor_type
),
alerts AS (
  SELECT device_id, alert_date, COUNT(*) AS alert_count, SUM(is_critical) AS critical_alert_count
  FROM LIVE.fct_alerts
  GROUP BY device_id, alert_date
)
SELECT
  md5(CONCAT(r.device_id, '-', r.event_date, '-', r.sensor_type)) AS metric_key,
  r.device_key,
  r.device_id,
  d.device_name,
  d.customer_id,
  d.location_name,
  r.event_date,
  r.sensor_type,
  r.total_readings,
  r.valid_readings,
  r.invalid_readings,
  r.breach_count,
  ROUND(r.valid_readings * 100.0 / r.total_readings, 2) AS valid_pct,
  r.avg_value,
  r.min_value,
  r.max_value,
  r.stddev_value,
  r.avg_battery_level,
  r.min_battery_level,
  COALESCE(a.alert_count, 0) AS alert_count,
  COALESCE(a.critical_alert_count, 0) AS critical_alert_count,
  current_timestamp() AS _loaded_at
FROM readings r
LEFT JOIN alerts a ON r.device_id = a.device_id AND r.event_date = a.alert_date
LEFT JOIN LIVE.dim_devices d ON r.device_id = d.device_id;
