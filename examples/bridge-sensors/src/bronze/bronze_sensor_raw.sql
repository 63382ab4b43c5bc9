-- Every record as it came: nothing is parsed here, so nothing can be lost here.
CREATE OR REFRESH STREAMING TABLE bronze_sensor_raw
COMMENT 'Records of the stream as they came, with where they stood in it.'
TBLPROPERTIES ('quality' = 'bronze', 'source' = 'kinesis')
AS SELECT
  CAST(data AS STRING) AS raw_payload,
  partitionKey AS partition_key,
  shardId AS shard_id,
  sequenceNumber AS sequence_number,
  approximateArrivalTimestamp AS arrived_at
FROM STREAM read_kinesis(
  streamName => '${stream}',
  region => '${region}',
  initialPosition => 'TRIM_HORIZON',
  maxRecordsPerFetch => 10000,
  maxFetchRate => 2.0,
  serviceCredential => 'kinesis-credential'
);
