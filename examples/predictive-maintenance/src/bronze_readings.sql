-- The raw backup of the stream holds one object per reading. Each object is taken once, and every reading keeps the moment of the
-- run that took it: that is what makes it count in one aggregate and no other.
CREATE OR REFRESH STREAMING TABLE bronze_readings (
  CONSTRAINT is_reading EXPECT (equipment_id IS NOT NULL AND event_time IS NOT NULL) ON VIOLATION DROP ROW
)
COMMENT 'Readings as they were backed up, with the moment of the run that took them'
AS SELECT
  equipment_id,
  temperature,
  pressure,
  vibration,
  timestamp_seconds(timestamp) AS event_time,
  _metadata.file_name AS source_file,
  current_timestamp() AS processed_at
FROM STREAM read_files(
  '${lake}/raw',
  format => 'json',
  schema => 'equipment_id STRING, temperature DOUBLE, pressure DOUBLE, vibration DOUBLE, timestamp BIGINT',
  -- More than an hour of ten machines that send each second: a run is one micro-batch, and one row per machine.
  maxFilesPerTrigger => 50000
);
