-- Changes of customers, as Debezium wrote them (flattened: __op, __ts_ms, __deleted).
CREATE OR REFRESH STREAMING TABLE cdc_customers (
  customer_id       STRING,
  company_name      STRING,
  contact_name      STRING,
  email             STRING,
  phone             STRING,
  industry          STRING,
  subscription_tier STRING,
  created_at        BIGINT,
  updated_at        BIGINT,
  __op              STRING,
  __ts_ms           BIGINT,
  __deleted         STRING,
  _cdc_timestamp    TIMESTAMP,
  _ingested_at      TIMESTAMP,
  _ingestion_date   DATE,
  _source_file      STRING,
  CONSTRAINT valid_customer_id EXPECT (customer_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT valid_cdc_operation EXPECT (__op IN ('r', 'c', 'u', 'd')) ON VIOLATION DROP ROW
)
PARTITIONED BY (_ingestion_date)
COMMENT 'Changes of customers, one row per change event.'
TBLPROPERTIES (
  'quality' = 'bronze',
  'pipelines.autoOptimize.managed' = 'true'
)
AS SELECT
  customer_id,
  company_name,
  contact_name,
  email,
  phone,
  industry,
  subscription_tier,
  created_at,
  updated_at,
  __op,
  __ts_ms,
  __deleted,
  timestamp_millis(__ts_ms) AS _cdc_timestamp,
  current_timestamp() AS _ingested_at,
  current_date() AS _ingestion_date,
  _metadata.file_path AS _source_file
FROM STREAM read_files(
  '/Volumes/${catalog}/landing/vol01/cdc/cdc_customers/',
  format => 'json',
  inferColumnTypes => true
);
