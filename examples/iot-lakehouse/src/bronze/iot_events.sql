-- Sensor readings as devices send them: JSON lines, new columns welcome, what is no reading is dropped and counted.
CREATE OR REFRESH STREAMING TABLE iot_events (
  event_id         STRING,
  device_id        STRING NOT NULL,
  timestamp        STRING COMMENT 'As sent; may be no time at all',
  event_timestamp  TIMESTAMP COMMENT 'NULL where timestamp is no time',
  sensor_type      STRING,
  value            DOUBLE,
  unit             STRING,
  location_id      STRING,
  quality_flag     STRING,
  firmware_version STRING,
  battery_level    DOUBLE,
  _ingested_at     TIMESTAMP,
  _ingestion_date  DATE,
  _source_file     STRING,
  CONSTRAINT valid_event_id EXPECT (event_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT valid_device_id EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT valid_timestamp EXPECT (timestamp IS NOT NULL OR event_timestamp IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT valid_sensor_type EXPECT (sensor_type IN ('temperature', 'humidity', 'pressure', 'motion')) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Sensor readings, one row per event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true',
  'delta.autoOptimize.optimizeWrite' = 'true'
)
AS SELECT
  event_id,
  device_id,
  timestamp,
  TRY_CAST(timestamp AS TIMESTAMP) AS event_timestamp,
  sensor_type,
  value,
  unit,
  location_id,
  quality_flag,
  firmware_version,
  battery_level,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/iot_events/iot_events/',
  format => 'json',
  inferColumnTypes => true,
  schemaEvolutionMode => 'addNewColumns'
);
