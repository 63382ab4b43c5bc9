-- What is known of the devices beside what they say themselves.
CREATE OR REFRESH MATERIALIZED VIEW silver_device_metadata
COMMENT 'Devices with their place and kind.'
TBLPROPERTIES ('quality' = 'silver')
AS SELECT * FROM VALUES
  ('SENSOR-001', 'Bridge-North-Tower', '40.7128,-74.0060', 'Critical Infrastructure'),
  ('SENSOR-002', 'Bridge-South-Tower', '40.7124,-74.0065', 'Critical Infrastructure'),
  ('SENSOR-003', 'Building-MainOffice', '40.7150,-74.0050', 'Monitoring')
AS devices (device_id, device_name, location, category);
