-- Changes of products, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_products (
  product_id      STRING,
  product_name    STRING,
  category        STRING,
  unit_price      STRING,
  description     STRING,
  __op            STRING,
  __ts_ms         BIGINT,
  __deleted       STRING,
  _cdc_timestamp  TIMESTAMP,
  _ingested_at    TIMESTAMP,
  _ingestion_date DATE,
  _source_file    STRING,
  CONSTRAINT valid_product_id EXPECT (product_id IS NOT NULL) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of products, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  product_id,
  product_name,
  category,
  unit_price,
  description,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_products/',
  format => 'json',
  inferColumnTypes => true
);
