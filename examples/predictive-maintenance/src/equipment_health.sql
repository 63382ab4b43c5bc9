-- One row per machine and run, over the readings that this run took. A later run has another `processed_at`, so it adds rows and
-- touches none that are there.
CREATE OR REFRESH MATERIALIZED VIEW equipment_health
PARTITIONED BY (equipment_id, processed_at)
COMMENT 'Averages of each machine and run, flagged where they are beyond a limit'
AS SELECT
  equipment_id,
  processed_at,
  count(*) AS readings,
  min(event_time) AS first_at,
  max(event_time) AS last_at,
  avg(temperature) AS avg_temperature,
  avg(pressure) AS avg_pressure,
  avg(vibration) AS avg_vibration,
  avg(temperature) > ${limit.temperature} AS temp_anomaly,
  avg(pressure) > ${limit.pressure} AS pressure_anomaly,
  avg(vibration) > ${limit.vibration} AS vibration_anomaly
FROM bronze_readings
GROUP BY equipment_id, processed_at;
