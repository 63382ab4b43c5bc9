-- The latest state of each of the products; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_products
COMMENT 'Latest state of products, one row per product_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY product_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_products
)
SELECT
  md5(product_id) AS _surrogate_key,
  product_id,
  product_name,
  category,
  TRY_CAST(unit_price AS DECIMAL(10, 2)) AS unit_price,
  description,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
