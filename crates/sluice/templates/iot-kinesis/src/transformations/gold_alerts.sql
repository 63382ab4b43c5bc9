-- Alerts: readings that somebody should look at, as soon as they are there.
CREATE OR REFRESH STREAMING TABLE gold_alerts
COMMENT 'Readings beyond their thresholds'
AS SELECT
  device_id,
  measured_at,
  CASE
    WHEN temperature > 50 THEN 'High Temperature'
    WHEN temperature < 5 THEN 'Low Temperature'
    WHEN humidity > 85 THEN 'High Humidity'
    WHEN vibration_intensity > 2.0 THEN 'High Vibration'
    ELSE 'Low Battery'
  END AS alert_type,
  temperature,
  humidity,
  vibration_intensity,
  battery_level
FROM STREAM(silver_readings)
WHERE
  temperature > 50
  OR temperature < 5
  OR humidity > 85
  OR vibration_intensity > 2.0
  OR battery_level < 20;
