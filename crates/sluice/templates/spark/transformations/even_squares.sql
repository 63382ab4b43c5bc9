CREATE MATERIALIZED VIEW even_squares
AS SELECT id, square
FROM numbers
WHERE square % 2 = 0;
