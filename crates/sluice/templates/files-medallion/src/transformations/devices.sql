-- A small table that is read whole at each update.
CREATE OR REFRESH MATERIALIZED VIEW devices
COMMENT 'Where each device is'
AS SELECT device_id, site, CAST(installed_on AS DATE) AS installed_on
FROM
  read_files(
    '${landing}/devices',
    format => 'csv',
    header => true,
    schema => 'device_id STRING, site STRING, installed_on STRING'
  );
