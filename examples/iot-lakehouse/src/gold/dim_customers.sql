-- Customers with what they own and what they ordered.
CREATE OR REFRESH MATERIALIZED VIEW dim_customers
COMMENT 'Customers that are not deleted, one row each.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH devices AS (
  SELECT
    customer_id,
    COUNT(DISTINCT device_id) AS device_count,
    COUNT(DISTINCT CASE WHEN status = 'active' THEN device_id END) AS active_device_count
  FROM LIVE.stg_devices
  WHERE NOT _is_deleted
  GROUP BY customer_id
),
orders AS (
  SELECT
    customer_id,
    COUNT(DISTINCT order_id) AS total_orders,
    SUM(total_amount) AS total_revenue,
    MIN(order_date) AS first_order_date,
    MAX(order_date) AS last_order_date
  FROM LIVE.stg_orders
  WHERE NOT _is_deleted
  GROUP BY customer_id
)
SELECT
  c._surrogate_key AS customer_key,
  c.customer_id,
  c.company_name,
  c.contact_name,
  c.email,
  c.phone,
  c.industry,
  c.subscription_tier,
  c.created_at AS customer_since,
  COALESCE(d.device_count, 0) AS device_count,
  COALESCE(d.active_device_count, 0) AS active_device_count,
  COALESCE(o.total_orders, 0) AS total_orders,
  COALESCE(o.total_revenue, 0) AS total_revenue,
  o.first_order_date,
  o.last_order_date,
  CASE
    WHEN COALESCE(o.total_revenue, 0) >= 100000 THEN 'platinum'
    WHEN COALESCE(o.total_revenue, 0) >= 50000 THEN 'gold'
    WHEN COALESCE(o.total_revenue, 0) >= 10000 THEN 'silver'
    ELSE 'bronze'
  END AS customer_value_tier,
  CASE
    WHEN o.last_order_date >= DATE_SUB(current_date(), 90) THEN 'active'
    WHEN o.last_order_date >= DATE_SUB(current_date(), 180) THEN 'at_risk'
    WHEN o.last_order_date IS NOT NULL THEN 'churned'
    ELSE 'new'
  END AS activity_status,
  current_timestamp() AS _loaded_at
FROM LIVE.stg_customers c
LEFT JOIN devices d ON c.customer_id = d.customer_id
LEFT JOIN orders o ON c.customer_id = o.customer_id
WHERE NOT c._is_deleted;
