-- AI4I 2020 as published, its columns under names that need no quotes.
CREATE OR REFRESH STREAMING TABLE bronze_machines
COMMENT 'AI4I 2020: one row per machined part'
AS SELECT
  UID AS uid,
  `Product ID` AS product_id,
  Type AS quality,
  `Air temperature [K]` AS air_temperature_k,
  `Process temperature [K]` AS process_temperature_k,
  `Rotational speed [rpm]` AS rotational_speed_rpm,
  `Torque [Nm]` AS torque_nm,
  `Tool wear [min]` AS tool_wear_min,
  `Machine failure` AS machine_failure,
  TWF AS twf, HDF AS hdf, PWF AS pwf, OSF AS osf, RNF AS rnf
FROM STREAM read_files(
  '${landing}/machines',
  format => 'csv',
  header => true,
  schema => 'UID INT, `Product ID` STRING, Type STRING, `Air temperature [K]` DOUBLE, `Process temperature [K]` DOUBLE, `Rotational speed [rpm]` INT, `Torque [Nm]` DOUBLE, `Tool wear [min]` INT, `Machine failure` INT, TWF INT, HDF INT, PWF INT, OSF INT, RNF INT'
);
