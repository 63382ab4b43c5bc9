"""Fails unless every reading is counted once, and the newest model has scored what it should.

    python maintenance/check.py --warehouse .sluice/warehouse --model 20261120T100000

It reads the Delta tables with the Delta library, not with the engine that wrote them.
"""

import argparse
import sys

import lake
import pyarrow.compute as compute
from deltalake import DeltaTable

SCHEMA = "main/predictive_maintenance"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warehouse", required=True, help="folder or s3:// URI")
    parser.add_argument("--model", required=True)
    asked = parser.parse_args()

    def table(name):
        place = f"{asked.warehouse}/{SCHEMA}/{name}"
        return DeltaTable(place, storage_options=lake.delta_options()).to_pyarrow_table()

    readings, health = table("bronze_readings").num_rows, table("equipment_health")
    counted = compute.sum(health["readings"]).as_py() or 0
    runs = health.group_by(["equipment_id", "processed_at"]).aggregate([]).num_rows
    all_scores = table("failure_scores")
    scores = all_scores.filter(compute.equal(all_scores["model"], asked.model))
    plan = table("maintenance_plan")
    wrong = []
    if readings == 0 or counted != readings:
        wrong.append(f"{readings} readings, {counted} in aggregates")
    if runs != health.num_rows:
        wrong.append(f"{health.num_rows} aggregates of {runs} machines and runs")
    if scores.num_rows == 0 or compute.count_distinct(scores["part_id"]).as_py() != scores.num_rows:
        wrong.append(f"{scores.num_rows} scores of the model {asked.model}, not one per part")
    if plan.num_rows == 0 or set(plan["model"].to_pylist()) != {asked.model}:
        wrong.append(f"the plan is made from {sorted(map(str, set(plan['model'].to_pylist())))}")
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{readings} readings, each counted once in {health.num_rows} aggregates; {scores.num_rows} scores; "
          f"{plan.num_rows} machines planned for")


if __name__ == "__main__":
    main()
