-- Orders with the keys of their dimensions.
CREATE OR REFRESH MATERIALIZED VIEW fct_orders
COMMENT 'Orders that are not deleted, one row each.'
TBLPROPERTIES ('quality' = 'gold')
AS SELECT
  o._surrogate_key AS order_key,
  COALESCE(md5(o.customer_id), md5('UNKNOWN')) AS customer_key,
  COALESCE(md5(o.product_id), md5('UNKNOWN')) AS product_key,
  COALESCE(md5(o.device_id), md5('UNKNOWN')) AS device_key,
  md5(CAST(o.order_date AS STRING)) AS date_key,
  o.order_id,
  o.customer_id,
  o.product_id,
  o.device_id,
  o.order_date,
  o.order_status,
  o.quantity,
  o.total_amount,
  CASE WHEN o.quantity > 0 THEN ROUND(o.total_amount / o.quantity, 2) ELSE 0 END AS unit_price,
  CASE WHEN o.order_status = 'completed' THEN 1 ELSE 0 END AS is_completed,
  CASE WHEN o.order_status = 'pending' THEN 1 ELSE 0 END AS is_pending,
  CASE WHEN o.order_status = 'cancelled' THEN 1 ELSE 0 END AS is_cancelled,
  current_timestamp() AS _loaded_at
FROM LIVE.stg_orders o
WHERE NOT o._is_deleted;
