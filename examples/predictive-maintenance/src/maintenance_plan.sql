-- What to do about each machine: its newest averages, and what the newest model expects of its parts. Before the first model there
-- are sensors only.
CREATE OR REFRESH MATERIALIZED VIEW maintenance_plan
COMMENT 'One row per machine: what its sensors and the newest model say, and what to do'
AS WITH newest_health AS (
  SELECT *, temp_anomaly OR pressure_anomaly OR vibration_anomaly AS has_anomaly
  FROM equipment_health
  QUALIFY row_number() OVER (PARTITION BY equipment_id ORDER BY processed_at DESC) = 1
),
risk AS (
  SELECT
    part.equipment_id,
    score.model,
    count(*) AS parts,
    sum(score.failure_probability) AS expected_failures,
    max_by(part.part_id, struct(score.failure_probability, part.part_id)) AS riskiest_part
  FROM failure_scores AS score
  JOIN silver_parts AS part ON part.part_id = score.part_id
  WHERE score.model = (SELECT max(model) FROM failure_scores)
  GROUP BY part.equipment_id, score.model
)
SELECT
  health.equipment_id,
  health.processed_at,
  health.avg_temperature,
  health.avg_pressure,
  health.avg_vibration,
  health.has_anomaly,
  risk.model,
  risk.parts,
  round(risk.expected_failures, 3) AS expected_failures,
  risk.riskiest_part,
  CASE
    WHEN health.has_anomaly AND risk.expected_failures > ${limit.failures} THEN 'stop and inspect'
    WHEN health.has_anomaly THEN 'check the sensors'
    WHEN risk.expected_failures > ${limit.failures} THEN 'change the tool'
    ELSE 'nothing'
  END AS action
FROM newest_health AS health
LEFT JOIN risk ON risk.equipment_id = health.equipment_id;
