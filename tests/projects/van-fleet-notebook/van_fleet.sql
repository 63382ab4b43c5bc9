-- Databricks notebook source
-- MAGIC %md
-- MAGIC # Where are the vans?
-- MAGIC A pipeline in the spelling of its first years: `LIVE` tables, `cloud_files`, double-quoted strings.

-- COMMAND ----------

-- MAGIC %md ## Bronze

-- COMMAND ----------

CREATE OR REFRESH STREAMING LIVE TABLE pings_raw
COMMENT "Positions as the vans send them"
TBLPROPERTIES ("quality" = "bronze", "pipelines.reset.allowed" = "false")
AS SELECT *, current_timestamp() AS received_at
FROM cloud_files(
  "/mnt/fleet/pings",
  "json",
  map("cloudFiles.inferColumnTypes", "true", "cloudFiles.schemaHints", "speed_kmh DOUBLE")
);

-- COMMAND ----------

CREATE LIVE TABLE depots
COMMENT "A file without a header: the columns have numbers"
AS SELECT CAST(_c0 AS INT) AS depot_id, _c1 AS city FROM csv.`/mnt/fleet/depots`;

-- COMMAND ----------

-- MAGIC %md ## Silver

-- COMMAND ----------

CREATE TEMPORARY STREAMING LIVE VIEW pings_typed (
  CONSTRAINT has_van EXPECT (van_id IS NOT NULL) ON VIOLATION DROP ROW
)
AS SELECT
  van_id,
  depot_id,
  to_timestamp(sent_at) AS sent_at,
  speed_kmh,
  position.lat AS lat,
  position.lon AS lon,
  size(stops) AS stop_count
FROM STREAM(LIVE.pings_raw);

-- COMMAND ----------

CREATE OR REFRESH STREAMING LIVE TABLE pings (
  CONSTRAINT plausible_speed EXPECT (speed_kmh BETWEEN 0 AND 160),
  CONSTRAINT in_service_area EXPECT (lat > 40 AND lat < 60) ON VIOLATION DROP ROW
)
PARTITIONED BY (ping_date)
TBLPROPERTIES ("quality" = "silver", "pipelines.reset.allowed" = "false")
AS SELECT *, CAST(sent_at AS DATE) AS ping_date FROM STREAM(LIVE.pings_typed);

-- COMMAND ----------

-- MAGIC %md ## Gold

-- COMMAND ----------

CREATE LIVE VIEW fast_pings
AS SELECT van_id, ping_date, speed_kmh FROM LIVE.pings WHERE speed_kmh > 100;

-- COMMAND ----------

CREATE OR REFRESH LIVE TABLE van_days
COMMENT "One row per van and day"
AS SELECT
  p.van_id,
  p.ping_date,
  COALESCE(d.city, "nowhere") AS city,
  count(*) AS pings,
  max(p.speed_kmh) AS top_speed,
  sum(p.stop_count) AS stops
FROM LIVE.pings AS p
LEFT JOIN LIVE.depots AS d ON p.depot_id = d.depot_id
GROUP BY 1, 2, 3;

-- COMMAND ----------

CREATE OR REFRESH LIVE TABLE warnings
AS SELECT v.van_id, v.city, count(*) AS fast_pings
FROM LIVE.fast_pings f
JOIN LIVE.van_days v USING (van_id, ping_date)
GROUP BY v.van_id, v.city
HAVING count(*) > 1;
