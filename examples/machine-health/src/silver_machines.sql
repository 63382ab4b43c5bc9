-- Typed, in the units people use, with the causes as a list. Physically impossible rows are dropped; rows whose failure
-- flag and causes disagree are kept and counted: the data set has 27 of them.
CREATE OR REFRESH STREAMING TABLE silver_machines (
  CONSTRAINT has_id EXPECT (uid IS NOT NULL AND product_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT process_is_warmer EXPECT (process_temperature_c > air_temperature_c) ON VIOLATION DROP ROW,
  CONSTRAINT turning EXPECT (rotational_speed_rpm > 0 AND torque_nm > 0) ON VIOLATION DROP ROW,
  CONSTRAINT failure_has_a_cause EXPECT (has_failed = (size(causes) > 0))
)
COMMENT 'Parts with power, temperatures in Celsius and causes of failure'
AS SELECT
  uid,
  product_id,
  CASE quality WHEN 'L' THEN 'low' WHEN 'M' THEN 'medium' WHEN 'H' THEN 'high' END AS quality,
  round(air_temperature_k - 273.15, 2) AS air_temperature_c,
  round(process_temperature_k - 273.15, 2) AS process_temperature_c,
  rotational_speed_rpm,
  torque_nm,
  round(torque_nm * rotational_speed_rpm * 2 * pi() / 60, 1) AS power_w,
  tool_wear_min,
  machine_failure = 1 AS has_failed,
  filter(
    array(
      CASE WHEN twf = 1 THEN 'tool wear' END,
      CASE WHEN hdf = 1 THEN 'heat dissipation' END,
      CASE WHEN pwf = 1 THEN 'power' END,
      CASE WHEN osf = 1 THEN 'overstrain' END,
      CASE WHEN rnf = 1 THEN 'random' END
    ),
    cause -> cause IS NOT NULL
  ) AS causes
FROM STREAM(bronze_machines);
