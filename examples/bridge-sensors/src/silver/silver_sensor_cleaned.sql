-- Readings that can be believed, of sensors that say that they are well.
CREATE OR REFRESH STREAMING TABLE silver_sensor_cleaned (
  CONSTRAINT valid_temperature EXPECT (temperature_celsius BETWEEN -50 AND 70) ON VIOLATION DROP ROW,
  CONSTRAINT valid_humidity EXPECT (humidity_percent BETWEEN 0 AND 100) ON VIOLATION DROP ROW,
  CONSTRAINT not_null_device_id EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT positive_battery EXPECT (battery_level > 0) ON VIOLATION DROP ROW
)
COMMENT 'Readings within what the sensors can measure.'
TBLPROPERTIES ('quality' = 'silver')
AS SELECT
  device_id,
  device_name,
  sensor_type,
  temperature AS temperature_celsius,
  humidity AS humidity_percent,
  vibration_intensity,
  CASE
    WHEN vibration_intensity > ${vibration.high} THEN 'High'
    WHEN vibration_intensity > ${vibration.medium} THEN 'Medium'
    ELSE 'Low'
  END AS vibration_category,
  tilt_angle,
  battery_level,
  signal_strength,
  timestamp
FROM STREAM(bronze_sensor_parsed)
WHERE status = 'normal';
