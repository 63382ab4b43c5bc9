-- Gold: what people ask for. Always equals its query; only windows with new readings are computed again.
CREATE OR REFRESH MATERIALIZED VIEW gold_10min
COMMENT 'Readings per sensor and ten minutes'
AS SELECT
  window(measured_at, '10 minutes').start AS window_start,
  device_id,
  count(*) AS readings,
  round(avg(temperature), 2) AS avg_temperature,
  max(temperature) AS max_temperature,
  round(avg(humidity), 2) AS avg_humidity,
  max(vibration_intensity) AS max_vibration,
  min(battery_level) AS min_battery
FROM silver_readings
GROUP BY window(measured_at, '10 minutes'), device_id;
