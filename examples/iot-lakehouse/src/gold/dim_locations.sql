-- Locations with the devices that stand there.
CREATE OR REFRESH MATERIALIZED VIEW dim_locations
COMMENT 'Locations that are not deleted, one row each.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH devices AS (
  SELECT
    location_id,
    COUNT(DISTINCT device_id) AS device_count,
    COUNT(DISTINCT CASE WHEN status = 'active' THEN device_id END) AS active_device_count
  FROM LIVE.stg_devices
  WHERE NOT _is_deleted
  GROUP BY location_id
)
SELECT
  l._surrogate_key AS location_key,
  l.location_id,
  l.location_name,
  l.building,
  l.floor,
  l.zone,
  CASE WHEN l.zone IS NOT NULL THEN CONCAT(l.building, '-', l.zone) ELSE l.building END AS full_location_path,
  l.latitude,
  l.longitude,
  COALESCE(d.device_count, 0) AS device_count,
  COALESCE(d.active_device_count, 0) AS active_device_count,
  current_timestamp() AS _loaded_at
FROM LIVE.stg_locations l
LEFT JOIN devices d ON l.location_id = d.location_id
WHERE NOT l._is_deleted;
