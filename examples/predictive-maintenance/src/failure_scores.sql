-- What the model says of the last thousand parts, one file per model, written by maintenance/train.py.
CREATE OR REFRESH STREAMING TABLE failure_scores (
  CONSTRAINT is_probability EXPECT (failure_probability BETWEEN 0 AND 1) ON VIOLATION FAIL UPDATE
)
COMMENT 'How likely each part was to fail, by model'
AS SELECT model, part_id, failure_probability, _metadata.file_name AS source_file
FROM STREAM read_files(
  '${lake}/scores',
  format => 'json',
  schema => 'model STRING, part_id INT, failure_probability DOUBLE'
);
