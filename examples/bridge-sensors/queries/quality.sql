-- Quality: how often each expectation held, over all updates.
SELECT check.dataset, check.name, sum(check.passed_records) AS passed, sum(check.failed_records) AS failed
FROM (
  SELECT explode(from_json(
    details:flow_progress.data_quality.expectations,
    'array<struct<name:string,dataset:string,passed_records:bigint,failed_records:bigint>>'
  )) AS check
  FROM event_log(TABLE(silver_sensor_cleaned))
  WHERE event_type = 'flow_progress'
)
GROUP BY check.dataset, check.name
ORDER BY check.dataset, check.name;
