"""Every hour: readings come, the pipeline takes them, a model learns, its scores go into the plan, and everything is counted.

Put this file, or a link to it, into Airflow's folder of DAGs. Settings are variables of Airflow's environment:

    MAINTENANCE_PROJECT    folder of the project        (without it: the folder above the one of this file)
    MAINTENANCE_LAKE       folder or s3:// URI          (the project's `landing`)
    MAINTENANCE_WAREHOUSE  folder or s3:// URI          (the project's `.sluice/warehouse`)
    MAINTENANCE_STREAM     Kinesis stream               (none: the readings are backed up only)
    MAINTENANCE_PYTHON     a Python with maintenance/requirements.txt (`python`)
    SLUICE                 the binary                   (`sluice`)
"""

import os
import pathlib
import shlex
from datetime import datetime, timedelta, timezone

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("MAINTENANCE_PROJECT") or str(pathlib.Path(__file__).resolve().parent.parent)
LAKE = shlex.quote(os.environ.get("MAINTENANCE_LAKE") or f"{PROJECT}/landing")
WAREHOUSE = shlex.quote(os.environ.get("MAINTENANCE_WAREHOUSE") or f"{PROJECT}/.sluice/warehouse")
STREAM = os.environ.get("MAINTENANCE_STREAM")
PYTHON = shlex.quote(os.environ.get("MAINTENANCE_PYTHON", "python"))
SLUICE = shlex.quote(os.environ.get("SLUICE", "sluice"))

# The hour of a run names its readings and its model, so that a task that is tried again does nothing twice.
HOUR = "{{ logical_date.strftime('%Y-%m-%dT%H:00:00Z') }}"
MODEL = "{{ logical_date.strftime('%Y%m%dT%H%M%S') }}"

with DAG(
    dag_id="predictive_maintenance",
    description="Readings to averages, failures to a model, both to a maintenance plan",
    schedule="@hourly",
    start_date=datetime(2026, 11, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    tags=["sluice"],
) as dag:

    def task(task_id, command):
        return BashOperator(task_id=task_id, bash_command=command, cwd=PROJECT)

    stream = f" --stream {shlex.quote(STREAM)}" if STREAM else ""
    generate = task("generate_sensor_data", f"{PYTHON} maintenance/generate.py --lake {LAKE} --from {HOUR}{stream}")
    verify = task("verify_raw_files", f"{PYTHON} maintenance/verify.py --lake {LAKE}")
    # Exit code 99, nothing new, makes Airflow skip this task and what follows.
    run = task("run_pipeline", f"{SLUICE} run --skip-code")
    train = task("train_failure_model", f"{PYTHON} maintenance/train.py --warehouse {WAREHOUSE} --lake {LAKE} --model {MODEL}")
    load = task("load_scores", f"{SLUICE} run --refresh failure_scores,maintenance_plan")
    check = task("check_tables", f"{PYTHON} maintenance/check.py --warehouse {WAREHOUSE} --model {MODEL}")

    generate >> verify >> run >> train >> load >> check
