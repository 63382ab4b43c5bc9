"""Reads ten records of the stream from its beginning, looks at each, and puts five of its own.

    consumer.py ENDPOINT
"""

import json
import sys
import time
import uuid

import boto3

STREAM = "iot-sensor-data-stream"

kinesis = boto3.client(
    "kinesis",
    endpoint_url=sys.argv[1],
    region_name="us-east-1",
    aws_access_key_id="any",
    aws_secret_access_key="any",
)
iterator = kinesis.get_shard_iterator(
    StreamName=STREAM, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
)["ShardIterator"]
records = kinesis.get_records(ShardIterator=iterator, Limit=10)["Records"]
assert len(records) == 10, len(records)
for record in records:
    reading = json.loads(record["Data"])
    assert record["PartitionKey"] == reading["device_id"] == str(uuid.UUID(reading["device_id"])), reading
    assert set(reading) == {"device_id", "timestamp", "metrics", "status", "region"}, reading
    assert set(reading["metrics"]) == {"temperature_c", "pressure_hpa", "humidity_percent"}, reading
    assert abs(reading["timestamp"] / 1000 - time.time()) < 600, reading
    assert reading["status"] in {"HEALTHY", "WARNING", "CRITICAL"}, reading
metrics = {"temperature_c": 29.5, "pressure_hpa": 1000.0, "humidity_percent": 50.0}
for number in range(1, 6):
    reading = {
        "device_id": f"boto3-{number}",
        "timestamp": int(time.time() * 1000),
        "metrics": metrics,
        "status": "HEALTHY",
        "region": "us-east-1",
    }
    kinesis.put_record(StreamName=STREAM, Data=json.dumps(reading), PartitionKey=reading["device_id"])
