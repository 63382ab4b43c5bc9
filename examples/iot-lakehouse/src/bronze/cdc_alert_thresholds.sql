-- Changes of alert thresholds, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_alert_thresholds (
  threshold_id    STRING,
  sensor_type     STRING,
  min_value       STRING,
  max_value       STRING,
  severity        STRING,
  alert_message   STRING,
  __op            STRING,
  __ts_ms         BIGINT,
  __deleted       STRING,
  _cdc_timestamp  TIMESTAMP,
  _ingested_at    TIMESTAMP,
  _ingestion_date DATE,
  _source_file    STRING,
  CONSTRAINT valid_threshold_id EXPECT (threshold_id IS NOT NULL) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of alert thresholds, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  threshold_id,
  sensor_type,
  min_value,
  max_value,
  severity,
  alert_message,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_dim_alert_threshold/',
  format => 'json',
  inferColumnTypes => true
);
