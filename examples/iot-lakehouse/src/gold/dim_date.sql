-- The calendar from 2020 to 2027; the fiscal year begins in April.
CREATE OR REFRESH MATERIALIZED VIEW dim_date
COMMENT 'One row per day.'
TBLPROPERTIES ('quality' = 'gold')
AS
WITH days AS (
  SELECT explode(sequence(DATE'2020-01-01', DATE'2027-12-31', INTERVAL 1 DAY)) AS full_date
)
SELECT
  md5(CAST(full_date AS STRING)) AS date_key,
  full_date,
  YEAR(full_date) AS year,
  QUARTER(full_date) AS quarter,
  MONTH(full_date) AS month,
  WEEKOFYEAR(full_date) AS week_of_year,
  DAYOFYEAR(full_date) AS day_of_year,
  DAYOFMONTH(full_date) AS day_of_month,
  DAYOFWEEK(full_date) AS day_of_week,
  DATE_FORMAT(full_date, 'MMMM') AS month_name,
  DATE_FORMAT(full_date, 'MMM') AS month_short,
  DATE_FORMAT(full_date, 'EEEE') AS day_name,
  DATE_FORMAT(full_date, 'EEE') AS day_short,
  DATE_FORMAT(full_date, 'yyyy-MM') AS year_month,
  CASE WHEN MONTH(full_date) >= 4 THEN YEAR(full_date) ELSE YEAR(full_date) - 1 END AS fiscal_year,
  CASE WHEN MONTH(full_date) >= 4 THEN QUARTER(full_date) - 1 ELSE 4 END AS fiscal_quarter,
  CONCAT(YEAR(full_date), '-Q', QUARTER(full_date)) AS year_quarter,
  -- the week belongs to the year of its Thursday
  CONCAT(YEAR(DATE_ADD(DATE_TRUNC('WEEK', full_date), 3)), '-W', LPAD(WEEKOFYEAR(full_date), 2, '0')) AS year_week,
  DAYOFWEEK(full_date) IN (1, 7) AS is_weekend,
  full_date = current_date() AS is_today,
  full_date = DATE_SUB(current_date(), 1) AS is_yesterday,
  DATE_TRUNC('WEEK', full_date) = DATE_TRUNC('WEEK', current_date()) AS is_current_week,
  DATE_TRUNC('MONTH', full_date) = DATE_TRUNC('MONTH', current_date()) AS is_current_month,
  DATE_TRUNC('QUARTER', full_date) = DATE_TRUNC('QUARTER', current_date()) AS is_current_quarter,
  DATE_TRUNC('YEAR', full_date) = DATE_TRUNC('YEAR', current_date()) AS is_current_year,
  DATEDIFF(current_date(), full_date) AS days_ago,
  current_timestamp() AS _loaded_at
FROM days;
