-- Changes of alerts, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_alerts (
  alert_id        STRING,
  device_id       STRING,
  threshold_id    STRING,
  alert_type      STRING,
  severity        STRING,
  message         STRING,
  status          STRING,
  triggered_value STRING,
  created_at      BIGINT,
  __op            STRING,
  __ts_ms         BIGINT,
  __deleted       STRING,
  _cdc_timestamp  TIMESTAMP,
  _ingested_at    TIMESTAMP,
  _ingestion_date DATE,
  _source_file    STRING,
  CONSTRAINT valid_alert_id EXPECT (alert_id IS NOT NULL) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of alerts, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  alert_id,
  device_id,
  threshold_id,
  alert_type,
  severity,
  message,
  status,
  triggered_value,
  created_at,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_alerts/',
  format => 'json',
  inferColumnTypes => true
);
