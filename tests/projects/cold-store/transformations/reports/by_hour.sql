set spark.sql.session.timeZone = UTC;
use schema reports;

create temporary view hours as
select hall, date_trunc('hour', opened_at) as hour, open_seconds from cold.openings;

create materialized view by_hour
comment 'Per hall and hour, in UTC'
as
select hall, hour, count(*) as openings, max(open_seconds) as longest
from hours
group by all;

create materialized view shifts as
select s.shift, s.from_hour, coalesce(sum(h.openings), 0L) as openings
from values ('early', 6, 14), ('late', 14, 22), ('night', 22, 30) as s(shift, from_hour, to_hour)
left join by_hour h on (hour(h.hour) >= s.from_hour and hour(h.hour) < s.to_hour) or (hour(h.hour) + 24 < s.to_hour)
group by s.shift, s.from_hour;
