-- Critical readings of the last day, device by device: the bars of a chart.
SELECT
  device_id,
  count(*) AS critical_count,
  round(max(temperature_c), 2) AS hottest,
  repeat('#', CAST(least(count(*), 40) AS INT)) AS bar
FROM iot_sensor_processed
WHERE is_critical AND event_timestamp > NOW() - INTERVAL '24 HOURS'
GROUP BY device_id
ORDER BY critical_count DESC, device_id;
