-- Readings that somebody should look at, each under the first reason that holds. The limits are configuration.
CREATE OR REFRESH STREAMING TABLE gold_sensor_alerts
COMMENT 'Readings beyond a limit.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  device_id,
  device_name,
  category,
  timestamp,
  temperature_celsius,
  vibration_intensity,
  battery_level,
  CASE
    WHEN temperature_celsius > ${alert.temperature_max} THEN 'High Temperature'
    WHEN temperature_celsius < ${alert.temperature_min} THEN 'Low Temperature'
    WHEN humidity_percent > ${alert.humidity_max} THEN 'High Humidity'
    WHEN vibration_intensity > ${alert.vibration_max} THEN 'High Vibration'
    WHEN battery_level < ${alert.battery_min} THEN 'Low Battery'
    ELSE 'Unknown'
  END AS alert_type,
  current_timestamp() AS alert_timestamp
FROM STREAM(silver_sensor_enriched)
WHERE temperature_celsius > ${alert.temperature_max}
  OR temperature_celsius < ${alert.temperature_min}
  OR humidity_percent > ${alert.humidity_max}
  OR vibration_intensity > ${alert.vibration_max}
  OR battery_level < ${alert.battery_min};
