-- Every record as it came, with the time at which Kinesis took it.
CREATE OR REFRESH STREAMING TABLE iot_sensor_raw
COMMENT 'Records of the stream as they came.'
AS SELECT
  CAST(data AS STRING) AS json_payload,
  approximateArrivalTimestamp AS kinesis_time
FROM STREAM read_kinesis(
  streamName => '${stream}',
  region => '${region}',
  initialPosition => 'latest'
);
