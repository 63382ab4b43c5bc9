-- Bronze: what arrives, as it arrives. Each file of the folder is read once.
CREATE OR REFRESH STREAMING TABLE bronze_readings
COMMENT 'Readings as the devices send them'
AS SELECT *, _metadata.file_name AS source_file
FROM
  STREAM read_files(
    '${landing}/readings',
    format => 'json',
    schema => 'device_id STRING, measured_at TIMESTAMP, temperature DOUBLE, humidity DOUBLE, status STRING'
  );
