"""The tables of a folder of projects, and what `sluice sql` says of them."""

import csv
import io
import json
import subprocess
from pathlib import Path


def tables(folder):
    """Pairs of project and table folder, for every table that is not the engine's own."""
    for warehouse in sorted(Path(folder).glob("*/.sluice/warehouse")):
        for log in sorted(warehouse.rglob("_delta_log")):
            parts = log.parent.relative_to(warehouse).parts
            if "_sluice" not in parts:
                yield warehouse.parent.parent, log.parent


def quoted(name):
    return "`" + name.replace("`", "``") + "`"


def sluice(binary, project, statement):
    """Rows of a statement as dictionaries; raises with what was said."""
    command = [binary, "sql", "--mode", "csv", "-c", statement]
    if project is not None:
        command[2:2] = ["--project", str(project)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return list(csv.DictReader(io.StringIO(done.stdout)))


def texts(binary, project, relation):
    """Rows of a relation in the form of `spark_session.texts`."""
    described = []
    for row in sluice(binary, project, f"DESCRIBE {relation}"):
        if row["col_name"].startswith("#") or not row["col_name"]:
            break
        described.append((row["col_name"], row["data_type"]))
    parts = []
    for name, kind in described:
        column = quoted(name)
        if kind.startswith(("struct", "array", "map")):
            value = f"to_json({column})"
        elif kind == "binary":
            value = f"hex({column})"
        else:
            value = f"CAST({column} AS STRING)"
        parts.append(f"coalesce({value}, '\u2205')")
    rows = sluice(binary, project, f"SELECT concat_ws(' | ', {', '.join(parts)}) AS x FROM {relation}")
    return [f"{name} {kind}" for name, kind in described] + sorted(row["x"] for row in rows)


def differences(ours, theirs):
    """The first few lines that one has and the other has not."""
    mine, other = list(ours), list(theirs)
    for line in ours:
        if line in other:
            other.remove(line)
            mine.remove(line)
    return json.dumps({"only ours": mine[:3], "only theirs": other[:3]}, ensure_ascii=False)
