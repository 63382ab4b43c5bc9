-- The latest state of each of the alerts; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_alerts
COMMENT 'Latest state of alerts, one row per alert_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY alert_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_alerts
)
SELECT
  md5(alert_id) AS _surrogate_key,
  alert_id,
  device_id,
  threshold_id,
  alert_type,
  severity,
  message,
  status,
  TRY_CAST(triggered_value AS DOUBLE) AS triggered_value,
  COALESCE(timestamp_millis(created_at), _cdc_timestamp) AS created_at,
  DATE(COALESCE(timestamp_millis(created_at), _cdc_timestamp)) AS alert_date,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
