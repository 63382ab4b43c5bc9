-- Silver: rows that can be trusted. What breaks an expectation is dropped and counted.
CREATE OR REFRESH STREAMING TABLE silver_readings (
  CONSTRAINT has_device EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT has_time EXPECT (measured_at IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT sane_temperature EXPECT (temperature BETWEEN -50 AND 150) ON VIOLATION DROP ROW
)
AS SELECT
  device_id,
  measured_at,
  date_trunc('HOUR', measured_at) AS measured_hour,
  temperature,
  humidity,
  coalesce(status, 'unknown') AS status
FROM STREAM(bronze_readings);
