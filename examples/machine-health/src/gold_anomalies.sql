-- How far is an hour from what the hours before it were like? The z-score over the last week, the hour itself left out, and
-- whether people labelled that hour.
CREATE OR REFRESH MATERIALIZED VIEW gold_scores
COMMENT 'Rolling z-score of every hour'
AS SELECT
  s.series,
  s.hour,
  s.temperature,
  round(s.z, 2) AS z_score,
  abs(s.z) > ${z_limit} AS is_anomaly,
  w.window_start IS NOT NULL AS is_labelled,
  w.window_start
FROM (
  SELECT *, CASE WHEN hours_known >= 24 AND deviation > 0 THEN (temperature - mean) / deviation END AS z
  FROM (
    SELECT
      series, hour, temperature,
      avg(temperature) OVER before AS mean,
      stddev(temperature) OVER before AS deviation,
      count(*) OVER before AS hours_known
    FROM silver_temperatures
    WINDOW before AS (PARTITION BY series ORDER BY hour ROWS BETWEEN ${window_hours} PRECEDING AND 1 PRECEDING)
  )
) s
LEFT JOIN labelled_windows w ON w.series = s.series AND s.hour BETWEEN w.window_start AND w.window_end;

-- What the detector is worth: how much of what it flags lies in a labelled window, how many windows it sees, and how soon.
CREATE OR REFRESH MATERIALIZED VIEW gold_detection
COMMENT 'The z-score against the labels'
AS SELECT
  f.series,
  f.hours,
  f.flagged,
  f.flagged_in_window,
  round(100.0 * f.flagged_in_window / nullif(f.flagged, 0), 1) AS precision_pct,
  l.windows,
  f.windows_seen,
  round(100.0 * f.windows_seen / l.windows, 1) AS recall_pct
FROM (
  SELECT
    series,
    count(*) AS hours,
    count_if(is_anomaly) AS flagged,
    count_if(is_anomaly AND is_labelled) AS flagged_in_window,
    count(DISTINCT CASE WHEN is_anomaly THEN window_start END) AS windows_seen
  FROM gold_scores
  GROUP BY series
) f
JOIN (SELECT series, count(*) AS windows FROM labelled_windows GROUP BY series) l ON l.series = f.series;
