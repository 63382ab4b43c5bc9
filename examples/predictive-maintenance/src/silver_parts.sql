-- What a failure model learns from: AI4I 2020, parts in the order in which they were machined, with what failed. The data set does
-- not say which machine made a part: here they are dealt to the ten machines in turn.
CREATE OR REFRESH STREAMING TABLE silver_parts (
  CONSTRAINT has_id EXPECT (part_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT turning EXPECT (rotational_speed_rpm > 0 AND torque_nm > 0) ON VIOLATION DROP ROW
)
COMMENT 'Machined parts with their conditions, and whether the machine failed'
AS SELECT
  UID AS part_id,
  concat('EQ-', 1 + (UID - 1) % 10) AS equipment_id,
  CASE Type WHEN 'L' THEN 0 WHEN 'M' THEN 1 WHEN 'H' THEN 2 END AS quality,
  round(`Air temperature [K]` - 273.15, 2) AS air_temperature_c,
  round(`Process temperature [K]` - 273.15, 2) AS process_temperature_c,
  `Rotational speed [rpm]` AS rotational_speed_rpm,
  `Torque [Nm]` AS torque_nm,
  round(`Torque [Nm]` * `Rotational speed [rpm]` * 2 * pi() / 60, 1) AS power_w,
  `Tool wear [min]` AS tool_wear_min,
  `Machine failure` = 1 AS has_failed
FROM STREAM read_files(
  '${lake}/parts',
  format => 'csv',
  header => true,
  schema => 'UID INT, `Product ID` STRING, Type STRING, `Air temperature [K]` DOUBLE, `Process temperature [K]` DOUBLE, `Rotational speed [rpm]` INT, `Torque [Nm]` DOUBLE, `Tool wear [min]` INT, `Machine failure` INT, TWF INT, HDF INT, PWF INT, OSF INT, RNF INT'
);
