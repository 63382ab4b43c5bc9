CREATE OR REFRESH STREAMING TABLE readings
AS SELECT device_id, value
FROM
  STREAM read_files(
    '/Volumes/{{catalog}}/{{name}}/landing',
    format => 'json',
    schema => 'device_id STRING, value DOUBLE'
  );

CREATE OR REFRESH MATERIALIZED VIEW per_device
AS SELECT device_id, count(*) AS readings, avg(value) AS average
FROM readings
GROUP BY device_id;
