"""Compares what Spark read of our tables, and what we read of Spark's, row by row and type by type.

Arguments: the binary, the folder of projects, in which `spark/` holds what Spark read and wrote.
"""

import json
import sys
from pathlib import Path

from warehouses import differences, tables, texts

BINARY, FOLDER = sys.argv[1], Path(sys.argv[2])

# What we refuse, by the feature that the refusal must name.
REFUSED = {"type_widening": "typeWidening", "variant": "variantType"}


def main():
    passed, failed = 0, []
    read = json.loads((FOLDER / "spark" / "read.json").read_text())
    for _, table in tables(FOLDER):
        # Outside of its project: in UTC, whatever zone the project sets.
        ours = texts(BINARY, None, f"delta.`{table}`")
        theirs = read[str(table)]
        if ours == theirs:
            passed += 1
        else:
            failed.append(f"Spark reads {table.relative_to(FOLDER)} otherwise: {differences(ours, theirs)}")
    for answers in sorted((FOLDER / "spark").glob("*.rows.json")):
        name = answers.name.removesuffix(".rows.json")
        try:
            ours = texts(BINARY, None, f"delta.`{FOLDER / 'spark' / name}`")
        except RuntimeError as error:
            if name in REFUSED and REFUSED[name] in str(error) and "DELTA_UNSUPPORTED_FEATURES_FOR_READ" in str(error):
                passed += 1
            else:
                failed.append(f"Spark's {name} is not read: {error}")
            continue
        theirs = json.loads(answers.read_text())
        if name in REFUSED:
            failed.append(f"Spark's {name} is read, and was to be refused by its feature {REFUSED[name]}")
        elif ours == theirs:
            passed += 1
        else:
            failed.append(f"we read Spark's {name} otherwise: {differences(ours, theirs)}")
    print("\n".join(failed + [f"Spark with Delta: {passed} passed, {len(failed)} failed"]))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
