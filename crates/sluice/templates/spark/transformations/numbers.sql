CREATE MATERIALIZED VIEW numbers
AS SELECT id, id * id AS square
FROM range(10);
