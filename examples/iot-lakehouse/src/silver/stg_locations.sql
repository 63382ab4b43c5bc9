-- The latest state of each of the locations; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_locations
COMMENT 'Latest state of locations, one row per location_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY location_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_locations
)
SELECT
  md5(location_id) AS _surrogate_key,
  location_id,
  location_name,
  building,
  TRY_CAST(floor AS INT) AS floor,
  zone,
  TRY_CAST(latitude AS DECIMAL(10, 6)) AS latitude,
  TRY_CAST(longitude AS DECIMAL(10, 6)) AS longitude,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
