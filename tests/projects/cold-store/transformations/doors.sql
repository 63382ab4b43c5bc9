/* Doors of a cold store: when they open, for how long. /* Comments nest. */ Statements stand in no order. */
create materialized view `open too long` -- a view may have a name that a column may not
as select door, count(*) as times, sum(open_seconds) as seconds
from openings where open_seconds > ${limit_seconds} group by door;

create streaming table openings;

create flow hall_a as insert into openings by name
select door, opened_at, open_seconds, 'A' as hall
from stream read_files('${landing}/hall_a', format => 'csv', header => true, schema => 'door STRING, opened_at TIMESTAMP, open_seconds INT');

create flow hall_b as insert into openings by name
with typed as (
  select string(door) as door, timestamp(`when`) as opened_at, `seconds`::int as open_seconds
  from stream read_files('${landing}/hall_b', format => 'json', schema => 'door STRING, `when` STRING, seconds STRING')
)
select *, 'B' as hall from typed;
