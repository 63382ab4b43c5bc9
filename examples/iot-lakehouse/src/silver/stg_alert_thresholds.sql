-- The latest state of each of the alert thresholds; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_alert_thresholds
COMMENT 'Latest state of alert thresholds, one row per threshold_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY threshold_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_alert_thresholds
)
SELECT
  md5(threshold_id) AS _surrogate_key,
  threshold_id,
  sensor_type,
  TRY_CAST(min_value AS DECIMAL(10, 2)) AS min_value,
  TRY_CAST(max_value AS DECIMAL(10, 2)) AS max_value,
  severity,
  alert_message,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
