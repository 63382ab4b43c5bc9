"""One project of the live proof, what is put on its stream, and what must be true of its tables. Must not decide when an engine
dies.
"""

import collections
import json
import os
import pathlib
import random
import subprocess
import threading
import time

import objects
import streams

PIPELINE = """
CREATE OR REFRESH STREAMING TABLE raw AS
SELECT partitionKey, CAST(data AS STRING) AS payload, shardId, sequenceNumber
FROM STREAM read_kinesis(streamName => 'sensors', initialPosition => 'TRIM_HORIZON', consumerMode => 'CONSUMER_MODE');

CREATE OR REFRESH STREAMING TABLE bronze AS
SELECT partitionKey, sequenceNumber, from_json(payload, 'n BIGINT, k BIGINT, value DOUBLE') AS j FROM STREAM(raw);

CREATE OR REFRESH STREAMING TABLE silver (
  CONSTRAINT whole EXPECT (n IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT sane EXPECT (value < 90) ON VIOLATION DROP ROW
) AS SELECT partitionKey AS device, j.n AS n, j.k AS k, j.value AS value FROM STREAM(bronze);

CREATE OR REFRESH STREAMING TABLE alerts AS SELECT n, device FROM STREAM(silver) WHERE value > 80;

CREATE OR REFRESH STREAMING TABLE totals AS
SELECT device, count(*) AS readings, sum(n) AS checksum FROM STREAM(silver) GROUP BY device;

CREATE OR REFRESH MATERIALIZED VIEW gold AS
SELECT device, count(*) AS readings, sum(n) AS checksum FROM silver GROUP BY device;
"""
TABLES = ["raw", "bronze", "silver", "alerts", "totals", "gold"]
DEVICES = 20


class Wrong(Exception):
    """What must be true is not."""


class Producer(threading.Thread):
    """Writes records at a steady rate: each device counts its own, so that their order can be judged."""

    def __init__(self, server, seed, rate):
        super().__init__(daemon=True)
        self.server, self.rng, self.rate = server, random.Random(seed), rate
        self.client = streams.client(server.port)
        self.sent, self.counts, self.broken, self.stopping = [], collections.Counter(), 0, threading.Event()
        self.reshards = collections.Counter()

    def run(self):
        following = time.monotonic()
        while not self.stopping.is_set():
            self.put()
            if self.rng.random() < 0.02:
                try:
                    self.reshards[self.server.reshard("sensors", self.rng)] += 1
                except self.client.exceptions.ClientError:
                    self.reshards["refused"] += 1
            following += 10 / self.rate
            self.stopping.wait(max(0, following - time.monotonic()))

    def put(self):
        """Ten records, each put by itself: PutRecords keeps no order among its records where one of them fails."""
        for _ in range(10):
            n = len(self.sent)
            device = f"device-{self.rng.randrange(DEVICES)}"
            k = self.counts[device]
            text = json.dumps({"n": n, "k": k, "value": float(n % 100)})
            if n % 97 == 0:
                text = "not json" + text
                self.broken += 1
            self.client.put_record(StreamName="sensors", PartitionKey=device, Data=text.encode())
            self.counts[device] += 1
            self.sent.append((n, device, k, n % 97 == 0))

    def stop(self):
        self.stopping.set()
        self.join()


class World:
    """A project over a stream, its warehouse on disk or, where there are `store`d objects, in a bucket."""

    def __init__(self, binary, folder, proxy, store=None, consumer_mode="polling"):
        self.binary, self.folder, self.store = binary, folder, store
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pipeline.sql").write_text(PIPELINE.replace("CONSUMER_MODE", consumer_mode))
        settings = f"kinesis:\n  endpoint: http://127.0.0.1:{proxy.port}\n  region: us-east-1\n"
        self.environment = {**os.environ, **streams.ENVIRONMENT}
        self.warehouse = folder / ".sluice/warehouse"
        if store:
            settings += f"warehouse: s3://lake/wh\ns3:\n  endpoint: {store.endpoint}\n  region: us-east-1\n  request_timeout_seconds: 3\n"
            self.environment.update(objects.ENVIRONMENT)
            self.warehouse = store.folder / "wh"
        (folder / "sluice.yml").write_text(settings)

    def start(self):
        """An engine. Among objects a dead one's lease would hold for half a minute: an operator takes it away, also while its
        holder lives, so that two engines really run at once."""
        if self.store:
            for lease in self.warehouse.glob("_sluice/*/*/lease.json"):
                lease.unlink(missing_ok=True)
        with open(self.folder / "engine.log", "a") as log:
            return subprocess.Popen([self.binary, "run", "--continuous", "--project", str(self.folder)], env=self.environment,
                                    stdout=log, stderr=subprocess.STDOUT)

    def commits(self):
        """Commits of all tables so far."""
        return sum(1 for _ in self.warehouse.glob("main/default/*/_delta_log/*.json"))

    def update(self):
        """A triggered update, which takes what is there."""
        if self.store:
            for lease in self.warehouse.glob("_sluice/*/*/lease.json"):
                lease.unlink(missing_ok=True)
        self.ended("run", "--project", str(self.folder), "--output", "json")

    def sql(self, query):
        return self.ended("sql", "--project", str(self.folder), "--mode", "csv", "-c", query).splitlines()[1:]

    def ended(self, *arguments):
        """What a command that ends well prints. One that met more faults in a row than it asks again for is asked again."""
        for _ in range(3):
            done = subprocess.run([self.binary, *arguments], env=self.environment, capture_output=True, text=True, timeout=600)
            if done.returncode == 0:
                return done.stdout
            if "S3_UNAVAILABLE" not in done.stdout + done.stderr:
                break
        raise Wrong(f"{arguments} ended with exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}")

    def check(self, producer):
        sent = producer.sent
        good = sorted(n for n, _, _, broken in sent if not broken)
        counted = self.sql("SELECT count(*), count(DISTINCT sequenceNumber) FROM raw")[0]
        same("raw, all and counted once", f"{len(sent)},{len(sent)}", counted)
        same("bronze", good, sorted(int(x) for x in self.sql("SELECT j.n FROM bronze WHERE j.n IS NOT NULL")))
        kept = [(n, d) for n, d, _, broken in sent if not broken and n % 100 < 90]
        same("silver", sorted(n for n, _ in kept), sorted(int(x) for x in self.sql("SELECT n FROM silver")))
        same("alerts", sorted(n for n, _ in kept if n % 100 > 80), sorted(int(x) for x in self.sql("SELECT n FROM alerts")))
        groups = collections.defaultdict(lambda: [0, 0])
        for n, device in kept:
            groups[device][0] += 1
            groups[device][1] += n
        lines = self.sql("SELECT 'totals', device, readings, checksum FROM totals UNION ALL SELECT 'gold', device, readings, checksum FROM gold")
        for table in ("totals", "gold"):
            cells = (line.split(",") for line in lines)
            same(table, dict(groups), {c[1]: [int(x) for x in c[2:]] for c in cells if c[0] == table})
        self.check_counters(len(sent), len(good), len(kept))
        self.check_order()
        self.check_transactions()

    def check_counters(self, sent, good, kept):
        counts = self.sql(
            "SELECT e.name, sum(e.passed_records), sum(e.failed_records) FROM (SELECT explode(from_json("
            "details:flow_progress.data_quality.expectations, 'array<struct<name:string,dataset:string,"
            "passed_records:bigint,failed_records:bigint>>')) AS e FROM event_log(TABLE(silver)) "
            "WHERE event_type = 'flow_progress') GROUP BY e.name ORDER BY e.name")
        sane = [n for n in range(sent) if n % 97 != 0 and n % 100 < 90]
        same("event log", [f"sane,{len(sane)},{sent - len(sane)}", f"whole,{good},{sent - good}"], counts)
        assert kept == len(sane)

    def check_order(self):
        """Within a partition key, later batches hold later records: commit order is order of arrival."""
        import pyarrow.parquet as parquet
        table = self.warehouse / "main/default/bronze"
        last = collections.defaultdict(lambda: -1)
        for commit in sorted((table / "_delta_log").glob("*.json")):
            seen = []
            for line in commit.read_text().splitlines():
                action = json.loads(line)
                if "add" in action and action["add"].get("dataChange", True):
                    for row in parquet.read_table(table / action["add"]["path"], columns=["partitionKey", "j"]).to_pylist():
                        if row["j"] and row["j"]["k"] is not None:
                            seen.append((row["partitionKey"], row["j"]["k"]))
            for device, k in sorted(seen):
                if k <= last[device]:
                    raise Wrong(f"order of {device}: record {k} stands in a later commit than {last[device]} ({commit.name})")
                last[device] = k

    def check_transactions(self):
        """Every log has each version once, every application each txn once, and no file is added twice."""
        logs = sorted(self.warehouse.glob("main/default/*/_delta_log"))
        same("tables", sorted(TABLES), [log.parent.name for log in logs])
        for log in logs:
            seen, paths, commits = collections.defaultdict(list), collections.Counter(), sorted(log.glob("*.json"))
            same(f"versions of {log.parent.name}", list(range(len(commits))), [int(commit.stem) for commit in commits])
            for commit in commits:
                for line in commit.read_text().splitlines():
                    action = json.loads(line)
                    if "txn" in action and action["txn"]["appId"].startswith("sluice/"):
                        seen[action["txn"]["appId"]].append(action["txn"]["version"])
                    if "add" in action:
                        paths[action["add"]["path"]] += 1
            same(f"files added twice to {log.parent.name}", [], [path for path, times in paths.items() if times > 1])
            for app, versions in seen.items():
                versions = [v for v in versions if v >= 0 and not app.endswith("/maint")]
                same(f"txn of {app}", list(range(len(versions))), versions)


def same(what, expected, found):
    if expected != found:
        missing = [x for x in expected if x not in found][:40] if isinstance(expected, list) else expected
        surplus = [x for x in found if x not in expected][:40] if isinstance(found, list) else found
        raise Wrong(f"{what} is wrong: missing {str(missing)[:600]}; surplus {str(surplus)[:600]}")
