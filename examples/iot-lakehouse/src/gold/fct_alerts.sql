-- Alerts with flags and weights that add up.
CREATE OR REFRESH MATERIALIZED VIEW fct_alerts
COMMENT 'Alerts that are not deleted, one row each.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  a._surrogate_key AS alert_key,
  COALESCE(md5(a.device_id), md5('UNKNOWN')) AS device_key,
  md5(CAST(a.alert_date AS STRING)) AS date_key,
  a.alert_id,
  a.device_id,
  a.threshold_id,
  a.alert_type,
  a.severity,
  a.status,
  a.message,
  a.triggered_value,
  a.created_at,
  a.alert_date,
  CASE WHEN a.severity = 'critical' THEN 1 ELSE 0 END AS is_critical,
  CASE WHEN a.severity = 'high' THEN 1 ELSE 0 END AS is_high,
  CASE WHEN a.severity = 'medium' THEN 1 ELSE 0 END AS is_medium,
  CASE WHEN a.severity = 'low' THEN 1 ELSE 0 END AS is_low,
  CASE a.severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END
    AS severity_weight,
  CASE WHEN a.status = 'open' THEN 1 ELSE 0 END AS is_open,
  CASE WHEN a.status = 'acknowledged' THEN 1 ELSE 0 END AS is_acknowledged,
  CASE WHEN a.status = 'resolved' THEN 1 ELSE 0 END AS is_resolved,
  current_timestamp() AS _loaded_at
FROM LIVE.stg_alerts a
WHERE NOT a._is_deleted;
