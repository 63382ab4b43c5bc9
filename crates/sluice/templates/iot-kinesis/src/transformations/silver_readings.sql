-- Silver: rows that can be trusted. What breaks an expectation is dropped and counted; the record stays in bronze.
CREATE OR REFRESH STREAMING TABLE silver_readings (
  CONSTRAINT has_device EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT has_time EXPECT (measured_at IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT sane_temperature EXPECT (temperature BETWEEN -50 AND 150) ON VIOLATION DROP ROW,
  CONSTRAINT sane_humidity EXPECT (humidity BETWEEN 0 AND 100)
)
COMMENT 'Readings of the sensors'
AS SELECT
  reading.device_id,
  reading.sensor_type,
  reading.`timestamp` AS measured_at,
  reading.temperature,
  reading.humidity,
  reading.vibration_intensity,
  reading.battery_level,
  arrived_at
FROM (
  SELECT
    arrived_at,
    from_json(
      payload,
      'device_id STRING, sensor_type STRING, `timestamp` TIMESTAMP, temperature DOUBLE, humidity DOUBLE, vibration_intensity DOUBLE, battery_level INT'
    ) AS reading
  FROM STREAM(bronze_readings)
);
