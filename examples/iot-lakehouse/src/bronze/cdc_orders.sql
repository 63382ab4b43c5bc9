-- Changes of orders, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_orders (
  order_id        STRING,
  customer_id     STRING,
  product_id      STRING,
  device_id       STRING,
  quantity        STRING,
  total_amount    STRING,
  order_status    STRING,
  order_date      BIGINT,
  __op            STRING,
  __ts_ms         BIGINT,
  __deleted       STRING,
  _cdc_timestamp  TIMESTAMP,
  _ingested_at    TIMESTAMP,
  _ingestion_date DATE,
  _source_file    STRING,
  CONSTRAINT valid_order_id EXPECT (order_id IS NOT NULL) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of orders, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  order_id,
  customer_id,
  product_id,
  device_id,
  quantity,
  total_amount,
  order_status,
  order_date,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_orders/',
  format => 'json',
  inferColumnTypes => true
);
