-- Each customer at a glance: revenue, devices, recent alerts and one score.
CREATE OR REFRESH MATERIALIZED VIEW agg_customer_summary
COMMENT 'One row per customer.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH devices AS (
  SELECT customer_id, AVG(health_score) AS avg_device_health, SUM(total_events) AS total_events
  FROM LIVE.dim_devices
  GROUP BY customer_id
),
alerts AS (
  SELECT d.customer_id, COUNT(*) AS alerts_30d, SUM(a.is_critical) AS critical_alerts_30d
  FROM LIVE.fct_alerts a
  JOIN LIVE.dim_devices d ON a.device_id = d.device_id
  WHERE a.alert_date >= DATE_SUB(current_date(), 30)
  GROUP BY d.customer_id
),
orders AS (
  SELECT
    customer_id,
    COUNT(*) AS order_count,
    SUM(is_completed) AS completed_orders,
    COUNT(DISTINCT order_date) AS active_order_days
  FROM LIVE.fct_orders
  GROUP BY customer_id
)
SELECT
  c.customer_key,
  c.customer_id,
  c.company_name,
  c.subscription_tier,
  c.customer_value_tier,
  c.activity_status,
  c.device_count,
  c.total_orders,
  c.total_revenue,
  COALESCE(o.completed_orders, 0) AS completed_orders,
  ROUND(o.order_count / NULLIF(o.active_order_days, 0), 2) AS orders_per_active_day,
  COALESCE(d.total_events, 0) AS total_events,
  ROUND(d.avg_device_health, 2) AS avg_device_health,
  COALESCE(a.alerts_30d, 0) AS alerts_30d,
  COALESCE(a.critical_alerts_30d, 0) AS critical_alerts_30d,
  ROUND(
    COALESCE(d.avg_device_health, 50) * 0.4
      + CASE
          WHEN c.total_revenue >= 100000 THEN 100
          WHEN c.total_revenue >= 50000 THEN 80
          WHEN c.total_revenue >= 10000 THEN 60
          WHEN c.total_revenue > 0 THEN 40
          ELSE 20
        END * 0.3
      + CASE c.activity_status WHEN 'active' THEN 100 WHEN 'at_risk' THEN 50 WHEN 'new' THEN 70 ELSE 20 END * 0.3,
    2
  ) AS customer_health_score,
  current_timestamp() AS _loaded_at
FROM LIVE.dim_customers c
LEFT JOIN devices d ON c.customer_id = d.customer_id
LEFT JOIN alerts a ON c.customer_id = a.customer_id
LEFT JOIN orders o ON c.customer_id = o.customer_id;
