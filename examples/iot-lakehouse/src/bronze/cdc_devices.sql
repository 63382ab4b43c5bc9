-- Changes of devices, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_devices (
  device_id       STRING,
  device_name     STRING,
  device_type     STRING,
  manufacturer    STRING,
  model           STRING,
  location_id     STRING,
  customer_id     STRING,
  status          STRING,
  __op            STRING,
  __ts_ms         BIGINT,
  __deleted       STRING,
  _cdc_timestamp  TIMESTAMP,
  _ingested_at    TIMESTAMP,
  _ingestion_date DATE,
  _source_file    STRING,
  CONSTRAINT valid_device_id EXPECT (device_id IS NOT NULL) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of devices, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  device_id,
  device_name,
  device_type,
  manufacturer,
  model,
  location_id,
  customer_id,
  status,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_dim_device/',
  format => 'json',
  inferColumnTypes => true
);
