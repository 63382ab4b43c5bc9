-- Devices with the quality of their readings, their alerts and a health score.
-- A device without readings has no quality and so no health score (NULL).
CREATE OR REFRESH MATERIALIZED VIEW dim_devices
COMMENT 'Devices that are not deleted, one row each.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH events AS (
  SELECT
    device_id,
    COUNT(*) AS total_events,
    COUNT_IF(is_valid_reading) AS valid_events,
    AVG(battery_level) AS avg_battery_level,
    MIN(battery_level) AS min_battery_level,
    MIN(event_timestamp) AS first_event_at,
    MAX(event_timestamp) AS last_event_at
  FROM LIVE.stg_iot_events
  GROUP BY device_id
),
alerts AS (
  SELECT
    device_id,
    COUNT(*) AS total_alerts,
    COUNT_IF(severity = 'critical') AS critical_alerts,
    COUNT_IF(status = 'open') AS open_alerts
  FROM LIVE.stg_alerts
  WHERE NOT _is_deleted
  GROUP BY device_id
),
measured AS (
  SELECT
    d._surrogate_key AS device_key,
    d.device_id,
    d.device_name,
    d.device_type,
    d.manufacturer,
    d.model,
    d.status,
    d.location_id,
    l.location_name,
    d.customer_id,
    c.company_name AS customer_name,
    COALESCE(e.total_events, 0) AS total_events,
    COALESCE(e.valid_events, 0) AS valid_events,
    ROUND(e.valid_events * 100.0 / NULLIF(e.total_events, 0), 2) AS data_quality_pct,
    e.avg_battery_level,
    e.min_battery_level,
    e.first_event_at,
    e.last_event_at,
    COALESCE(a.total_alerts, 0) AS total_alerts,
    COALESCE(a.critical_alerts, 0) AS critical_alerts,
    COALESCE(a.open_alerts, 0) AS open_alerts
  FROM LIVE.stg_devices d
  LEFT JOIN events e ON d.device_id = e.device_id
  LEFT JOIN alerts a ON d.device_id = a.device_id
  LEFT JOIN LIVE.stg_locations l ON d.location_id = l.location_id AND NOT l._is_deleted
  LEFT JOIN LIVE.stg_customers c ON d.customer_id = c.customer_id AND NOT c._is_deleted
  WHERE NOT d._is_deleted
)
SELECT
  device_key,
  device_id,
  device_name,
  device_type,
  manufacturer,
  model,
  status,
  location_id,
  location_name,
  customer_id,
  customer_name,
  total_events,
  valid_events,
  data_quality_pct,
  ROUND(avg_battery_level, 2) AS avg_battery_level,
  min_battery_level,
  first_event_at,
  last_event_at,
  total_alerts,
  critical_alerts,
  open_alerts,
  ROUND(
    data_quality_pct * 0.4
      + COALESCE(avg_battery_level, 50) * 0.3
      + CASE
          WHEN critical_alerts = 0 THEN 100
          WHEN critical_alerts < 5 THEN 70
          WHEN critical_alerts < 10 THEN 40
          ELSE 10
        END * 0.3,
    2
  ) AS health_score,
  COALESCE(status = 'active' AND last_event_at >= DATE_SUB(current_timestamp(), 1), FALSE) AS is_active,
  current_timestamp() AS _loaded_at
FROM measured;
