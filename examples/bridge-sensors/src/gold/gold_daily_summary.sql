-- A row per day and device.
CREATE OR REFRESH MATERIALIZED VIEW gold_daily_summary
COMMENT 'Each device, day by day.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  to_date(timestamp) AS date,
  device_id,
  category,
  avg(temperature_celsius) AS daily_avg_temp,
  max(vibration_intensity) AS daily_max_vibration,
  min(battery_level) AS daily_min_battery,
  count(*) AS total_records,
  count_if(vibration_category = 'High') AS high_vibration_count
FROM silver_sensor_enriched
GROUP BY to_date(timestamp), device_id, category;
