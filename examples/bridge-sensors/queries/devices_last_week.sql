-- Dashboard: each device over the last seven days.
SELECT device_id, category, avg(daily_avg_temp) AS avg_temperature, max(daily_max_vibration) AS max_vibration,
  min(daily_min_battery) AS min_battery, sum(total_records) AS readings
FROM gold_daily_summary
WHERE date >= CURRENT_DATE - INTERVAL 7 DAY
GROUP BY device_id, category
ORDER BY device_id;
