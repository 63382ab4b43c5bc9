-- Each device, hour and sensor type, with the spread of its values.
CREATE OR REFRESH MATERIALIZED VIEW agg_hourly_device_metrics
COMMENT 'One row per device, hour and sensor type.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  md5(CONCAT(device_id, '-', CAST(DATE_TRUNC('HOUR', event_timestamp) AS STRING), '-', sensor_type)) AS metric_key,
  device_key,
  device_id,
  DATE_TRUNC('HOUR', event_timestamp) AS event_hour_start,
  event_date,
  event_hour,
  sensor_type,
  CASE WHEN DAYOFWEEK(event_date) IN (1, 7) THEN 'weekend' ELSE 'weekday' END AS day_type,
  COUNT(*) AS total_readings,
  COUNT_IF(is_valid_reading) AS valid_readings,
  COUNT_IF(is_threshold_breach) AS breach_count,
  ROUND(AVG(sensor_value), 4) AS avg_value,
  MIN(sensor_value) AS min_value,
  MAX(sensor_value) AS max_value,
  ROUND(STDDEV(sensor_value), 4) AS stddev_value,
  PERCENTILE_APPROX(sensor_value, 0.5) AS median_value,
  PERCENTILE_APPROX(sensor_value, 0.95) AS p95_value,
  UNIX_TIMESTAMP(MAX(event_timestamp)) - UNIX_TIMESTAMP(MIN(event_timestamp)) AS active_seconds,
  current_timestamp() AS _loaded_at
FROM LIVE.fct_iot_events
GROUP BY device_key, device_id, DATE_TRUNC('HOUR', event_timestamp), event_date, event_hour, sensor_type;
