-- Is the lakehouse complete, fresh and consistent? Run after an update: sluice sql -f queries/data_quality.sql

-- Rows per gold table.
SELECT 'dim_customers' AS table_name, COUNT(*) AS row_count FROM dim_customers UNION ALL
SELECT 'dim_devices', COUNT(*) FROM dim_devices UNION ALL
SELECT 'dim_locations', COUNT(*) FROM dim_locations UNION ALL
SELECT 'dim_date', COUNT(*) FROM dim_date UNION ALL
SELECT 'fct_iot_events', COUNT(*) FROM fct_iot_events UNION ALL
SELECT 'fct_alerts', COUNT(*) FROM fct_alerts UNION ALL
SELECT 'fct_orders', COUNT(*) FROM fct_orders UNION ALL
SELECT 'agg_customer_summary', COUNT(*) FROM agg_customer_summary
ORDER BY table_name;

-- Hours since the newest row of the facts.
SELECT
  'fct_iot_events' AS table_name,
  CASE
    WHEN MAX(event_timestamp) >= current_timestamp() - INTERVAL 6 HOURS THEN 'OK'
    WHEN MAX(event_timestamp) >= current_timestamp() - INTERVAL 24 HOURS THEN 'WARN'
    ELSE 'CRITICAL'
  END AS freshness
FROM fct_iot_events
UNION ALL
SELECT
  'fct_alerts',
  CASE WHEN MAX(created_at) >= current_timestamp() - INTERVAL 24 HOURS THEN 'OK' ELSE 'CRITICAL' END
FROM fct_alerts;

-- Readings without a value, in percent.
SELECT
  ROUND(COUNT_IF(sensor_value IS NULL) * 100.0 / COUNT(*), 3) AS null_pct,
  CASE
    WHEN COUNT_IF(sensor_value IS NULL) = 0 THEN 'OK'
    WHEN COUNT_IF(sensor_value IS NULL) * 100.0 / COUNT(*) < 1 THEN 'WARN'
    ELSE 'CRITICAL'
  END AS verdict
FROM fct_iot_events;

-- Facts whose device is in no dimension.
SELECT f.device_id, COUNT(*) AS events
FROM fct_iot_events f
LEFT ANTI JOIN dim_devices d ON f.device_key = d.device_key
GROUP BY f.device_id
ORDER BY f.device_id;
