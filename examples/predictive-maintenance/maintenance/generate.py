"""Readings of ten machines: put on the Kinesis stream, and each one backed up as an object of its own in the lake.

    python maintenance/generate.py --lake ./landing --from 2026-11-20T10:00:00Z
    python maintenance/generate.py --lake s3://my-iot-lakehouse --stream IoTSensorStream

`sluice simulate` makes the records. With `--from`, the same hour gives the same objects: a task that is tried again puts nothing
twice.
"""

import argparse
import json
import os
import subprocess

import lake


def readings(count, begin):
    """Records as the machines send them, one JSON text each."""
    command = [os.environ.get("SLUICE", "sluice"), "simulate", "predictive-maintenance", "--count", str(count), "--anomalies", "5%"]
    if begin:
        # Spread over the hour; the hour is the seed.
        seed = "".join(digit for digit in begin if digit.isdigit())[:10]
        command += ["--from", begin, "--rate", f"{count}/h", "--seed", seed]
    else:
        command += ["--rate", "max"]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return made.stdout.splitlines()


def send(stream, records):
    """Puts records on the stream, those of one machine in their order."""
    import boto3

    kinesis = boto3.client("kinesis")
    for record in records:
        kinesis.put_record(StreamName=stream, Data=record.encode(), PartitionKey=json.loads(record)["equipment_id"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake", required=True, help="folder or s3:// URI")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--from", dest="begin", help="first moment of simulated time, as in 2026-11-20T10:00:00Z")
    parser.add_argument("--stream", help="Kinesis stream; without it only the backup is written")
    asked = parser.parse_args()
    records = readings(asked.count, asked.begin)
    if asked.stream:
        send(asked.stream, records)
    for index, record in enumerate(records):
        name = f"sensor_{json.loads(record)['timestamp']}_{1000 + index}.json"
        lake.put(asked.lake, "raw", name, record + "\n")
    print(f"{len(records)} readings backed up in {asked.lake}/raw")


if __name__ == "__main__":
    main()
