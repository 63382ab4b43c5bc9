-- Dashboard: what needs a look now.
SELECT alert_type, count(*) AS alerts, count(DISTINCT device_id) AS devices, max(timestamp) AS newest
FROM gold_sensor_alerts
WHERE alert_timestamp > current_timestamp() - INTERVAL 1 HOUR
GROUP BY alert_type
ORDER BY alerts DESC, alert_type;
