"""Fails when the raw backup holds nothing: there is no point in a run without readings.

    python maintenance/verify.py --lake ./landing
"""

import argparse
import sys

import lake


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake", required=True, help="folder or s3:// URI")
    asked = parser.parse_args()
    found = [name for name in lake.names(asked.lake, "raw") if name.startswith("sensor_") and name.endswith(".json")]
    if not found:
        sys.exit(f"no readings in {asked.lake}/raw")
    print(f"{len(found)} readings in {asked.lake}/raw")


if __name__ == "__main__":
    main()
