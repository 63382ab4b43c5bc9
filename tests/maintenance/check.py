"""What tests/maintenance/check asks of Airflow, of the hours that it ran, and of the tables. Must not install anything."""

import pathlib
import subprocess
import sys

from deltalake import DeltaTable

DAG_ID = "predictive_maintenance"
ORDER = [
    "generate_sensor_data", "verify_raw_files", "run_pipeline", "train_failure_model", "load_scores", "check_tables",
]
BIN = pathlib.Path(sys.executable).parent


def airflow(*arguments):
    done = subprocess.run([BIN / "airflow", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"airflow {' '.join(arguments)} ended with {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def equal(found, expected, what):
    if found != expected:
        sys.exit(f"{what}: {found!r}, expected {expected!r}")


def check_dag(project):
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(project / "airflow"))
    equal(dict(bag.import_errors), {}, "import errors")
    equal(list(bag.dags), [DAG_ID], "DAGs")
    dag = bag.dags[DAG_ID]
    equal(str(dag.schedule), "@hourly", "schedule")
    equal(dag.catchup, False, "catchup")
    equal(dag.max_active_runs, 1, "active runs at most")
    equal(sorted(dag.task_ids), sorted(ORDER), "tasks")
    for task, following in zip(ORDER, ORDER[1:] + [None]):
        equal(dag.task_dict[task].downstream_task_ids, {following} - {None}, f"what follows {task}")


def rows(project, table):
    place = project / ".sluice/warehouse/main/predictive_maintenance" / table
    return DeltaTable(str(place)).to_pyarrow_table().to_pylist()


def check_tables(project, hours):
    health, scores = rows(project, "equipment_health"), rows(project, "failure_scores")
    equal(len(rows(project, "bronze_readings")), 50 * hours, "readings")
    equal(sum(row["readings"] for row in health), 50 * hours, "readings in aggregates")
    equal(len(health), 10 * hours, "aggregates")
    equal(len({row["processed_at"] for row in health}), hours, "moments of runs")
    equal(len(scores), 1000 * hours, "scores")
    equal(len({(row["model"], row["part_id"]) for row in scores}), 1000 * hours, "parts scored by a model")
    plan = rows(project, "maintenance_plan")
    equal(len(plan), 10, "machines in the plan")
    equal({row["model"] for row in plan}, {max(row["model"] for row in scores)}, "the model of the plan")
    equal(sum(row["parts"] for row in plan), 1000, "parts in the plan")


def main():
    project = pathlib.Path(sys.argv[1])
    check_dag(project)
    airflow("db", "migrate")
    for hours, hour in enumerate(["2026-11-20T10:00:00+00:00", "2026-11-20T11:00:00+00:00"], start=1):
        airflow("dags", "test", DAG_ID, hour)
        check_tables(project, hours)
    # An hour that is run again puts the same objects under the same names: nothing is new, and nothing is taken twice.
    airflow("dags", "test", DAG_ID, "2026-11-20T11:00:00+00:00")
    check_tables(project, 2)
    print("Airflow parses the DAG and runs its hours; each reading is counted once, each part scored once per model")


if __name__ == "__main__":
    main()
