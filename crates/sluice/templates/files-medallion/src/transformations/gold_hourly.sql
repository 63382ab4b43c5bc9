-- Gold: what people ask for. Always equals its query.
CREATE OR REFRESH MATERIALIZED VIEW gold_hourly
COMMENT 'Temperature per site and hour'
AS SELECT
  d.site,
  r.measured_hour,
  count(*) AS readings,
  round(avg(r.temperature), 2) AS avg_temperature,
  max(r.temperature) AS max_temperature,
  count_if(r.status <> 'ok') AS not_ok
FROM silver_readings r
LEFT JOIN devices d ON d.device_id = r.device_id
GROUP BY d.site, r.measured_hour;
