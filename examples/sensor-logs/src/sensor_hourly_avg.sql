-- By hour of the day, 0 to 23, not by hour of one day: how warm is it at nine in Room A?
CREATE OR REFRESH MATERIALIZED VIEW sensor_hourly_avg
COMMENT 'Averages by location and hour of the day'
AS SELECT
  location,
  hour(timestamp) AS hour,
  count(*) AS readings,
  round(avg(temperature), 3) AS avg_temperature,
  round(avg(humidity), 3) AS avg_humidity
FROM silver_readings
GROUP BY location, hour(timestamp);
