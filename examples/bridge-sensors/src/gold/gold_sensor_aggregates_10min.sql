-- Ten minutes of a device in a row; a window goes on changing while readings for it arrive.
CREATE OR REFRESH STREAMING TABLE gold_sensor_aggregates_10min
COMMENT 'Each device in windows of ten minutes.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  window.start AS window_start,
  window.end AS window_end,
  device_id,
  device_name,
  category,
  avg(temperature_celsius) AS avg_temperature,
  max(temperature_celsius) AS max_temperature,
  min(temperature_celsius) AS min_temperature,
  avg(humidity_percent) AS avg_humidity,
  max(vibration_intensity) AS max_vibration,
  avg(vibration_intensity) AS avg_vibration,
  max(tilt_angle) AS max_tilt,
  min(battery_level) AS min_battery,
  count(*) AS record_count
FROM STREAM(silver_sensor_enriched)
GROUP BY window(timestamp, '10 minutes'), device_id, device_name, category;
