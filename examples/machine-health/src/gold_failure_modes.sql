-- Why parts fail, and under what conditions. A part with several causes counts under each of them.
CREATE OR REFRESH MATERIALIZED VIEW gold_failure_modes
COMMENT 'Parts and conditions per cause'
AS SELECT
  cause,
  count(*) AS parts,
  count_if(has_failed) AS failed,
  count_if(quality = 'low') AS low_quality,
  round(avg(power_w), 0) AS avg_power_w,
  round(avg(process_temperature_c - air_temperature_c), 2) AS avg_warming_c,
  round(avg(tool_wear_min), 1) AS avg_tool_wear_min
FROM (SELECT *, explode(CASE WHEN size(causes) = 0 THEN array('none named') ELSE causes END) AS cause FROM silver_machines)
GROUP BY cause;

CREATE OR REFRESH MATERIALIZED VIEW gold_failure_rate
COMMENT 'Failures per quality'
AS SELECT
  quality,
  count(*) AS parts,
  count_if(has_failed) AS failed,
  round(100.0 * count_if(has_failed) / count(*), 2) AS failed_pct
FROM silver_machines
GROUP BY quality;
