-- Bronze: what arrives on the stream, as it arrives. Each record is taken once.
CREATE OR REFRESH STREAMING TABLE bronze_readings
COMMENT 'Records of the stream as the sensors send them'
AS SELECT
  CAST(data AS STRING) AS payload,
  partitionKey AS partition_key,
  shardId AS shard_id,
  sequenceNumber AS sequence_number,
  approximateArrivalTimestamp AS arrived_at
FROM
  STREAM read_kinesis(streamName => '${stream}', region => '${region}', initialPosition => 'trim_horizon');
