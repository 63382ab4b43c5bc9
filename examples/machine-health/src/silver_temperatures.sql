-- One value per hour and series: repeated times count once, five-minute values become their mean.
CREATE OR REFRESH MATERIALIZED VIEW silver_temperatures
COMMENT 'Hourly temperatures'
AS SELECT series, date_trunc('HOUR', timestamp) AS hour, round(avg(value), 6) AS temperature, count(*) AS readings
FROM (
  SELECT series, timestamp, max(value) AS value FROM bronze_temperatures
  WHERE timestamp IS NOT NULL AND value IS NOT NULL
  GROUP BY series, timestamp
)
GROUP BY series, date_trunc('HOUR', timestamp);
