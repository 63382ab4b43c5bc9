-- The latest state of each of the devices; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_devices
COMMENT 'Latest state of devices, one row per device_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY device_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_devices
)
SELECT
  md5(device_id) AS _surrogate_key,
  device_id,
  device_name,
  device_type,
  manufacturer,
  model,
  location_id,
  customer_id,
  status,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
