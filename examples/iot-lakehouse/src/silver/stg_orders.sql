-- The latest state of each of the orders; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_orders
COMMENT 'Latest state of orders, one row per order_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY order_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_orders
)
SELECT
  md5(order_id) AS _surrogate_key,
  order_id,
  customer_id,
  product_id,
  device_id,
  TRY_CAST(quantity AS INT) AS quantity,
  TRY_CAST(total_amount AS DECIMAL(12, 2)) AS total_amount,
  order_status,
  CASE WHEN order_date IS NOT NULL THEN DATE(from_unixtime(order_date / 1000)) ELSE DATE(_cdc_timestamp) END AS order_date,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
