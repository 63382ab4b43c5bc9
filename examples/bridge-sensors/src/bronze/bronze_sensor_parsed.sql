-- The payload as columns. What is no JSON, or names no device, is dropped and counted; it stays in bronze_sensor_raw.
CREATE OR REFRESH STREAMING TABLE bronze_sensor_parsed (
  CONSTRAINT valid_id EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW
)
COMMENT 'Readings as columns.'
TBLPROPERTIES ('quality' = 'bronze')
AS SELECT reading.*, current_timestamp() AS ingestion_timestamp
FROM (
  SELECT from_json(
    raw_payload,
    'device_id STRING, device_name STRING, location STRING, sensor_type STRING, temperature DOUBLE, humidity DOUBLE, vibration_intensity DOUBLE, tilt_angle DOUBLE, battery_level INT, signal_strength INT, timestamp TIMESTAMP, status STRING'
  ) AS reading
  FROM STREAM(bronze_sensor_raw)
);
