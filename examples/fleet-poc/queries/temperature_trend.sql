-- The temperature of the fleet, minute by minute, over the last hour: the line of a chart.
SELECT
  DATE_TRUNC('minute', event_timestamp) AS minute,
  round(AVG(temperature_c), 2) AS avg_temperature_c
FROM iot_sensor_processed
WHERE event_timestamp > NOW() - INTERVAL '60 MINUTES'
GROUP BY 1
ORDER BY 1 DESC;
