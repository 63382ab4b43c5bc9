-- Readings that came, and readings in aggregates: equal, after any number of runs.
SELECT
  (SELECT count(*) FROM bronze_readings) AS readings,
  (SELECT sum(readings) FROM equipment_health) AS counted,
  (SELECT count(DISTINCT processed_at) FROM equipment_health) AS runs;
