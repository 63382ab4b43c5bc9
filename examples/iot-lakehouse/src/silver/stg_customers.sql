-- The latest state of each of the customers; deleted ones stay, marked.
CREATE OR REFRESH MATERIALIZED VIEW stg_customers
COMMENT 'Latest state of customers, one row per customer_id.'
TBLPROPERTIES ('quality' = 'silver')
AS
WITH ranked AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY customer_id
      ORDER BY
        COALESCE(_cdc_timestamp, _ingested_at) DESC,
        CASE WHEN __op = 'd' THEN 1 ELSE 0 END DESC,
        _source_file DESC
    ) AS _row_number
  FROM LIVE.cdc_customers
)
SELECT
  md5(customer_id) AS _surrogate_key,
  customer_id,
  company_name,
  contact_name,
  LOWER(email) AS email,
  phone,
  industry,
  subscription_tier,
  CASE WHEN created_at IS NOT NULL THEN from_unixtime(created_at / 1000) ELSE _cdc_timestamp END AS created_at,
  CASE WHEN updated_at IS NOT NULL THEN from_unixtime(updated_at / 1000) ELSE _cdc_timestamp END AS updated_at,
  __op AS _cdc_operation,
  _cdc_timestamp,
  COALESCE(__deleted = 'true', FALSE) OR COALESCE(__op = 'd', FALSE) AS _is_deleted,
  _ingested_at,
  current_timestamp() AS _transformed_at
FROM ranked
WHERE _row_number = 1;
