"""Trains a model of failures from the Delta table `silver_parts`, and writes what it says of the newest parts to the lake.

    python maintenance/train.py --warehouse .sluice/warehouse --lake ./landing --model 20261120T100000

It learns from all parts but the last thousand and scores those, so that no part is scored by a model that knows how it ended. The
scores are one JSON file per model; the pipeline takes it into the table `failure_scores`. A model that tells failures no better than
`--least-auc` is not written.
"""

import argparse
import json
import sys

import lake
import numpy
from deltalake import DeltaTable
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

TABLE = "main/predictive_maintenance/silver_parts"
CONDITIONS = [
    "quality", "air_temperature_c", "process_temperature_c", "rotational_speed_rpm", "torque_nm", "power_w", "tool_wear_min",
]
SCORED = 1000


def parts(warehouse):
    """Part numbers, conditions and outcomes, in the order in which the parts were made."""
    table = DeltaTable(f"{warehouse}/{TABLE}", storage_options=lake.delta_options())
    columns = table.to_pyarrow_table(columns=["part_id", "has_failed", *CONDITIONS]).sort_by("part_id")
    conditions = numpy.column_stack([columns[name].to_numpy() for name in CONDITIONS])
    return columns["part_id"].to_numpy(), conditions, columns["has_failed"].to_numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--warehouse", required=True, help="folder or s3:// URI")
    parser.add_argument("--lake", required=True, help="folder or s3:// URI")
    parser.add_argument("--model", required=True, help="name of the model; of two, the one that sorts last is the newer")
    parser.add_argument("--least-auc", type=float, default=0.9)
    asked = parser.parse_args()
    ids, conditions, failed = parts(asked.warehouse)
    past, newest = slice(None, -SCORED), slice(-SCORED, None)
    # One thread and one seed: the same parts give the same scores.
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=2, random_state=7)
    forest.fit(conditions[past], failed[past])
    scores = forest.predict_proba(conditions[newest])[:, 1]
    auc = roc_auc_score(failed[newest], scores)
    precision = average_precision_score(failed[newest], scores)
    print(f"model {asked.model}: {len(failed[past])} parts, {failed[past].sum()} failures; of the next {SCORED} parts "
          f"{failed[newest].sum()} failed: ROC AUC {auc:.3f}, average precision {precision:.3f}")
    if auc < asked.least_auc:
        sys.exit(f"ROC AUC {auc:.3f} is below {asked.least_auc}: the scores are not written")
    lines = [
        json.dumps({"model": asked.model, "part_id": int(part), "failure_probability": round(float(score), 6)})
        for part, score in zip(ids[newest], scores)
    ]
    lake.put(asked.lake, "scores", f"scores_{asked.model}.json", "\n".join(lines) + "\n")
    print(f"{len(lines)} scores written to {asked.lake}/scores")


if __name__ == "__main__":
    main()
