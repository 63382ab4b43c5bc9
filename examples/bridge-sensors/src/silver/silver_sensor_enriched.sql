-- Readings with what is known of their device. SENSOR-1 and SENSOR-001 are one device.
CREATE OR REFRESH STREAMING TABLE silver_sensor_enriched
COMMENT 'Readings with category and name of their device.'
TBLPROPERTIES ('quality' = 'silver')
AS SELECT
  reading.device_id,
  coalesce(device.device_name, reading.device_name) AS device_name,
  device.category,
  reading.sensor_type,
  reading.temperature_celsius,
  reading.humidity_percent,
  reading.vibration_intensity,
  reading.vibration_category,
  reading.tilt_angle,
  reading.battery_level,
  reading.timestamp,
  current_timestamp() AS enrichment_timestamp
FROM STREAM(silver_sensor_cleaned) AS reading
LEFT JOIN silver_device_metadata AS device
  ON device.device_id = concat('SENSOR-', lpad(regexp_extract(reading.device_id, '[0-9]+$', 0), 3, '0'));
